"""What a person sees on stderr while images are tagged, and at the end."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from tagger.cli.console import say
from tagger.errors import OutputError, TaggerError, os_reason
from tagger.files import write_whole
from tagger.find.scan import Scan
from tagger.holders.attempts import Attempts
from tagger.holders.sidecars import SidecarWriter
from tagger.results import Failed, Result
from tagger.text import harmless, printable

_MOST_FAILURES_SHOWN = 20
_SECONDS_BETWEEN_LINES = 15.0


class TagProgress:
    """Counts results, shows rate and time left, and closes with a summary.

    A terminal gets a bar; a log file gets a line now and then.

    Args:
        found: what is tagged; counted by a thread of its own, so that tagging starts at once. None
            where nobody knows how much there is.
        device: where the network runs, for the summary; None where none runs.
        device_note: why it is not the device one might expect.
        quiet: say nothing but failures' count through the exit code.
        on_screen: whether each result is printed on a terminal: those lines are the progress, and a
            bar would be torn by them.
        left_out: → how many of those images were left out since they have tags already; None where
            none are.
    """

    def __init__(
        self,
        found: Scan | None,
        device: str | None,
        device_note: str | None,
        *,
        quiet: bool,
        on_screen: bool = False,
        left_out: Callable[[], int] | None = None,
    ) -> None:
        self._left_out = left_out
        self._found = found
        self._device = device
        self._device_note = device_note
        self._quiet = quiet
        self._on_screen = on_screen
        self._started = time.monotonic()
        self._said_at = self._started
        self._total: int | None = None
        self._stop = threading.Event()
        self._bar: Any = None
        self._tags: Counter[str] = Counter()
        self._results = 0
        self.kept = 0
        self.kept_failures = 0
        self.tagged = 0
        self.failures = 0

    def __enter__(self) -> TagProgress:
        """Start counting and drawing."""
        if not self._quiet and self._device:
            note = f" ({self._device_note})" if self._device_note else ""
            say(f"Running on {self._device}{note}.")
        if not self._quiet and not self._on_screen:
            if self._found is not None:
                counting = (self._found,)
                threading.Thread(target=self._count_files, args=counting, daemon=True).start()
            if sys.stderr.isatty():
                self._bar = _bar()
                self._bar.start()
                self._task = self._bar.add_task("Tagging", total=None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        self._stop.set()
        if self._bar is not None:
            self._bar.stop()

    def count(self, result: Result) -> None:
        """Take note of a result that is written."""
        if isinstance(result, Failed):
            self.failed(result.path, result.reason, on_screen=self._on_screen)
        else:
            self.tagged += 1
            self._tags.update(tag.name for tag in result.tags)
        self._results += 1
        if self._bar is not None:
            # What is kept came all at once, and says nothing of what will come.
            passed = self._results + self._number_left_out()
            total = None if self._total is None else self._total - self.kept
            self._bar.update(self._task, completed=passed, total=total)
        elif (
            not (self._quiet or self._on_screen)
            and time.monotonic() - self._said_at > _SECONDS_BETWEEN_LINES
        ):
            self._said_at = time.monotonic()
            say(self._progress_line())

    def failed(self, path: str, reason: str, *, on_screen: bool = False) -> None:
        """Take note of something that failed, and say so unless there are too many.

        Args:
            path: what failed.
            reason: why.
            on_screen: whether the results that a person watches tell it already.
        """
        self.failures += 1
        if self._quiet or on_screen or self.failures > _MOST_FAILURES_SHOWN:
            return
        line = harmless(f"failed: {printable(path)}: {reason}")
        if self._bar is not None:
            # Not as markup: names may hold brackets.
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            say(line)

    def keep(self, *, failed: bool) -> None:
        """Take note of an image that an earlier run has done."""
        self.kept += 1
        self.kept_failures += failed

    def stopped_early(self, kept_at: str | None, *, resumable: bool) -> None:
        """Say what is kept of a run that ends before its time.

        Args:
            kept_at: where its rows are; None where there are none.
            resumable: whether another run can go on with it.
        """
        if self._bar is not None:
            self._bar.stop()
        if not self._quiet:
            place = f", kept in {printable(kept_at)}" if kept_at else ""
            way_on = "; --resume goes on with it" if resumable else ""
            if done := self.tagged + self.failures:
                say(f"Stopped after {done:,} images{place}{way_on}.")

    def close_with_summary(
        self, sidecars: SidecarWriter | None, embedding: Attempts | None, file: Path | None
    ) -> None:
        """Print the summary, and write it as JSON when asked.

        Args:
            sidecars: what wrote them; None where none were asked for.
            embedding: what put tags into images; None where that was not asked for.
            file: of the JSON.

        Raises:
            OutputError: the JSON file cannot be written.
        """
        seconds = time.monotonic() - self._started
        if not self._quiet:
            for line in self._summary_lines(seconds, sidecars, embedding):
                say(line)
        if file is not None:
            data = {
                "tagged": self.tagged,
                "failed": self.failures,
                "kept": self.kept,
                "kept_failed": self.kept_failures,
                "already_tagged": self._number_left_out(),
                "seconds": round(seconds, 3),
                "images_per_second": round(self._rate(seconds), 2),
                "device": self._device,
                "tags": dict(self._tags.most_common()),
                "sidecars_written": sidecars.written if sidecars else 0,
                "sidecars_unchanged": sidecars.unchanged if sidecars else 0,
                "sidecars_settled": sidecars.settled if sidecars else 0,
                "sidecars_left_alone": sidecars.left_alone if sidecars else 0,
                "images_changed": embedding.written if embedding else 0,
                "images_unchanged": embedding.unchanged if embedding else 0,
            }
            if sidecars is not None and sidecars.nfos is not None:
                passed = sidecars.nfos.passed.items()
                data["nfo"] = {reason.key: tally.count for reason, tally in passed}
            try:
                write_whole(file, (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode())
            except OSError as error:
                reason = os_reason(error)
                raise OutputError(f"{file} cannot be written: {reason}.") from None

    def _summary_lines(
        self, seconds: float, sidecars: SidecarWriter | None, embedding: Attempts | None
    ) -> list[str]:
        hidden = self.failures - _MOST_FAILURES_SHOWN
        lines = [f"… and {hidden:,} more failures, each in the table."] if hidden > 0 else []
        where = f" on {self._device}" if self._device else ""
        lines.append(
            f"{self.tagged:,} tagged, {self.failures:,} failed in {_duration(seconds)} "
            f"({self._rate(seconds):,.1f} images/s{where})."
        )
        if self.kept:
            way_on = " (--retry-failed tries them again)" if self.kept_failures else ""
            failed = f"{self.kept_failures:,} of them failed{way_on}"
            lines.append(f"{self.kept:,} were kept from before, {failed}.")
        if self._left_out is not None:
            lines.append(f"{self._left_out():,} had tags already and were left out.")
        if self.tagged + self.failures + self._number_passed() == 0:
            lines.append("No images were found.")
        if self._tags:
            lines.append(
                "Tags: " + ", ".join(f"{name} {n:,}" for name, n in self._tags.most_common())
            )
        if sidecars is not None:
            lines += _sidecar_lines(sidecars)
        if embedding is not None:
            lines.append(f"Tags were put into {embedding.written:,} images.")
            if embedding.unchanged:
                lines.append(f"{embedding.unchanged:,} images held these tags already.")
        return lines

    def _rate(self, seconds: float) -> float:
        return (self.tagged + self.failures) / seconds if seconds > 0 else 0.0

    def _number_left_out(self) -> int:
        return self._left_out() if self._left_out is not None else 0

    def _number_passed(self) -> int:
        """How many images are passed over without a look at them."""
        return self.kept + self._number_left_out()

    def _progress_line(self) -> str:
        seconds = time.monotonic() - self._started
        rate = self._rate(seconds)
        done = self.tagged + self.failures + self._number_passed()
        if self._total is None or rate == 0:
            return f"{done:,} images, {rate:,.1f} images/s"
        left = _duration(max(0, self._total - done) / ((done - self.kept) / seconds))
        return f"{done:,} of {self._total:,} images, {rate:,.1f} images/s, {left} left"

    def _count_files(self, found: Scan) -> None:
        count = 0
        with contextlib.suppress(TaggerError):  # a drive that is gone: the run itself says so
            for _ in found.paths(lambda folder, reason: None):
                count += 1
                if self._stop.is_set():
                    return
            self._total = count


def _sidecar_lines(sidecars: SidecarWriter) -> list[str]:
    """Say what came of the sidecars."""
    lines = [f"{sidecars.written:,} sidecars written."]
    if sidecars.unchanged:
        lines.append(f"{sidecars.unchanged:,} sidecars held these tags already.")
    if sidecars.settled:
        lines.append(
            f"{sidecars.settled:,} sidecars hold tags that a person settled with 'tagger "
            "apply': they stay."
        )
    if sidecars.left_alone:
        names = _some(sidecars.examples, sidecars.left_alone)
        lines.append(
            f"{sidecars.left_alone:,} sidecars were there already and were left alone ({names})."
        )
    return lines + _passed_over(sidecars)


def _passed_over(sidecars: SidecarWriter) -> list[str]:
    """Say for which images or ``.nfo`` files there was nothing to do, and why."""
    if sidecars.nfos is None:
        return []
    return [
        f"{tally.count:,} {reason.sentence} ({_some(tally.examples, tally.count)})."
        for reason, tally in sidecars.nfos.passed.items()
        if tally.count
    ]


def _some(examples: list[str], count: int) -> str:
    more = ", …" if count > len(examples) else ""
    return ", ".join(printable(name) for name in examples) + more


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class RateColumn(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed or 0:,.1f} images/s")

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
