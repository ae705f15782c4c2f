"""A Keras model → one verified .onnx file with its card inside."""

import tagger.network.ort  # noqa: F401 (imports ONNX Runtime first, and without its telemetry)
