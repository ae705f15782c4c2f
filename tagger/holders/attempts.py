"""As :mod:`tagger.holders.sidecars`."""

from tagger.holders.sidecars import SidecarWriter as Attempts

__all__ = ["Attempts"]
