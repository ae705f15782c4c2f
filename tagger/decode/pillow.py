"""Pillow, used without changing its settings: they belong to the whole process, not to us.

``Image.open`` checks a limit that is one variable for all threads and warns from half of it on;
here an image is opened without that check, and :mod:`tagger.decode.picture` applies its own limit.
(The plugins of TIFF and WebP check once more by themselves; by default their limit is ours.)
Warnings about damaged metadata are left to whoever owns the process: the command hides them.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from PIL import AvifImagePlugin, Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile as PillowFile

from tagger.decode.file import ImageFile
from tagger.decode.jpeg import PlainJpeg, is_jpeg

#: What Pillow may try to open. An explicit list: its EPS reader starts Ghostscript, and every
#: other reader (PSD, FITS, ICNS, …) only widens what a hostile file can reach.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF", "JPEG2000")

_BYTES_THAT_TELL_FORMATS = 64

_avif_lock = threading.Lock()
_avif_users = 0
_avif_before = 0


def open_image(file: ImageFile) -> PillowFile:
    """Open an image as ``Image.open`` does, of any size; no pixel is decoded yet.

    Raises:
        UnidentifiedImageError: it is in none of :data:`FORMATS`, or damaged.
        Exception: whatever a plugin raises on damaged bytes.
    """
    head = file.read(_BYTES_THAT_TELL_FORMATS)
    for opens, accepts in _readers():
        try:
            # A text instead of True says that this Pillow was built without the format.
            if accepts is None or accepts(head) is True:
                file.seek(0)
                return opens(file, "")
        except (SyntaxError, IndexError, TypeError, struct.error):  # another format may fit
            continue
    from tagger.decode.extras import reader_of_extra

    if (opens_extra := reader_of_extra(head)) is not None:
        file.seek(0)
        return opens_extra(file)
    raise UnidentifiedImageError


def _readers() -> Iterator[tuple[Callable[..., PillowFile], Callable[[bytes], Any] | None]]:
    """Yield what opens a file of each format, and what accepts it by its first bytes."""
    yield PlainJpeg, is_jpeg
    # Each registers its format with Pillow; `Image.open` would import forty others to find these.
    # Most posters are done by now, and a process that decodes nothing else starts sooner.
    from PIL import (  # noqa: F401
        BmpImagePlugin,
        GifImagePlugin,
        Jpeg2KImagePlugin,
        JpegImagePlugin,
        PngImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )

    yield from map(Image.OPEN.__getitem__, FORMATS)


@contextmanager
def one_thread_per_image() -> Iterator[None]:
    """Let one thread decode an AVIF while this lasts: many workers have an image each.

    Pillow has no option for it but one of the whole process (python-pillow/Pillow#569), so it is
    set for as long as anybody needs it, and then put back.
    """
    global _avif_users, _avif_before  # noqa: PLW0603 (Pillow's setting is global, too)
    with _avif_lock:
        if not _avif_users:
            _avif_before = AvifImagePlugin.DEFAULT_MAX_THREADS
            AvifImagePlugin.DEFAULT_MAX_THREADS = 1
        _avif_users += 1
    try:
        yield
    finally:
        with _avif_lock:
            _avif_users -= 1
            if not _avif_users:
                AvifImagePlugin.DEFAULT_MAX_THREADS = _avif_before
