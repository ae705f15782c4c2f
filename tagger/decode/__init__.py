"""One image file → pixels, within a budget of time and memory."""
