"""One gallery from start to end: a table → its images → thumbnails → pages."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol
from urllib.parse import quote

import numpy as np

from tagger.decode.budget import DEFAULT_LIMITS, ImageLimits
from tagger.errors import OutputError, UsageError, about, os_reason
from tagger.files.write import write_whole
from tagger.find.titles import title_and_year
from tagger.gallery.entries import Entries, Entry, read_entries
from tagger.gallery.page import data_address, is_ours, render
from tagger.gallery.rules import doubts, rules_of
from tagger.gallery.thumbnails import ENDING, HEIGHT, WIDTH, Small, kept_in, small_pictures
from tagger.network.card import ModelCard
from tagger.results import FileFacts, Pixels
from tagger.rules import Rules
from tagger.runs.former import keep_copy
from tagger.runs.manifest import Manifest
from tagger.table.edited import EditedTable
from tagger.table.open import STDIN, open_rows
from tagger.table.sink import check_target
from tagger.text import escape, printable, split_tags, unescape

#: A page of no more images holds their thumbnails itself.
MOST_EMBEDDED = 500
#: More images are shown on several pages.
MOST_ON_PAGE = 20_000

#: Programs that walk folders, ours too, pass over a folder of this name.
_THUMBNAILS = ".thumbnails"
_THUMBNAIL = re.compile(rf"[0-9a-f]{{24}}{re.escape(ENDING)}")


class Explains(Protocol):
    """What finds which parts of images speak for their tags; see :mod:`tagger.explain.maps`."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What it can explain."""

    @property
    def shape(self) -> dict[str, Any]:
        """Where the parts lie."""

    def each(self, images: Iterable[tuple[str, frozenset[str]]]) -> Iterator[str]:
        """Yield what speaks for the labels of each image, given its path and its tags."""


@dataclass(frozen=True)
class GalleryPlan:
    """A gallery that is wanted.

    Attributes:
        table: the file to read; ``-`` for standard input.
        output: the page to write.
        images: the folder from which the table's paths lead; None for the one that its run noted,
            or else the current one.
        card: of the model that the table may come from; None if unknown.
        least_sure: show only so many images, those whose tags are least sure.
        limit: show only so many, the first ones.
        overwrite: replace whatever is there, of which a copy is kept.
        workers: threads that make thumbnails.
        limits: what an image may cost.
        truth: a table of tags that are known to be right; None if there is none.
        explains: finds what speaks for the tags; None if that is not wanted.
    """

    table: str
    output: str
    images: str | None = None
    card: ModelCard | None = None
    least_sure: int | None = None
    limit: int | None = None
    overwrite: bool = False
    workers: int = 1
    limits: ImageLimits = DEFAULT_LIMITS
    truth: str | None = None
    explains: Explains | None = None

    @property
    def folder(self) -> str:
        """Where thumbnails lie that the page does not hold."""
        return os.path.join(f"{os.path.splitext(self.output)[0]}_files", _THUMBNAILS)

    def keeps_thumbnails(self) -> Callable[[str, Pixels, FileFacts], None] | None:
        """Return what keeps the thumbnails of images while they are tagged, with their pixels.

        None if the model's pixels are too few for that.
        """
        card = self.card
        if card is None or card.height < HEIGHT or card.width < WIDTH:
            return None
        return kept_in(self.folder)

    def check_output(self, page: str | None = None) -> None:
        """Check that a page, or the first one, can be written and replaces nothing of value.

        Raises:
            OutputError: it cannot be written.
            UsageError: it lies there, and is no gallery as we wrote it.
        """
        page = page or self.output
        name = printable(page)
        with about("output"):
            check_target(page)
            try:
                if self.overwrite or not os.path.lexists(page) or is_ours(page):
                    return
            except OSError as error:
                raise UsageError(f"{name} cannot be read: {os_reason(error)}.") from None
            raise UsageError(
                f"{name} already exists and is not known to be an unedited gallery: choose "
                f"another output, or pass --overwrite to replace it (a copy is kept as {name}.bak)."
            )


@dataclass
class Made:
    """What became of a gallery.

    Attributes:
        images: how many it shows.
        pages: its files, in their order.
        folder: where thumbnails lie; None if the page holds them.
        failures: path → why an image that was tagged has no thumbnail.
    """

    images: int
    pages: list[str]
    folder: str | None
    failures: dict[str, str] = field(default_factory=dict)


class Gallery:
    """A table that was read, and the gallery that it will be.

    Nothing is written before :meth:`write`.

    Raises:
        UsageError: the table cannot be opened, has no probabilities where they are needed, or
            what lies at the output may not be replaced.
        TableError: it was not written by this tool.
    """

    def __init__(self, plan: GalleryPlan) -> None:
        self._plan = plan
        plan.check_output()
        with open_rows(plan.table, edited=True) as rows:
            whole = read_entries(rows)
            self._name = rows.name
        run = None if plan.table == STDIN else Manifest.of_finished(plan.table)
        self._rules = rules_of(whole.labels, plan.card, run)
        self._images = plan.images or _relative_to(run) or os.curdir
        self._truth = {} if plan.truth is None else _known(plan.truth, whole)
        if plan.explains is not None and plan.explains.labels != whole.labels:
            raise UsageError(
                f"--explain: the labels of {self._name} are not those of the model: pass the "
                "--model that made it, and a table with the layout wide.",
                "explain",
            )
        self._entries = self._chosen(whole)
        parts = range(0, max(1, len(self._entries.entries)), MOST_ON_PAGE)
        self._pages = [_page_name(plan.output, number) for number, _ in enumerate(parts)]
        for page in self._pages[1:]:
            plan.check_output(page)

    def __len__(self) -> int:
        """Return how many images it shows."""
        return len(self._entries.entries)

    def write(self, made_one: Callable[[], object] = lambda: None) -> Made:
        """Write the thumbnails, then the pages; call ``made_one`` after each image.

        Raises:
            ModelError: the network that explains breaks.
            OutputError: something cannot be written.
        """
        plan, entries = self._plan, self._entries
        folder = None
        if len(self) > MOST_EMBEDDED:
            folder = plan.folder
        made = Made(len(self), self._pages, folder)
        used: set[str] = set()
        if folder is not None:
            with _writing(folder):
                os.makedirs(folder, exist_ok=True)
        for number, page in enumerate(self._pages):
            start = number * MOST_ON_PAGE
            part = Entries(entries.labels, entries.entries[start : start + MOST_ON_PAGE])
            explains = plan.explains is not None
            small = list(self._thumbnails(part.entries, folder, None if explains else made_one))
            why = self._explained(part.entries, made_one)
            used.update(f"{one.name}{ENDING}" for one in small if one.name)
            for entry, one in zip(part.entries, small, strict=True):
                if one.reason and not entry.reason:
                    made.failures[entry.path] = one.reason
            with _writing(page):
                self._write(page, self._data(part, small, why, number, folder))
        _remove_unused(plan.folder, used)
        _remove_pages_after(plan.output, len(self._pages))
        return made

    def _chosen(self, whole: Entries) -> Entries:
        """Return the entries that are shown, in their order."""
        plan = self._plan
        if plan.least_sure is None:
            return Entries(whole.labels, whole.entries[: plan.limit])
        if not whole.labels:
            raise UsageError(
                f"--least-sure: {self._name} has no probabilities: use a table with the layout "
                "wide.",
                "least-sure",
            )
        doubt = doubts(whole, self._rules)
        order = np.argsort(-doubt, kind="stable")
        first = islice((int(place) for place in order if doubt[place] > 0), plan.least_sure)
        return Entries(whole.labels, [whole.entries[place] for place in first])

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

    def _write(self, page: str, data: dict[str, Any]) -> None:
        if os.path.lexists(page) and not is_ours(page):
            keep_copy(page)
        write_whole(page, render(data))

    def _data(
        self,
        part: Entries,
        small: Sequence[Small],
        why: dict[str, Any] | None,
        number: int,
        folder: str | None,
    ) -> dict[str, Any]:
        """Return what the page shows, see ``page/data.js``."""
        entries, plan = part.entries, self._plan
        names, placed, known = _vocabulary(part, self._rules, self._truth)
        scores = b"".join(entry.scores.tobytes() for entry in entries)
        paths = [escape(entry.path) for entry in entries]
        pages = [quote(os.fsencode(os.path.basename(page))) for page in self._pages]
        data = {
            "table": os.path.basename(self._name),
            "first": number * MOST_ON_PAGE,
            "part": number if len(pages) > 1 else None,
            "parts": pages if len(pages) > 1 else [],
            "total": len(self),
            "order": "path" if plan.least_sure is None else "least sure",
            "separator": os.sep,
            "folder": "" if self._images == os.curdir else escape(self._images),
            "images": _address(self._images, plan.output),
            "thumbnails": None if folder is None else _address(folder, plan.output),
            "labels": list(part.labels),
            "names": names,
            "rules": _rules_data(self._rules, plan.card),
            "paths": paths,
            "titles": [_title(entry.path) for entry in entries],
            "tags": placed,
            "truth": known,
            "why": why,
            "scores": base64.b64encode(scores).decode(),
            "errors": {row: entry.reason for row, entry in enumerate(entries) if entry.reason},
            "corrected": {
                row: entry.corrected for row, entry in enumerate(entries) if entry.corrected
            },
            "missing": {row: one.reason for row, one in enumerate(small) if one.reason},
            "small": [data_address(one.data) if one.data else one.name for one in small],
        }
        about = repr([data[key] for key in ("labels", "names", "paths", "tags", "scores")])
        return {**data, "digest": hashlib.sha256(about.encode()).hexdigest()[:32]}


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


def _page_name(output: str, number: int) -> str:
    stem, ending = os.path.splitext(output)
    return output if number == 0 else f"{stem}-{number + 1}{ending}"


def _known(table: str, whole: Entries) -> dict[str, list[str]]:
    """Return the tags that a table knows to be right, by path.

    Raises:
        UsageError: the table cannot be opened, or has none of the images.
        TableError: it lacks the paths or the tags.
    """
    known: dict[str, list[str]] = {}
    with open_rows(table, edited=True) as rows:
        for row in EditedTable(rows):
            known.setdefault(row.path, []).extend(split_tags(row.cell))
        name = rows.name
    found = {entry.path for entry in whole.entries} & known.keys()
    if not found:
        raise UsageError(
            f"--truth: {name} has none of the images, whose paths must be spelled as in the table.",
            "truth",
        )
    return {path: known[path] for path in found}


def _vocabulary(
    part: Entries, rules: Rules | None, truth: dict[str, list[str]]
) -> tuple[list[str], list[list[int]], dict[int, list[int]]]:
    """Return the names of tags, and for each image the places of its tags and of the known ones.

    Those of the labels come first; a known tag that is a label's name is the tag of that label.
    """
    renamed = rules.renamed if rules is not None else {}
    names = [renamed.get(label, label) for label in part.labels]
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        places.setdefault(name, place)
    known = {
        row: list(dict.fromkeys(renamed.get(tag, tag) for tag in truth[entry.path]))
        for row, entry in enumerate(part.entries)
        if entry.path in truth
    }
    for tags in (*(entry.tags for entry in part.entries), *known.values()):
        for tag in tags:
            if tag not in places:
                places[tag] = len(names)
                names.append(tag)
    return (
        names,
        [[places[tag] for tag in entry.tags] for entry in part.entries],
        {row: [places[tag] for tag in tags] for row, tags in known.items()},
    )


def _rules_data(rules: Rules | None, card: ModelCard | None) -> dict[str, Any] | None:
    if rules is None:
        return None
    is_of_card = card is not None and card.labels == rules.labels
    return {
        "thresholds": list(rules.thresholds),
        "defaults": list(card.thresholds) if card is not None and is_of_card else None,
        "least": rules.min_tags,
        "most": rules.max_tags,
        "never": [label in rules.ignored for label in rules.labels],
        "unsure": rules.unsure,
    }


def _title(path: str) -> str:
    title, year = title_and_year(path)
    shown = escape(title or "")
    return f"{shown} ({year})" if shown and year else shown


def _address(folder: str, output: str) -> str:
    """Return a folder as an address relative to the page, with a slash at its end."""
    start = os.path.dirname(os.path.abspath(output))
    try:
        way = os.path.relpath(folder, start)
    except ValueError:  # on another drive (Windows)
        way = f"file:///{os.path.abspath(folder)}"
    return quote(os.fsencode(way.replace(os.sep, "/")), safe="/:") + "/"


def _remove_unused(folder: str, used: set[str]) -> None:
    """Remove thumbnails that no page shows any longer, and folders that are empty then."""
    with contextlib.suppress(OSError):
        with os.scandir(folder) as found:
            left = [one.path for one in found if _THUMBNAIL.fullmatch(one.name)]
        for path in left:
            if os.path.basename(path) not in used:
                os.unlink(path)
        if not used:
            os.rmdir(folder)
            os.rmdir(os.path.dirname(folder))


def _remove_pages_after(output: str, count: int) -> None:
    """Remove further pages of an earlier, larger gallery."""
    with contextlib.suppress(OSError):
        while os.path.isfile(page := _page_name(output, count)) and is_ours(page):
            os.unlink(page)
            count += 1
