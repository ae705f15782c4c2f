"""The options that shape the table that a command writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from tagger.cli.completing import COLUMNS, columns
from tagger.cli.options.groups import OptionGroup
from tagger.table.formats import Format, LayoutName
from tagger.table.plan import beside_page, is_page

if TYPE_CHECKING:
    from tagger.table.plan import TablePlan


@dataclass(frozen=True, kw_only=True)
class TableOptions(OptionGroup):
    """The table: where it goes, and its shape."""

    panel: ClassVar[str] = "Table"

    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Write the table to FILE; default: stdout. For gallery.html, write gallery.csv "
            "and a web page of it.",
        ),
    ] = None
    format: Annotated[
        Format | None,
        typer.Option(
            "-f",
            "--format",
            metavar="FORMAT",
            help="csv, tsv, jsonl, parquet, xlsx or sqlite; default: by the extension of FILE, or "
            "csv.",
        ),
    ] = None
    layout: Annotated[
        LayoutName,
        typer.Option(
            help="wide: tags and one probability column per label; list: tags only; long: one row "
            "per tag."
        ),
    ] = LayoutName.WIDE
    excel: Annotated[
        bool,
        typer.Option(
            help="CSV and TSV: add a byte order mark and prefix formula-like cells with an "
            "apostrophe."
        ),
    ] = False
    columns: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME,NAME",
            autocompletion=columns,
            help=f"Extra columns: {', '.join(COLUMNS)}.",
        ),
    ] = None
    absolute: Annotated[bool, typer.Option(help="Write absolute paths.")] = False
    relative_to: Annotated[
        str | None, typer.Option(metavar="DIR", help="Write paths relative to DIR.")
    ] = None
    no_thumbnails: Annotated[
        bool,
        typer.Option(help="XLSX: leave out the images beside the paths; each takes about 5 kB."),
    ] = False
    overwrite: Annotated[
        bool,
        typer.Option(
            help="Replace an output that was edited, that another program wrote or that was "
            "interrupted; a copy is kept as FILE.bak."
        ),
    ] = False

    @property
    def page(self) -> str | None:
        """The gallery that is wanted besides the table; None if there is none."""
        return self.output if is_page(self.output) else None

    def plan(self) -> TablePlan:
        """Check what was asked for.

        Raises:
            UsageError: the file's ending names no format, or an image; a column is unknown; options
                contradict each other.
            MissingExtraError: the format's library is not installed.
        """
        from tagger.table.plan import TablePlan

        output = self.output if self.page is None else beside_page(self.page, self.format)
        return TablePlan.checked(
            output,
            self.format,
            self.layout,
            excel=self.excel,
            columns=self.columns or (),
            absolute=self.absolute,
            relative_to=self.relative_to,
            overwrite=self.overwrite,
            thumbnails=not self.no_thumbnails,
        )
