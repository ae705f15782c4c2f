"""The command line to a sorted stream of image paths."""
