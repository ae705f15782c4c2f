"""An image's file as its decoder reads it: only regular files, and not forever."""

from __future__ import annotations

import io
import os
import stat
import struct
from typing import Final

from tagger.decode.budget import Attempt, ImageError
from tagger.stores.item import Item, WholeFile
from tagger.stores.paths import container_of
from tagger.stores.store import find

# Headers of real images take a few hundred reads. Each may leave something in memory, so a file
# that consists only of headers would fill it.
_MOST_READS_OF_HEADER = 500_000

#: Values of one entry. A tall image with one strip per row has 100,000; each becomes an object, and
#: each strip several, of about 300 bytes together.
_MOST_VALUES: Final = 300_000

#: Bytes of EXIF that are looked at. A JPEG's has at most 64 kB; lists of numbers make others long.
MOST_EXIF: Final = 1024**2

# Tags used for reading pixels: TIFF 6.0, sections 3 to 23.
_FIRST_TAG: Final = 254
_LAST_TAG: Final = 532
_OFFSETS: Final = (273, 324)
# Types that stay bytes: ASCII and UNDEFINED.
_BYTES: Final = (2, 7)


class ImageFile(io.BufferedReader):
    """A file that is read only through Python.

    Decoders get no descriptor: libtiff would map the file into memory, and if another program
    truncated the file in the meantime, the process would crash.

    Attributes:
        size: of the file when it was opened, in bytes.
        attempt: what reading it may cost.
        header_bytes: number of bytes read before the first pixel.
        in_memory: bytes of the file itself that are in memory.
    """

    def __init__(self, source: io.RawIOBase, size: int, attempt: Attempt) -> None:
        super().__init__(source)
        self.size = size
        self.in_memory = 0
        self.attempt = attempt
        self.header_bytes = 0
        self._header_reads: int | None = 0

    def begin_header(self) -> None:
        """Go to the start; what is read next comes before the first pixel."""
        self.seek(0)
        self.header_bytes = 0
        self._header_reads = 0

    def end_header(self) -> None:
        """Mark the end of the header: what is read next are pixels."""
        self._header_reads = None

    def skip_header(self, size: int) -> None:
        """Go behind a header, which is known to be that long and needs not be read."""
        self.seek(size)
        self.header_bytes = size

    def read(self, size: int | None = -1, /) -> bytes:
        """Read; errors as in :meth:`tagger.decode.budget.Attempt.look`."""
        size = -1 if size is None else size
        self.attempt.look(size)
        data = super().read(size)
        if self._header_reads is not None:
            self._header_reads += 1
            self.header_bytes += len(data)
            if self._header_reads > _MOST_READS_OF_HEADER:
                raise ImageError("damaged image: its header has no end")
            if self.header_bytes > self.attempt.memory.limit:
                raise ImageError("damaged image: its header does not fit into memory")
        return data

    def let_go(self) -> None:
        """Free memory that holds the file itself; it is loaded again when it is read."""

    def fileno(self) -> int:
        """Refuse."""
        raise io.UnsupportedOperation("read it through Python")


def open_file(path: str | os.PathLike[str], attempt: Attempt) -> ImageFile:
    """Open an image's file.

    Raises:
        ImageError: it is not a regular file, or empty; or an archive or a store refuses it.
        OSError: it cannot be opened.
    """
    try:
        status = os.stat(path)
    except OSError:
        if (file := _elsewhere(os.fspath(path), attempt)) is not None:
            return file
        raise
    # Checked before it is opened: opening a pipe waits, and opening a device may start it.
    if stat.S_ISDIR(status.st_mode):
        raise ImageError("a folder, not an image")
    if not stat.S_ISREG(status.st_mode):
        raise ImageError("not a regular file")
    if status.st_size == 0:
        raise ImageError("the file is empty")
    return ImageFile(io.FileIO(path, "rb"), status.st_size, attempt)


class _LoadedFile(ImageFile):
    """An image from an archive or another machine; it is loaded when it is first read."""

    def __init__(self, item: Item, attempt: Attempt) -> None:
        self._whole = WholeFile(item.size, self._load)
        self._item = item
        super().__init__(self._whole, item.size, attempt)
        self.in_memory = item.size

    def let_go(self) -> None:
        """Free the memory."""
        self._whole.let_go()

    def _load(self) -> bytes:
        # Held already, but by a process that asks another one for memory.
        if not self.attempt.needs(self.size):
            self.attempt.wait_for(self.size)
        return self._item.load(self.attempt.look)


def _elsewhere(path: str, attempt: Attempt) -> ImageFile | None:
    """Open an image that is not a file of this machine; errors as above."""
    item = find(path)
    if item is None:
        if container_of(path) is not None:
            raise ImageError("no such file in its archive")
        return None
    if item.refused is not None:
        raise ImageError(item.refused)
    if item.size == 0:
        raise ImageError("the file is empty")
    if item.size > attempt.memory.limit:
        raise ImageError(
            f"its {mebibytes(item.size)} are above the limit of {mebibytes(attempt.memory.limit)} "
            "of memory"
        )
    return _LoadedFile(item, attempt)


def mebibytes(size: int) -> str:
    """Return a size in bytes as text, rounded up."""
    return f"{-(-size // 2**20):,} MB"


def refuse_long_tables(file: ImageFile) -> None:
    """Check the first directory of a TIFF: it could take far more memory than its size in the file.

    The file is positioned at its start, and left there.

    Raises:
        ValueError: an entry has more values than an image needs.
    """
    head = file.peek(16)[:16]
    if len(head) < 16 or head[:2] not in (b"II", b"MM") or not {42, 43} & set(head[2:4]):
        return
    order = "<" if head[:2] == b"II" else ">"
    is_big = head[2] == 43  # the test Pillow uses
    place, count, entry = ("Q", "Q", "HHQ8x") if is_big else ("L", "H", "HHL4x")
    (start,) = struct.unpack_from(order + place, head, 8 if is_big else 4)
    try:
        file.seek(start)
        size = struct.calcsize(order + count)
        (entries,) = struct.unpack(order + count, file.read(size))
        size = struct.calcsize(order + entry)
        table = file.read(min(entries, 65_535) * size)
    except (OSError, OverflowError, ValueError, struct.error):  # damage is reported later
        return
    finally:
        file.begin_header()
    whole = memoryview(table)[: len(table) // size * size]
    for tag, kind, values in struct.iter_unpack(order + entry, whole):
        if values <= _MOST_VALUES or not _FIRST_TAG <= tag <= _LAST_TAG:
            continue
        if tag in _OFFSETS or kind not in _BYTES:
            raise ValueError(f"{values:,} values in one entry of its directory")
