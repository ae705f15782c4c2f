"""A labelled table and a folder of images → a Keras model, its metrics and its report."""

from __future__ import annotations

import logging
import os
import socket

# Before TensorFlow is imported: its start-up notices are of no use to who trains a tagger.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
logging.getLogger("tensorflow").setLevel(logging.ERROR)

# TensorFlow and tf2onnx import urllib3, which then opens a socket to see whether the system has
# IPv6. Nothing here opens one: it shall believe that there is none.
socket.has_ipv6 = False
