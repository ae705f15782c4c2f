"""Where the bytes of a table go: a stream, or a file that takes its name when it is finished."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tagger.errors import OutputError, os_reason
from tagger.files.rights import is_read_only
from tagger.files.write import beside, opener, take_place
from tagger.text import harmless, printable

if TYPE_CHECKING:
    from typing_extensions import Buffer

_FLUSH_BYTES = 64 * 1024
_FLUSH_SECONDS = 0.5


class ReaderGone(Exception):  # noqa: N818 (no error: nothing is wrong)
    """Whoever read our standard output has closed it, so nothing is left to do."""


class Sink:
    """Takes whole rows as bytes.

    A file is there whole or not at all: it is written beside as ``NAME.new`` and renamed when it is
    finished; when the run is cut short, it is removed. A stream has what it was given.

    Some formats can be read only once they have their end. Without :meth:`end` a file of such a
    format is removed, and a stream gets nothing more.

    Args:
        target: file name, or None for standard output.
        needs_end: whether the format is one of those.

    Attributes:
        broken: whether nothing more can be written.
        beside: the file that is written until it takes its name; None for a stream.
    """

    def __init__(self, target: str | None, *, needs_end: bool = False) -> None:
        self._target = target
        self._readable = not needs_end
        self.broken = False
        self.beside: str | None = None
        self._file: BinaryIO
        self._pending = bytearray()
        self._flushed_at = time.monotonic()
        self._watched = False

    def is_terminal(self) -> bool:
        """Return whether a person watches the rows."""
        return self._target is None and sys.stdout.isatty()

    def __enter__(self) -> Sink:
        """Open the target, or raise OutputError."""
        if self._target is None:
            self._file = sys.stdout.buffer
            self._watched = self.is_terminal()
            return self
        place = None if is_stream(self._target) else beside(self._target)
        try:
            self._file = open(place or self._target, "wb", buffering=0, opener=opener)
            self.beside = place
        except OSError as error:
            raise self.failure(error) from None
        return self

    def write(self, row: bytes) -> None:
        """Take one row, or several; what could drive a terminal is escaped on its way there.

        Raises:
            OutputError: the disk is full, or gone.
            ReaderGone: standard output was closed by its reader.
        """
        if self._watched:
            row = harmless(row.decode("utf-8"), keep="\n\t").encode()
        self._pending += row
        late = time.monotonic() - self._flushed_at > _FLUSH_SECONDS
        if late or len(self._pending) >= _FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Hand over what is pending; errors as in :meth:`write`."""
        data, self._pending = self._pending, bytearray()
        self._flushed_at = time.monotonic()
        try:
            view = memoryview(data)
            while view:  # an unbuffered file may take less than it is given
                view = view[self._file.write(view) :]
            if self._target is None:
                self._file.flush()
        except BrokenPipeError:
            self.broken = True
            raise ReaderGone from None
        except OSError as error:
            self.broken = True
            raise self.failure(error) from None

    def end(self) -> None:
        """Hand over the rest: with what was written so far the file can be read."""
        self.flush()
        self._readable = True

    def failure(self, error: OSError) -> OutputError:
        """Return the sentence that says why the target cannot be written."""
        return OutputError(f"{self.name} cannot be written: {os_reason(error)}.")

    @property
    def name(self) -> str:
        """What to call it in a message."""
        return printable(self._target) if self._target else "standard output"

    def __exit__(self, *raised: object) -> None:
        """Finish: flush, close, and give the file its name."""
        try:
            if self._readable and not self.broken:
                self.flush()
        finally:
            interrupted = any(raised) or sys.exc_info()[0] is not None
            self._close(interrupted=interrupted or not self._readable)

    def _close(self, *, interrupted: bool) -> None:
        if self._target is None:
            return
        try:
            with self._file:
                if self.beside and not interrupted:
                    os.fsync(self._file.fileno())
            if self.beside and not interrupted:
                take_place(self.beside, self._target)
        except OSError as error:
            interrupted = True
            raise self.failure(error) from None
        finally:
            if self.beside and interrupted:
                with contextlib.suppress(OSError):
                    os.unlink(self.beside)


class SinkFile(io.RawIOBase):
    """A sink as the file object that libraries write to: forwards only, from where it starts."""

    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self._sink = sink
        self._place = 0

    def writable(self) -> bool:
        """Say yes."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Take all of the data; errors as in :meth:`Sink.write`.

        A library whose write failed may try again when it is taken down: that goes nowhere.
        """
        size = memoryview(data).nbytes
        if not self._sink.broken:
            self._sink.write(bytes(data))
        self._place += size
        return size

    def flush(self) -> None:
        """Do nothing: the sink knows when, and a library may ask after everything is closed."""

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._place


def is_stream(target: str) -> bool:
    """Return whether a file is a pipe or a device: they have no beside to write to, and no end."""
    try:
        return not stat.S_ISREG(os.stat(target).st_mode)
    except OSError:
        return False


def check_target(target: str) -> None:
    """Raise OutputError for a target that is read-only, or whose folder is not there."""
    folder = Path(target).absolute().parent
    if not folder.is_dir():
        raise OutputError(f"{printable(target)} cannot be written: there is no folder {folder}.")
    with contextlib.suppress(OSError):  # it is not there
        if is_read_only(target):
            raise OutputError(f"{printable(target)} cannot be written: it is read-only.")
