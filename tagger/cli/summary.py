"""A job on the command line: its display, its summary, and the exit code."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger.cli.console import (
    EXIT_READER_GONE,
    EXIT_SOME_FAILED,
    MOST_FAILURES_SHOWN,
    is_pipe,
    say,
)
from tagger.cli.progress import Progress, duration
from tagger.decode.budget import keep_freed_memory
from tagger.errors import OutputError, UsageError, about, os_reason
from tagger.files.write import write_whole
from tagger.job import Job, run
from tagger.runs.report import Summary
from tagger.table.sink import ReaderGone, check_target
from tagger.text import counted, printable

if TYPE_CHECKING:
    from tagger.holders.put import Counts
    from tagger.rules import Rules

# What a summary has in every version; none is nearly as long as that.
_ALWAYS = frozenset({"tagged", "failed", "kept", "seconds", "device", "tags"})
_NOTHING = "Nothing to do: no image is new."
_MOST_BYTES = 1 << 24


def run_shown(
    job: Job, *, quiet: bool, summary_file: Path | None, device_note: str | None = None
) -> int:
    """Run a job and return the exit code.

    Args:
        job: the job.
        quiet: print only errors on stderr.
        summary_file: JSON file for the summary; None for none.
        device_note: why the device is not the expected one.

    Raises:
        TaggerError: the run cannot continue; what was written is kept.
    """
    if summary_file is not None:  # report this before the work, not after it
        with about("summary"):
            check_target(os.fspath(summary_file))
        _refuse_to_replace(summary_file, job)
    on_stdout = job.has_table and job.table.output in (None, "-")
    on_screen = on_stdout and sys.stdout.isatty()
    source = job.source
    if source.rules.precision is not None and not quiet:
        say(_precision(source.rules))
    keep_freed_memory()
    progress = Progress(
        source.found, source.device, device_note, quiet=quiet, on_screen=on_screen,
        piped=on_stdout and is_pipe(sys.stdout),
    )  # fmt: skip
    try:
        summary = run(job, progress)
    except ReaderGone:
        return EXIT_READER_GONE
    finally:
        progress.close()
    for line in _lines(summary, job) if not quiet else _errors(summary):
        say(line)
    if summary_file is not None:
        _write(summary_file, summary)
    return 0 if summary.is_clean else EXIT_SOME_FAILED


def _refuse_to_replace(file: Path, job: Job) -> None:
    """Refuse to replace what is not the summary of an earlier run, or is this run's table.

    Raises:
        UsageError: it is.
    """
    name, output = printable(os.fspath(file)), job.table.output
    if output not in (None, "-") and os.path.realpath(file) == os.path.realpath(str(output)):
        raise UsageError(
            f"--summary {name}: this is the table itself: choose another file.", "summary"
        )
    if not job.table.overwrite and _is_in_the_way(file):
        raise UsageError(
            f"--summary {name}: the file is not the summary of an earlier run: choose another, or "
            f"pass --overwrite to replace it (a copy is kept as {name}.bak).",
            "summary",
        )


def _is_in_the_way(file: Path) -> bool:
    """Return whether a file holds anything else than the summary of a run, as it was written."""
    if not file.is_file():
        return False
    try:
        with open(file, "rb") as stream:
            content = stream.read(_MOST_BYTES)
        data = json.loads(content) if content else None
    except (OSError, ValueError, RecursionError):
        return True
    if data is None:
        return bool(content)
    known = _as_json(Summary())
    return (
        not isinstance(data, dict)
        or not _ALWAYS <= data.keys() <= {*known, "nfo", "titled", "unsure", "shard", "input"}
        or _spelled(data) != content
    )


def _write(file: Path, summary: Summary) -> None:
    """Write the summary; what is no summary gets a copy first.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        if _is_in_the_way(file):
            from tagger.runs.former import keep_copy

            keep_copy(os.fspath(file))
        write_whole(file, _spelled(_as_json(summary)))
    except OSError as error:
        reason = os_reason(error)
        raise OutputError(f"{file} cannot be written: {reason}.") from None


def _spelled(data: dict[str, Any]) -> bytes:
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode(
        "utf-8", "backslashreplace"
    )


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
        "sidecars_left_alone": counts.there.count,
        "images_changed": counts.images_changed,
        "images_unchanged": counts.images_unchanged,
        "other_files": dict(sorted(summary.left_out.endings.items())),
        "litter": dict(sorted(summary.left_out.litter.items())),
        "left_out": {str(why): count for why, count in sorted(summary.left_out.others.items())},
    }
    if summary.left_out.shard is not None:
        data["shard"], data["input"] = str(summary.left_out.shard), summary.left_out.input
    if counts.nfo is not None:
        data["nfo"] = {reason.key: tally.count for reason, tally in counts.nfo.items()}
    if summary.titled is not None:
        data["titled"] = summary.titled
    if summary.unsure is not None:
        data["unsure"] = summary.unsure
    return data


def _precision(rules: Rules) -> str:
    """Say what a precision promises, and for which labels it cannot be had."""
    promise = f"at least {rules.precision:.0%} of the tags of each label"
    if not rules.out_of_reach:
        return f"By the model's validation, {promise} are right."
    cannot = counted(len(rules.out_of_reach), "label")
    names = ", ".join(map(printable, rules.out_of_reach))
    return (
        f"By the model's validation, {promise} that can reach it are right; {cannot} cannot: "
        f"{names}."
    )


def _lines(summary: Summary, job: Job) -> list[str]:
    hidden = summary.failed - MOST_FAILURES_SHOWN
    lines = [f"… and {counted(hidden, 'more failure')}, listed in the table."] if hidden > 0 else []
    lines += _tally(summary)
    if summary.titled is not None and summary.tagged:
        lines += job.source.texts.sentences(summary.titled, summary.tagged)
    if summary.unsure:
        have = "has" if summary.unsure == 1 else "have"
        lines.append(
            f"{counted(summary.unsure, 'image')} {have} no tags: no label is likely enough."
        )
    if summary.already_tagged is not None:
        lines.append(f"{summary.already_tagged:,} already tagged and skipped.")
    lines += _errors(summary)
    if summary.copies:
        names = ", ".join(map(printable, summary.copies))
        lines.append(f"What was there before is kept as {names}.")
    lines += summary.left_out.sentences()
    if summary.tags:
        lines.append("Tags: " + ", ".join(f"{name} {n:,}" for name, n in summary.tags.items()))
    if summary.holders is not None and job.holders.kinds and _NOTHING not in lines:
        lines += _sidecar_lines(summary.holders)
    if summary.holders is not None and job.holders.embed:
        lines.append(f"Tags written into {counted(summary.holders.images_changed, 'image')}.")
        if unchanged := summary.holders.images_unchanged:
            lines.append(f"{counted(unchanged, 'image')} already up to date.")
    return lines


def _tally(summary: Summary) -> list[str]:
    if not summary.found_any:
        return []
    if not summary.tagged + summary.failed and (summary.kept or summary.already_tagged):
        lines = [_NOTHING]
    else:
        counts = f"{summary.tagged:,} tagged, {summary.failed:,} failed"
        rate = f"{duration(summary.seconds)} ({summary.images_per_second:,.1f} images/s)"
        lines = [f"{counts} in {rate}."]
    if summary.kept:
        failed = f", {summary.kept_failed:,} of them failed (--retry-failed retries them)"
        failed = failed if summary.kept_failed else ""
        lines.append(f"{summary.kept:,} kept from an earlier run{failed}.")
    return lines


def _errors(summary: Summary) -> list[str]:
    """Return the lines that are printed even if only errors are: why there is nothing new."""
    stays = f"{printable(summary.left)} stays as it was" if summary.left is not None else None
    if not summary.found_any:
        why = f" ({left_out})" if (left_out := summary.left_out.by_options()) else ""
        return [f"No images were found{why}" + (f", so {stays}." if stays else ".")]
    if stays is None:
        return []
    return [f"{stays}: {'no image was tagged' if summary.failed else 'there is nothing new'}."]


def _sidecar_lines(counts: Counts) -> list[str]:
    """Return lines on sidecars written and on those for which there was nothing to do, and why."""
    lines = [f"{counted(counts.written, 'sidecar')} written."]
    if counts.unchanged:
        lines.append(f"{counted(counts.unchanged, 'sidecar')} already up to date.")
    if counts.settled:
        lines.append(
            f"{counted(counts.settled, 'sidecar')} left alone: tags settled with 'tagger apply'."
        )
    if counts.there.count:
        names = _some(counts.there.examples, counts.there.count)
        lines.append(f"{counted(counts.there.count, 'existing sidecar')} left alone ({names}).")
    passed = counts.nfo.items() if counts.nfo is not None else ()
    return lines + [
        f"{tally.count:,} {reason.sentence} ({_some(tally.examples, tally.count)})."
        for reason, tally in passed
        if tally.count
    ]


def _some(examples: Sequence[str], count: int) -> str:
    more = ", …" if count > len(examples) else ""
    return ", ".join(printable(name) for name in examples) + more
