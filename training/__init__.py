"""A labelled table and a folder of images → a Keras model, its metrics and its report."""

from __future__ import annotations

import logging
import os

# Before TensorFlow is imported: its start-up notices are of no use to who trains a tagger.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
logging.getLogger("tensorflow").setLevel(logging.ERROR)
