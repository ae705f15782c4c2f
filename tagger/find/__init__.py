"""The command line → a sorted stream of image paths."""
