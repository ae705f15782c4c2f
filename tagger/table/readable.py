"""One readable line an image, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from tagger.results import Failed, Result
from tagger.table.sink import Sink
from tagger.text import as_given, printable


class ReadableWriter:
    """Writes ``path: Drama 62 %, Comedy 41 %``.

    Args:
        sink: where the bytes go.
        spell: an image's path → the path that is shown.
    """

    def __init__(self, sink: Sink, spell: Callable[[str], str] = as_given) -> None:
        self._sink = sink
        self._spell = spell

    def __enter__(self) -> ReadableWriter:
        """Open the sink."""
        self._sink.__enter__()
        return self

    def write(self, result: Result) -> None:
        """Write one line, at once; errors as in :meth:`Sink.write`."""
        if isinstance(result, Failed):
            text = f"failed: {result.reason}"
        else:
            text = ", ".join(f"{tag.name} {tag.score:.0%}" for tag in result.tags) or "no tags"
        self._sink.write(f"{printable(self._spell(result.path))}: {text}\n".encode())
        self._sink.flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the sink."""
        self._sink.__exit__(kind, error, trace)
