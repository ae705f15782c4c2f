"""What table is wanted, and where it goes: options, checked before any work is done."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tagger.errors import UsageError
from tagger.files.kinds import IMAGE_SUFFIXES
from tagger.table.formats import Format, LayoutName
from tagger.text import is_url, printable, relative_to, unescape

# What the names of galleries end with.
_PAGE_ENDINGS = (".html", ".htm")


def is_page(output: str | None) -> bool:
    """Whether an output is a gallery, beside which its table lies."""
    return output is not None and os.path.splitext(output)[1].lower() in _PAGE_ENDINGS


def beside_page(page: str, format: Format | None = None) -> str:
    """Return the name of the table of a gallery."""
    return f"{os.path.splitext(page)[0]}{(format or Format.CSV).endings[0]}"


@dataclass(frozen=True)
class TablePlan:
    """A table that is wanted; :meth:`checked` makes one of what a person asked for.

    Attributes:
        output: file name; None or ``-`` for standard output.
        format: None if none was asked for and there is no file.
        excel: whether it is made safe for Excel.
        columns: names of extra ones.
        absolute: whether the table shows absolute paths.
        relative_to: the folder from which on its paths lead; None for as they were given.
        overwrite: whether it replaces whatever is there, of which a copy is kept.
        thumbnails: whether a format that can hold pictures shows the images.
    """

    output: str | None = None
    format: Format | None = None
    layout: LayoutName = LayoutName.WIDE
    excel: bool = False
    columns: tuple[str, ...] = ()
    absolute: bool = False
    relative_to: str | None = None
    overwrite: bool = False
    thumbnails: bool = True

    @classmethod
    def checked(
        cls,
        output: str | None = None,
        format: Format | None = None,
        layout: LayoutName = LayoutName.WIDE,
        *,
        excel: bool = False,
        columns: Sequence[str] = (),
        absolute: bool = False,
        relative_to: str | None = None,
        overwrite: bool = False,
        thumbnails: bool = True,
    ) -> TablePlan:
        """Check what was asked for, as above; without a format, the file's ending tells it.

        Each of the columns' names may be several, joined by commas.

        Raises:
            UsageError: the file's ending names no format, or an image; a column is unknown; options
                contradict each other.
            MissingExtraError: the format's library is not installed.
        """
        extras = tuple(_column_names(columns))
        # Who asks for columns asks for a table, as who names a format does.
        settled = _format(output, format) or (Format.CSV if extras else None)
        if settled is not None and excel and not settled.for_excel:
            raise UsageError(
                f"--excel is for csv, tsv and xlsx, not for {settled}.", "excel", "format", "output"
            )
        if settled is not None and not settled.is_text:
            settled.book(f"The format {settled}")
        if absolute and relative_to is not None:
            raise UsageError(
                "--absolute and --relative-to cannot be combined.", "absolute", "relative-to"
            )
        if relative_to is not None and not os.path.isdir(relative_to):
            raise UsageError(
                f"--relative-to {printable(relative_to)}: no such folder.", "relative-to"
            )
        shape = (output, settled, layout, excel, extras)
        return cls(*shape, absolute, relative_to, overwrite, thumbnails)

    @property
    def is_text(self) -> bool:
        """Whether its rows are a table as soon as they are written."""
        return self.format is None or self.format.is_text

    @property
    def is_file(self) -> bool:
        """Whether the table becomes a file, which can be resumed; a device cannot."""
        from tagger.table.sink import is_stream

        return self.output not in (None, "-") and not is_stream(str(self.output))

    @property
    def is_asked_for(self) -> bool:
        """Whether somebody asked for a table; where not, there is none beside sidecars."""
        return self.output is not None or self.format is not None

    def spelling(self) -> Callable[[str], str]:
        """Return a function: an image's path → the path that the table shows."""
        if self.absolute:
            return lambda path: path if is_url(path) else os.path.abspath(path)
        return str if self.relative_to is None else relative_to(self.relative_to)

    def order(self) -> Callable[[str], str] | None:
        """Return a function: path that the table shows → what its rows are sorted by.

        That is the absolute path where the table shows other paths than those that were given, so
        that it can be told from the table alone. None if they are as given, which sorts them.
        """
        if not self.absolute and self.relative_to is None:
            return None
        # As relative paths that lead out of the folder do.
        base = os.path.realpath(self.relative_to or "")
        return lambda shown: shown if is_url(shown) else os.path.normpath(os.path.join(base, shown))

    def is_relative(self, paths: Iterable[str]) -> bool:
        """Return whether the table's paths, of images given so, lead from the working folder."""
        if self.absolute or self.relative_to is not None:
            return False
        return not all(is_url(path) or os.path.isabs(path) for path in paths)

    def place(self, path: str) -> str:
        """Return where an image is whose path the table spells so."""
        file = unescape(path)
        return file if is_url(file) else os.path.join(self.relative_to or "", file)


def _format(output: str | None, wanted: Format | None) -> Format | None:
    if output is None or output == "-":
        return wanted or (Format.CSV if output == "-" else None)
    ending = os.path.splitext(output)[1].lower()
    if ending in IMAGE_SUFFIXES:
        raise UsageError(f"-o {output}: a table cannot be written to an image file.", "output")
    named = next((one for one in Format if ending in one.endings), None)
    if wanted is None and named is None:
        *others, last = [one.endings[0] for one in Format]
        raise UsageError(
            f"-o {output}: '{ending}' is not the extension of a table format: use "
            f"{', '.join(others)} or {last}, or pass --format.",
            "output",
        )
    return wanted or named


def _column_names(texts: Sequence[str]) -> Iterator[str]:
    """Each name once, in the order given."""
    if not texts:  # tables without extra columns are the rule: load nothing for them here
        return
    from tagger.table.columns import EXTRA_COLUMNS

    for name in dict.fromkeys(name.strip() for text in texts for name in text.split(",")):
        if name not in EXTRA_COLUMNS:
            known = ", ".join(EXTRA_COLUMNS)
            raise UsageError(f"--columns: unknown column '{name}'; available: {known}.", "columns")
        yield name
