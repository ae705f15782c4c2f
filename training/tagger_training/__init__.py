"""A labelled table and a folder of images → a Keras model, its metrics and its report."""
