"""A job at the command line: shown while it works, summed up at its end, with an exit code."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger.cli.console import EXIT_READER_GONE, EXIT_SOME_FAILED, say
from tagger.cli.progress import MOST_FAILURES_SHOWN, Progress, duration
from tagger.errors import OutputError, os_reason
from tagger.files import write_whole
from tagger.job import Job, run
from tagger.runs.report import Summary
from tagger.table.sink import ReaderGone, check_folder
from tagger.text import printable

if TYPE_CHECKING:
    from tagger.holders.put import Counts


def run_shown(
    job: Job, *, quiet: bool, summary_file: Path | None, device_note: str | None = None
) -> int:
    """Do a job and return the exit code.

    Args:
        job: what is to be done.
        quiet: say nothing on stderr but errors.
        summary_file: where the summary goes as JSON; None for nowhere.
        device_note: why the device is not the one that one might expect.

    Raises:
        TaggerError: the run cannot go on; what was written is kept.
    """
    if summary_file is not None:  # what cannot be written is said before the work, not after it
        check_folder(os.fspath(summary_file))
    on_stdout = job.has_table and job.table.output in (None, "-")
    on_screen = on_stdout and sys.stdout.isatty()
    source = job.source
    with Progress(
        source.found, source.device, device_note, quiet=quiet, on_screen=on_screen
    ) as progress:
        try:
            summary = run(job, progress)
        except ReaderGone:
            return EXIT_READER_GONE
    if not quiet:
        for line in _lines(summary, job):
            say(line)
    if summary_file is not None:
        _write(_as_json(summary), summary_file)
    return 0 if summary.is_clean else EXIT_SOME_FAILED


def _write(data: dict[str, Any], file: Path) -> None:
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    try:
        write_whole(file, text.encode())
    except OSError as error:
        raise OutputError(f"{file} cannot be written: {os_reason(error)}.") from None


def _as_json(summary: Summary) -> dict[str, Any]:
    from tagger.holders.put import Counts

    counts = summary.holders or Counts()
    data = {
        "tagged": summary.tagged,
        "failed": summary.failed,
        "kept": summary.kept,
        "kept_failed": summary.kept_failed,
        "already_tagged": summary.already_tagged or 0,
        "seconds": round(summary.seconds, 3),
        "images_per_second": round(summary.images_per_second, 2),
        "device": summary.device,
        "tags": dict(summary.tags),
        "sidecars_written": counts.written,
        "sidecars_unchanged": counts.unchanged,
        "sidecars_settled": counts.settled,
        "sidecars_left_alone": counts.left_alone,
        "images_changed": counts.images_changed,
        "images_unchanged": counts.images_unchanged,
    }
    if counts.nfo is not None:
        data["nfo"] = {reason.key: tally.count for reason, tally in counts.nfo.items()}
    return data


def _lines(summary: Summary, job: Job) -> list[str]:
    hidden = summary.failed - MOST_FAILURES_SHOWN
    lines = [f"… and {hidden:,} more failures, each in the table."] if hidden > 0 else []
    where = f" on {summary.device}" if summary.device else ""
    lines.append(
        f"{summary.tagged:,} tagged, {summary.failed:,} failed in {duration(summary.seconds)} "
        f"({summary.images_per_second:,.1f} images/s{where})."
    )
    if summary.kept:
        way_on = " (--retry-failed tries them again)" if summary.kept_failed else ""
        failed = f"{summary.kept_failed:,} of them failed{way_on}"
        lines.append(f"{summary.kept:,} were kept from before, {failed}.")
    if summary.already_tagged is not None:
        lines.append(f"{summary.already_tagged:,} had tags already and were left out.")
    if summary.done + summary.passed_over == 0:
        lines.append("No images were found.")
    if summary.tags:
        lines.append("Tags: " + ", ".join(f"{name} {n:,}" for name, n in summary.tags.items()))
    if summary.holders is not None and job.holders.kinds:
        lines += _sidecar_lines(summary.holders)
    if summary.holders is not None and job.holders.embed:
        lines.append(f"Tags were put into {summary.holders.images_changed:,} images.")
        if unchanged := summary.holders.images_unchanged:
            lines.append(f"{unchanged:,} images held these tags already.")
    return lines


def _sidecar_lines(counts: Counts) -> list[str]:
    """Say what came of the sidecars, and for what there was nothing to do, and why."""
    lines = [f"{counts.written:,} sidecars written."]
    if counts.unchanged:
        lines.append(f"{counts.unchanged:,} sidecars held these tags already.")
    if counts.settled:
        lines.append(
            f"{counts.settled:,} sidecars hold tags that a person settled with 'tagger "
            "apply': they stay."
        )
    if counts.left_alone:
        names = _some(counts.examples, counts.left_alone)
        lines.append(
            f"{counts.left_alone:,} sidecars were there already and were left alone ({names})."
        )
    passed = counts.nfo.items() if counts.nfo is not None else ()
    return lines + [
        f"{tally.count:,} {reason.sentence} ({_some(tally.examples, tally.count)})."
        for reason, tally in passed
        if tally.count
    ]


def _some(examples: Sequence[str], count: int) -> str:
    more = ", …" if count > len(examples) else ""
    return ", ".join(printable(name) for name in examples) + more
