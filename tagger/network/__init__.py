"""Pixels → scores: model files, their cards, and the runtimes that run them."""
