"""Tag images with genres, offline: everything that runs at tagging time."""

__version__ = "0.1.0"
