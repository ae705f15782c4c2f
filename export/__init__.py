"""A Keras model → one verified .onnx file with its card inside."""
