"""Progress of a job on stderr."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from tagger.cli.console import MOST_FAILURES_SHOWN, can_draw, say
from tagger.errors import TaggerError
from tagger.find.scan import Scan
from tagger.runs.report import Listener, Summary
from tagger.text import counted, harmless, printable

#: Where no bar can be drawn.
SECONDS_BETWEEN_LINES = 15.0
_SECONDS_BETWEEN_LOOKS = 0.1

Item = TypeVar("Item")


class Progress(Listener):
    """Shows rate and time left: a bar on a terminal, occasional lines in a log file.

    It reads the state at its own pace, from a separate thread.

    Args:
        found: the images; counted by a thread, so that tagging starts at once. None if their number
            is unknown.
        device: where the network runs; None if it does not.
        device_note: why it is not the expected device.
        quiet: print nothing.
        on_screen: whether rows are printed on a terminal: then they are the progress, and would
            break a bar.
        piped: whether rows go to another program, which may show them on the same screen: then
            occasional lines are shown in place of a bar.
    """

    def __init__(
        self,
        found: Scan | None,
        device: str | None,
        device_note: str | None,
        *,
        quiet: bool,
        on_screen: bool = False,
        piped: bool = False,
    ) -> None:
        self._found = found
        self._device = device
        self._device_note = device_note
        self._quiet = quiet
        self._on_screen = on_screen
        self._piped = piped
        self._so_far: Callable[[], Summary] = Summary
        self._total: int | None = None
        self._stop = threading.Event()
        self._bar: Any = None
        self._failures = 0

    def close(self) -> None:
        """Remove the bar."""
        self._stop.set()
        if self._bar is not None:
            self._bar.stop()

    def began(self, so_far: Callable[[], Summary]) -> None:
        self._so_far = so_far
        if self._quiet:
            return
        if self._device:
            note = f" ({self._device_note})" if self._device_note else ""
            say(f"Running on {self._device}{note}.")
        if self._on_screen:
            return
        if self._found is not None:
            threading.Thread(target=self._count, args=(self._found,), daemon=True).start()
        if can_draw() and not self._piped:
            self._bar = _bar()
            self._bar.start()
            self._task = self._bar.add_task("Tagging", total=None)
        threading.Thread(target=self._watch, daemon=True).start()

    def failed(self, path: str, reason: str, *, has_row: bool) -> None:
        """Print what failed, unless a row on the screen does, or there are too many."""
        self._failures += 1
        if self._quiet or (has_row and self._on_screen) or self._failures > MOST_FAILURES_SHOWN:
            return
        line = harmless(f"failed: {printable(path)}: {reason}")
        if self._bar is not None:
            # Not as markup: names may contain brackets.
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            say(line)

    def device_changed(self, before: str | None, now: str | None) -> None:
        change = f"That run used {before}; this one uses {now}"
        self.notice(f"{change}: probabilities may differ slightly.")

    def notice(self, sentence: str) -> None:
        if not self._quiet:
            say(sentence)

    def stopped(self, kept_at: str | None, *, resumable: bool) -> None:
        self.close()
        place = f", kept in {printable(kept_at)}" if kept_at else ""
        way_on = "; --resume continues it" if resumable else ""
        if done := self._so_far().done:
            self.notice(f"Stopped after {counted(done, 'image')}{place}{way_on}.")

    def _watch(self) -> None:
        pause = SECONDS_BETWEEN_LINES if self._bar is None else _SECONDS_BETWEEN_LOOKS
        while not self._stop.wait(pause):
            summary = self._so_far()
            if self._bar is None:
                say(_progress_line(summary, self._total))
            else:
                # Kept images came all at once, so they do not count for the rate.
                total = None if self._total is None else self._total - summary.kept
                done = summary.done + summary.passed_over - summary.kept
                self._bar.update(self._task, completed=done, total=total)

    def _count(self, found: Scan) -> None:
        count = 0
        with contextlib.suppress(TaggerError):  # a drive that is gone: the run itself reports it
            for _ in found.paths(lambda folder, reason: None):
                count += 1
                if self._stop.is_set():
                    return
            self._total = count


def duration(seconds: float) -> str:
    """Return a duration as text."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _progress_line(summary: Summary, total: int | None) -> str:
    rate = summary.images_per_second
    done = summary.done + summary.passed_over
    if total is None or rate == 0:
        return f"{counted(done, 'image')}, {rate:,.1f} images/s"
    left = duration(max(0, total - done) / ((done - summary.kept) / summary.seconds))
    return f"{done:,} of {counted(total, 'image')}, {rate:,.1f} images/s, {left} left"


def tracked(items: Sequence[Item], verb: str, noun: str, *, quiet: bool) -> Iterator[Item]:
    """Yield items while a bar shows how many are done, or occasional lines where none can be drawn.

    Args:
        items: what there is to do.
        verb: what is done to them, for the bar: ``Writing``.
        noun: one of them: ``file``.
        quiet: show nothing.
    """
    if not quiet and can_draw():
        from rich.progress import track

        yield from track(items, verb, console=drawing_console(), transient=True)
        return
    said = time.monotonic()
    for number, item in enumerate(items):
        if not quiet and time.monotonic() - said > SECONDS_BETWEEN_LINES:
            said = time.monotonic()
            say(f"{verb}: {number:,} of {counted(len(items), noun)}.")
        yield item


def drawing_console() -> Any:
    """Return Rich's console on stderr; whether it can draw is for :func:`can_draw` to say."""
    from rich.console import Console

    return Console(stderr=True, force_terminal=True, force_interactive=True)


def _bar() -> Any:
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
        console=drawing_console(),
        transient=True,
    )
