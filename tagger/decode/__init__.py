"""One image file to pixels, within a budget of time and memory."""
