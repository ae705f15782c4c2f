"""An image's file as its decoder reads it: only regular files, and not forever."""

from __future__ import annotations

import io
import os
import stat

from tagger.decode.budget import Attempt, ImageError

# Headers of real images take a few hundred reads. Each may leave something in memory, so a file
# that consists only of headers would fill it.
_MOST_READS_OF_HEADER = 500_000


class ImageFile(io.BufferedReader):
    """A file that is read only through Python.

    Decoders get no descriptor: libtiff would map the file into memory, and if another program
    truncated the file in the meantime, the process would crash.

    Args:
        path: of a regular file, or of a link to one.
        attempt: checked before each read for time left.

    Attributes:
        size: of the file when it was opened, in bytes.
        header_bytes: number of bytes read before the first pixel.

    Raises:
        ImageError: it is not a regular file, or empty.
        OSError: it cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str], attempt: Attempt) -> None:
        status = os.stat(path)
        # Checked before it is opened: opening a pipe waits, and opening a device may start it.
        if stat.S_ISDIR(status.st_mode):
            raise ImageError("a folder, not an image")
        if not stat.S_ISREG(status.st_mode):
            raise ImageError("not a regular file")
        if status.st_size == 0:
            raise ImageError("the file is empty")
        super().__init__(io.FileIO(path, "rb"))
        self.size = status.st_size
        self._attempt = attempt
        self.begin_header()

    def begin_header(self) -> None:
        """Go to the start; what is read next comes before the first pixel."""
        self.seek(0)
        self.header_bytes = 0
        self._header_reads: int | None = 0

    def end_header(self) -> None:
        """Mark the end of the header: what is read next are pixels."""
        self._header_reads = None

    def read(self, size: int | None = -1, /) -> bytes:
        """Read; errors as in :meth:`tagger.decode.budget.Attempt.look`."""
        size = -1 if size is None else size
        self._attempt.look(size)
        data = super().read(size)
        if self._header_reads is not None:
            self._header_reads += 1
            self.header_bytes += len(data)
            if self._header_reads > _MOST_READS_OF_HEADER:
                raise ImageError("damaged image: its header has no end")
            if self.header_bytes > self._attempt.memory.limit:
                raise ImageError("damaged image: its header does not fit into memory")
        return data

    def fileno(self) -> int:
        """Refuse."""
        raise io.UnsupportedOperation("read it through Python")
