"""The table that a command writes: the options that shape it, and the writer that follows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from tagger.cli.extras import needs_extra
from tagger.cli.options.groups import OptionGroup
from tagger.errors import UsageError

if TYPE_CHECKING:
    from tagger.cli.progress import TagProgress
    from tagger.network.card import ModelCard
    from tagger.results import Result
    from tagger.runs.table import RunTable
    from tagger.table.columns import Row
    from tagger.table.sink import Sink
    from tagger.table.writer import Writer


class Format(StrEnum):
    """Formats of the table."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    XLSX = "xlsx"


_FORMATS_BY_ENDING = {
    ".csv": Format.CSV,
    ".tsv": Format.TSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".parquet": Format.PARQUET,
    ".xlsx": Format.XLSX,
}

#: Formats that a library of an extra of the same name writes; they are no text.
_BINARY = (Format.PARQUET, Format.XLSX)


class LayoutName(StrEnum):
    """Shapes of the table."""

    WIDE = "wide"
    LIST = "list"
    LONG = "long"


@dataclass(frozen=True, kw_only=True)
class TableOptions(OptionGroup):
    """The table: where it goes, and its shape."""

    panel: ClassVar[str] = "Table"

    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE", help="Table file; default: stdout."),
    ] = None
    format: Annotated[
        Format | None,
        typer.Option("-f", "--format", help="Table format; default: the file's ending, or csv."),
    ] = None
    layout: Annotated[
        LayoutName,
        typer.Option(
            "--layout",
            help="wide: tags and a column a label with its probability; list: tags only; "
            "long: a row a tag.",
        ),
    ] = LayoutName.WIDE
    excel: Annotated[
        bool,
        typer.Option(
            "--excel",
            help="CSV and TSV: byte order mark; cells that would run as formulas get a '.",
        ),
    ] = False
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--columns",
            metavar="NAME,NAME",
            help="Extra columns: folder, name, title, year, width, height, bytes, sha256.",
        ),
    ] = None
    absolute: Annotated[bool, typer.Option("--absolute", help="Absolute paths in the table.")] = (
        False
    )
    relative_to: Annotated[
        str | None,
        typer.Option("--relative-to", metavar="DIR", help="Paths from DIR on in the table."),
    ] = None

    def plan(self) -> TablePlan:
        """Check what was asked for.

        Raises:
            UsageError: the file's ending names no format, or an image; a column is unknown; options
                contradict each other.
            MissingExtraError: the format's library is not installed.
        """
        return table_options(
            self.output,
            self.format,
            self.layout,
            excel=self.excel,
            columns=self.columns or (),
            absolute=self.absolute,
            relative_to=self.relative_to,
        )


@dataclass(frozen=True)
class TablePlan:
    """What the table is, and where it goes.

    Attributes:
        output: file name; None or ``-`` for standard output.
        format: None where none was asked for and there is no file.
        layout: its shape.
        excel: whether it is made safe for Excel.
        columns: extra columns.
        spell: an image's path → the path that the table shows.
        absolute: whether that is an absolute path.
        relative_to: the folder from which on it leads; None for as it was given.
    """

    output: str | None
    format: Format | None
    layout: LayoutName
    excel: bool
    columns: tuple[str, ...]
    spell: Callable[[str], str]
    absolute: bool = False
    relative_to: str | None = None

    @property
    def is_binary(self) -> bool:
        """Whether the format is no text."""
        return self.format in _BINARY

    @property
    def is_file(self) -> bool:
        """Whether the table becomes a file, which can be taken up again; a device cannot."""
        from tagger.table.sink import is_stream

        return self.output not in (None, "-") and not is_stream(str(self.output))


def table_options(
    output: str | None,
    format: Format | None,
    layout: LayoutName,
    *,
    excel: bool,
    columns: Sequence[str],
    absolute: bool,
    relative_to: str | None,
) -> TablePlan:
    """Check what was asked for; each argument is an option's value.

    Raises:
        UsageError: the file's ending names no format, or an image; a column is unknown; options
            contradict each other.
        MissingExtraError: the format's library is not installed.
    """
    extras = tuple(_column_names(columns))
    # Who asks for columns asks for a table, as who names a format does.
    settled = _format(output, format) or (Format.CSV if extras else None)
    if excel and settled in (Format.JSONL, Format.PARQUET):
        raise UsageError(f"--excel is for csv, tsv and xlsx, not for {settled}.")
    if settled in _BINARY:
        with needs_extra(f"The format {settled}", settled):
            import_module(f"tagger.table.{settled}")
    spell = _spelling(absolute=absolute, folder=relative_to)
    return TablePlan(output, settled, layout, excel, extras, spell, absolute, relative_to)


def _format(output: str | None, wanted: Format | None) -> Format | None:
    from tagger.files import IMAGE_SUFFIXES

    if output is None or output == "-":
        return wanted or (Format.CSV if output == "-" else None)
    ending = os.path.splitext(output)[1].lower()
    if ending in IMAGE_SUFFIXES:
        raise UsageError(f"-o {output}: a table does not go into an image file.")
    if wanted is None and ending not in _FORMATS_BY_ENDING:
        raise UsageError(
            f"-o {output}: no table format has the ending '{ending}': use .csv, .tsv, .jsonl, "
            ".parquet or .xlsx, or say --format."
        )
    return wanted or _FORMATS_BY_ENDING[ending]


def _column_names(texts: Sequence[str]) -> Iterator[str]:
    """Each name once, in the order given."""
    if not texts:  # tables without extra columns are the rule: load nothing for them here
        return
    from tagger.table.columns import EXTRA_COLUMNS

    for name in dict.fromkeys(name.strip() for text in texts for name in text.split(",")):
        if name not in EXTRA_COLUMNS:
            known = ", ".join(EXTRA_COLUMNS)
            raise UsageError(f"--columns: there is no column '{name}'; there are {known}.")
        yield name


def _spelling(*, absolute: bool, folder: str | None) -> Callable[[str], str]:
    from tagger.text import as_given, printable, relative_to

    if absolute and folder is not None:
        raise UsageError("--absolute and --relative-to exclude each other: give one of them.")
    if absolute:
        return os.path.abspath
    if folder is None:
        return as_given
    if not os.path.isdir(folder):
        raise UsageError(f"--relative-to {printable(folder)}: there is no such folder.")
    return relative_to(folder)


def table_sink(options: TablePlan, *, beside_sidecars: bool) -> Sink | None:
    """Return the stream that the table goes to, or None where there is none, or it is a file.

    Args:
        options: of the table.
        beside_sidecars: whether sidecars are written: then nobody asked for a table but by -o or
            --format.

    Raises:
        UsageError: a format that is no text would go to a terminal.
    """
    from tagger.table.sink import Sink

    if options.output is None and beside_sidecars and options.format is None:
        return None
    needs_end = options.format in _BINARY
    if options.is_file:
        return None
    if options.output is not None and options.output != "-":
        return Sink(options.output, needs_end=needs_end)
    sink = Sink(None, needs_end=needs_end)
    if needs_end and sink.is_terminal():
        raise UsageError(
            f"A table in {options.format} is not for a terminal: say -o FILE, or send it through "
            "a pipe."
        )
    return sink


def table_writer(sink: Sink, card: ModelCard, options: TablePlan, progress: TagProgress) -> Writer:
    """Return what writes the table: readable lines on a terminal, unless a format was asked for.

    Raises:
        OutputError: the format cannot hold the table.
        UsageError: a label has the name of an extra column.
    """
    from tagger.table.layouts import layout
    from tagger.table.readable import ReadableWriter
    from tagger.table.text import TableWriter

    if options.format is None and sink.is_terminal():
        return ReadableWriter(sink, options.spell)
    shape = layout(options.layout, card.labels, extras=options.columns, spell=options.spell)
    if options.format is Format.PARQUET:
        from tagger.table.parquet import ParquetWriter

        return ParquetWriter(sink, shape)
    if options.format is Format.XLSX:
        from tagger.table.xlsx import XlsxWriter

        return XlsxWriter(sink, shape, cut=progress.failed)
    return TableWriter(sink, shape, options.format or Format.CSV, excel=options.excel)


def run_table(card: ModelCard, options: TablePlan, progress: TagProgress) -> RunTable:
    """Return what a run must know of a table that becomes a file.

    Args:
        card: of the model that tags.
        options: of the table.
        progress: told of what a cell cannot hold.

    Raises:
        OutputError: the format cannot hold the table.
        UsageError: a label has the name of an extra column.
    """
    from tagger.runs.table import RunTable
    from tagger.table.layouts import layout
    from tagger.table.text import TextEncoding
    from tagger.text import escape, printable

    shape = layout(options.layout, card.labels, extras=options.columns, spell=options.spell)
    header = shape.header

    def rows(result: Result) -> list[Row]:
        return list(shape.rows(result))

    def spell(path: str) -> str:
        return escape(options.spell(path))

    if options.format is Format.PARQUET:
        from tagger.table.parquet import ParquetWriter

        return RunTable(
            shape, TextEncoding("jsonl", header), rows, spell, partial(ParquetWriter, layout=shape)
        )
    if options.format is Format.XLSX:
        from tagger.table.xlsx import XlsxWriter, check_columns, check_rows, fitting_rows
        from tagger.table.xlsx import fitting_text as fitting

        check_columns(shape)
        return RunTable(
            shape,
            TextEncoding("jsonl", header),
            lambda result: fitting_rows(shape, result, progress.failed),
            lambda path: fitting(spell(path)),
            partial(XlsxWriter, layout=shape, cut=progress.failed),
            partial(check_rows, printable(str(options.output))),
        )
    encoding = TextEncoding(options.format or Format.CSV, header, excel=options.excel)
    return RunTable(shape, encoding, rows, spell)
