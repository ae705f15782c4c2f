"""A Keras model → one verified .onnx file with its card inside."""

import tagger_training  # noqa: F401 (it prepares what TensorFlow finds when it is imported)
