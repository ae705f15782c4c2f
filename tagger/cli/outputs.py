"""What ``tagger tag`` writes: the options that decide it, and the writers that follow."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from tagger.errors import OutputError, UsageError

if TYPE_CHECKING:
    from tagger.card import ModelCard
    from tagger.cli.progress import TagProgress
    from tagger.scan import Scan
    from tagger.writers import Writer
    from tagger.writers.sidecars import SidecarWriter
    from tagger.writers.sink import Sink


class Format(StrEnum):
    """Formats of the table."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"


class LayoutName(StrEnum):
    """Shapes of the table."""

    WIDE = "wide"
    LIST = "list"
    LONG = "long"


class Sidecar(StrEnum):
    """Kinds of sidecar."""

    TXT = "txt"
    JSON = "json"
    XMP = "xmp"


class SidecarName(StrEnum):
    """How a sidecar's name is made."""

    APPEND = "append"
    REPLACE = "replace"


class Existing(StrEnum):
    """What happens to a sidecar that is there already."""

    SKIP = "skip"
    OVERWRITE = "overwrite"
    ERROR = "error"


@dataclass(frozen=True)
class OutputOptions:
    """What is written, and where."""

    output: str | None
    format: Format | None
    layout: LayoutName
    excel: bool
    sidecars: tuple[Sidecar, ...]
    sidecar_name: SidecarName
    sidecar_dir: str | None
    existing: Existing


def table_format(output: str | None, wanted: Format | None) -> Format | None:
    """Settle the table's format; None where none was asked for and there is no file.

    Raises:
        UsageError: the file's ending names no format, or an image.
    """
    from tagger.scan import SUFFIXES
    from tagger.writers.tables import FORMATS_BY_SUFFIX

    if output is None or output == "-":
        return wanted or (Format.CSV if output == "-" else None)
    ending = os.path.splitext(output)[1].lower()
    if ending in SUFFIXES:
        raise UsageError(f"-o {output}: a table does not go into an image file.")
    if wanted is None and ending not in FORMATS_BY_SUFFIX:
        raise UsageError(
            f"-o {output}: no table format has the ending '{ending}': use .csv, .tsv or .jsonl, "
            "or say --format."
        )
    return wanted or Format(FORMATS_BY_SUFFIX[ending])


def table_sink(options: OutputOptions) -> Sink | None:
    """Return where the table goes; with sidecars and no -o there is none.

    Raises:
        OutputError: its folder does not exist.
    """
    from tagger.writers.sink import Sink, check_folder

    if options.output is None and options.sidecars and options.format is None:
        return None
    if options.output is None or options.output == "-":
        return Sink(None)
    check_folder(options.output)
    return Sink(options.output)


def table_writer(sink: Sink, card: ModelCard, options: OutputOptions) -> Writer:
    """Return what writes the table: readable lines on a terminal, unless a format was asked for."""
    from tagger.writers.layouts import layout
    from tagger.writers.readable import ReadableWriter
    from tagger.writers.tables import TableWriter

    if options.format is None and sink.is_terminal():
        return ReadableWriter(sink)
    return TableWriter(
        sink,
        layout(options.layout, card.labels),
        options.format or Format.CSV,
        excel=options.excel,
    )


def sidecar_writer(
    found: Scan, card: ModelCard, options: OutputOptions, progress: TagProgress
) -> SidecarWriter | None:
    """Return what writes the sidecars, or None where none were asked for.

    Raises:
        OutputError: the folder for them is a file.
    """
    from tagger.writers.sidecars import SidecarNames, SidecarWriter

    if not options.sidecars:
        return None
    if options.sidecar_dir is not None and os.path.isfile(options.sidecar_dir):
        raise OutputError(f"--sidecar-dir {options.sidecar_dir} is a file, not a folder.")
    return SidecarWriter(
        options.sidecars,
        SidecarNames(
            replace_ending=options.sidecar_name is SidecarName.REPLACE,
            folder=options.sidecar_dir,
            base=found.base() if options.sidecar_dir is not None else "",
        ),
        card,
        existing=options.existing,
        failed=progress.failed,
    )
