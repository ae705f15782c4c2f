"""Results → table and sidecars, with progress and a summary: what ``tag`` and ``retag`` share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tagger.cli.outputs import OutputOptions, sidecar_writer
from tagger.cli.streams import EXIT_READER_GONE
from tagger.cli.tables import TableOptions, table_sink, table_writer

if TYPE_CHECKING:
    from tagger.card import ModelCard
    from tagger.results import Result
    from tagger.scan import Scan
    from tagger.writers import Writer

EXIT_SOME_FAILED = 1


@dataclass(frozen=True)
class Source:
    """Where results come from.

    Attributes:
        results: called with what takes note of a folder that cannot be read → the results.
        base: → absolute folder whose tree ``--sidecar-dir`` mirrors.
        found: the images, to be counted; None where they are not looked at.
        device: where the network runs; None where none runs.
        device_note: why it is not the device one might expect.
    """

    results: Callable[[Callable[[str, str], None]], Iterator[Result]]
    base: Callable[[], str]
    found: Scan | None = None
    device: str | None = None
    device_note: str | None = None


def write_results(
    source: Source,
    card: ModelCard,
    table: TableOptions,
    options: OutputOptions,
    summary_file: Path | None,
    *,
    quiet: bool,
) -> int:
    """Write all results and return the exit code.

    Raises:
        TaggerError: the run cannot go on; what was written is kept.
    """
    from tagger.cli.progress import TagProgress
    from tagger.writers.sink import ReaderGone, check_folder

    # What cannot be written is said before the work, not after it.
    if summary_file is not None:
        check_folder(os.fspath(summary_file))
    sink = table_sink(table, beside_sidecars=bool(options.sidecars))
    progress = TagProgress(
        source.found,
        source.device,
        source.device_note,
        quiet=quiet,
        on_screen=sink is not None and sink.is_terminal(),
    )
    sidecars = sidecar_writer(
        card, options, progress, base=source.base, images_seen=source.found is not None
    )
    writers: list[Writer] = [sidecars] if sidecars else []
    if sink is not None:
        writers.append(table_writer(sink, card, table, progress))
    reader_gone = False
    with progress:
        try:
            with ExitStack() as stack:
                for writer in writers:
                    stack.enter_context(writer)
                for result in source.results(progress.failed):
                    for writer in writers:
                        writer.write(result)
                    progress.count(result)
        except ReaderGone:
            reader_gone = True
        except BaseException:
            progress.stopped_early(sink.kept_at if sink else None)
            raise
    if reader_gone:
        return EXIT_READER_GONE
    progress.close_with_summary(sidecars, summary_file)
    return EXIT_SOME_FAILED if progress.failures else 0
