"""Results → files and streams: one module a format, each writer a context manager."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

from tagger.results import Result


class Writer(Protocol):
    """Takes results one by one; leaving the context finishes what was written.

    Left by an exception it keeps every whole result that it was given.
    """

    def __enter__(self) -> Writer:
        """Open what is written to; unusable outputs fail here, before any work is done."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish."""

    def write(self, result: Result) -> None:
        """Take one result."""
