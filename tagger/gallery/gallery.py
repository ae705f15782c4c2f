"""One gallery from start to end: a table → its images → thumbnails → pages."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tagger.errors import OutputError, UsageError, os_reason
from tagger.files.write import write_whole
from tagger.gallery.content import Content
from tagger.gallery.entries import Entry
from tagger.gallery.page import is_ours, render
from tagger.gallery.plan import GalleryPlan
from tagger.gallery.reading import read_entries, read_known
from tagger.gallery.rules import doubts, rules_of
from tagger.gallery.thumbnails import Small, remove_thumbnails, small_pictures
from tagger.runs.former import keep_copy
from tagger.runs.manifest import Manifest
from tagger.table.open import STDIN, open_rows
from tagger.text import printable, unescape

#: A page of no more images holds their thumbnails itself.
MOST_EMBEDDED = 500
#: More images are shown on several pages.
MOST_ON_PAGE = 20_000

# Of failures that are kept to be named; others are counted.
_MOST_FAILURES = 100


@dataclass
class Made:
    """What became of a gallery.

    Attributes:
        images: how many it shows.
        pages: its files, in their order.
        folder: where thumbnails lie; None if the page holds them.
        failed: images that were tagged and have no thumbnail.
        failures: path → why not, of the first of them.
    """

    images: int
    pages: list[str]
    folder: str | None
    failed: int = 0
    failures: dict[str, str] = field(default_factory=dict)


class Gallery:
    """A table that was read, and the gallery that it will be.

    Nothing is written before :meth:`write`, which ends it. The images lie in a temporary file, and
    those of a page in memory.

    Raises:
        OutputError: there is no room for the temporary file.
        UsageError: the table cannot be opened, has no probabilities where they are needed, or
            what lies at the output may not be replaced.
        TableError: it was not written by this tool.
    """

    def __init__(self, plan: GalleryPlan) -> None:
        self._plan = plan
        plan.check_output()
        with open_rows(plan.table, edited=True) as rows:
            self._entries = read_entries(rows)
            self._name = rows.name
        try:
            self._read_others()
        except BaseException:
            self._entries.close()
            raise

    def __len__(self) -> int:
        """Return how many images it shows."""
        return self._count

    def write(self, made_one: Callable[[], object] = lambda: None) -> Made:
        """Write the thumbnails, then the pages; call ``made_one`` after each image.

        Raises:
            ModelError: the network that explains breaks.
            OutputError: something cannot be written.
        """
        plan = self._plan
        with closing(self._entries) as entries:
            folder = plan.folder if len(self) > MOST_EMBEDDED else None
            made = Made(len(self), self._pages, folder)
            if folder is not None:
                with _writing(folder):
                    os.makedirs(folder, exist_ok=True)
            content = self._content(folder)
            for number in range(len(self._pages)):
                self._write_page(number, content, made, made_one)
            remove_thumbnails(plan.folder, entries.uses)
            plan.remove_pages_after(len(self._pages))
        return made

    def _write_page(
        self, number: int, content: Content, made: Made, made_one: Callable[[], object]
    ) -> None:
        plan, page = self._plan, self._pages[number]
        entries = self._entries.shown(number * MOST_ON_PAGE, MOST_ON_PAGE)
        small = list(self._thumbnails(entries, made.folder, None if plan.explains else made_one))
        why = self._explained(entries, made_one)
        self._entries.use(one.name for one in small if one.name)
        _note_failures(made, entries, small)
        with _writing(page):
            _write(page, content.page(number, entries, small, why))

    def _read_others(self) -> None:
        """Read what is known besides the table, and choose what is shown."""
        plan, entries = self._plan, self._entries
        run = None if plan.table == STDIN else Manifest.of_finished(plan.table)
        self._rules = rules_of(entries.labels, plan.card, run)
        self._images = plan.images or _relative_to(run) or os.curdir
        if plan.truth is not None:
            read_known(plan.truth, entries)
        if plan.explains is not None and plan.explains.labels != entries.labels:
            raise UsageError(
                f"--explain: the labels of {self._name} are not those of the model: pass the "
                "--model that made it, and a table with the layout wide.",
                "explain",
            )
        if plan.least_sure is None:
            entries.show_first(plan.limit)
        elif entries.labels:
            entries.show_least_sure(
                plan.least_sure, partial(doubts, entries.labels, rules=self._rules)
            )
        else:
            raise UsageError(
                f"--least-sure: {self._name} has no probabilities: use a table with the layout "
                "wide.",
                "least-sure",
            )
        self._count = len(entries)
        numbers = range(max(1, -(-self._count // MOST_ON_PAGE)))
        self._pages = [plan.page(number) for number in numbers]
        for number in numbers[1:]:
            plan.check_output(number)

    def _content(self, folder: str | None) -> Content:
        return Content(
            self._name,
            self._pages,
            MOST_ON_PAGE,
            self._count,
            self._plan.least_sure is not None,
            self._images,
            folder,
            self._entries.labels,
            self._rules,
            self._plan.card,
        )

    def _thumbnails(
        self, entries: Sequence[Entry], folder: str | None, made_one: Callable[[], object] | None
    ) -> Iterator[Small]:
        plan = self._plan
        files = [os.path.join(self._images, entry.path) for entry in entries]
        with small_pictures(
            files,
            plan.folder,
            embedded=folder is None,
            workers=plan.workers,
            limits=plan.limits,
        ) as small:
            for one in small:
                if made_one is not None:
                    made_one()
                yield one

    def _explained(
        self, entries: Sequence[Entry], made_one: Callable[[], object]
    ) -> dict[str, Any] | None:
        explains, why = self._plan.explains, {}
        if explains is None:
            return None
        images = (
            (os.path.join(self._images, entry.path), frozenset(entry.tags)) for entry in entries
        )
        for row, found in enumerate(explains.each(images)):
            made_one()
            if found and not entries[row].reason:
                why[row] = found
        return {**explains.shape, "images": why}


def _note_failures(made: Made, entries: Sequence[Entry], small: Sequence[Small]) -> None:
    for entry, one in zip(entries, small, strict=True):
        if one.reason and not entry.reason:
            made.failed += 1
            if made.failed <= _MOST_FAILURES:
                made.failures[entry.path] = one.reason


def _write(page: str, data: dict[str, Any]) -> None:
    if os.path.lexists(page) and not is_ours(page):
        keep_copy(page)
    write_whole(page, render(data))


@contextlib.contextmanager
def _writing(place: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{printable(place)} cannot be written: {os_reason(error)}.") from None


def _relative_to(run: Manifest | None) -> str | None:
    """Return the folder from which a run's table shows its paths, if it was a chosen one."""
    folder = None if run is None else run.options.get("--relative-to")
    return unescape(folder) if isinstance(folder, str) else None
