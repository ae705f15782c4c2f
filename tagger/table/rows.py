"""A table's header and rows, read as a stream, whatever its format is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Self, TypeAlias

from tagger.errors import TableError

# Longer than any line that a table of ours has; a file without line ends must not fill memory.
LONGEST_LINE = 1 << 26

#: The cells of a row, whatever the format makes of them.
Cells: TypeAlias = Sequence[object]


class TableRows:
    """The rows of a table; a context that lets go of the file, as the end of the rows does.

    Args:
        name: the file, for messages.
        header: the columns' names.
        rows: the rows; each as long as the header.
        close: lets go of the file.
        edited: whether rows may be shorter, or have empty cells more.
    """

    def __init__(
        self,
        name: str,
        header: Cells,
        rows: Iterator[Cells],
        close: Callable[[], None],
        *,
        edited: bool = False,
    ) -> None:
        self.name = name
        self.header = tuple("" if cell is None else str(cell) for cell in header)
        self._rows = rows
        self._close = close
        self._edited = edited

    def __enter__(self) -> Self:
        """Do nothing: the file is open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file."""
        self._close()

    def __iter__(self) -> Iterator[tuple[int, Cells]]:
        """Yield number and cells of each row; then the file is closed, so it can be replaced."""
        for number, given in enumerate(self._rows, start=1):
            cells = self._fitted(given) if self._edited else given
            if len(cells) != len(self.header):
                raise TableError(
                    f"{self.name} is damaged: row {number:,} has {len(cells)} cells instead of "
                    f"{len(self.header)}."
                )
            yield number, cells
        self._close()

    def _fitted(self, cells: Cells) -> Cells:
        """Excel leaves out empty cells at the end of rows, others add some."""
        width = len(self.header)
        if any(cell not in (None, "") for cell in cells[width:]):
            return cells
        return [*cells[:width], *[None] * (width - len(cells))]
