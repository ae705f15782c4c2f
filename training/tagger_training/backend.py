"""Keras and TensorFlow, imported without notices and without a look at the network.

Every module of training and export takes them from here.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

_SETTINGS = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}


@contextmanager
def quiet_import() -> Iterator[None]:
    """Import TensorFlow, or what imports it, and leave the process's settings as they were.

    TensorFlow and tf2onnx import urllib3, which then opens a socket to see whether the system has
    IPv6. Nothing here opens one, so for as long as they are imported there is none.
    """
    added = {name: value for name, value in _SETTINGS.items() if name not in os.environ}
    has_ipv6 = socket.has_ipv6
    os.environ.update(added)
    socket.has_ipv6 = False
    try:
        yield
    finally:
        socket.has_ipv6 = has_ipv6
        for name in added:
            os.environ.pop(name, None)


with quiet_import():
    import keras as keras
    from keras import layers as layers
