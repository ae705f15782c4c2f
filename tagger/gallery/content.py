"""What a page of a gallery shows, as plain data; ``page/data.js`` reads it."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tagger.files.web_page import jpeg_address
from tagger.find.titles import title_and_year
from tagger.gallery.entries import Entry
from tagger.gallery.thumbnails import Small
from tagger.network.card import ModelCard
from tagger.rules import Rules
from tagger.text import escape


@dataclass(frozen=True)
class Content:
    """What all pages of a gallery have in common.

    Attributes:
        table: its name.
        pages: the files, in their order.
        per_page: images on each but the last.
        total: images on all of them.
        least_sure: whether those come first whose tags are least sure.
        images: the folder from which the table's paths lead.
        thumbnails: the folder of those that the pages do not hold; None if they hold them.
        labels: of the table.
        rules: that chose the tags; None if they are not known.
        card: of the model that the table may come from.
    """

    table: str
    pages: Sequence[str]
    per_page: int
    total: int
    least_sure: bool
    images: str
    thumbnails: str | None
    labels: tuple[str, ...]
    rules: Rules | None
    card: ModelCard | None

    def page(
        self,
        number: int,
        entries: Sequence[Entry],
        small: Sequence[Small],
        why: dict[str, Any] | None,
    ) -> dict[str, Any]:
        """Return what a page shows.

        Args:
            number: of the page, from 0.
            entries: its images.
            small: their thumbnails.
            why: what speaks for their tags; None if that is not shown.
        """
        names, placed, known = self._vocabulary(entries)
        output = self.pages[0]
        scores = b"".join(entry.scores.tobytes() for entry in entries)
        pages = [quote(os.fsencode(os.path.basename(page))) for page in self.pages]
        data = {
            "table": os.path.basename(self.table),
            "first": number * self.per_page,
            "part": number if len(pages) > 1 else None,
            "parts": pages if len(pages) > 1 else [],
            "total": self.total,
            "order": "least sure" if self.least_sure else "path",
            "separator": os.sep,
            "folder": "" if self.images == os.curdir else escape(self.images),
            "images": _address(self.images, output),
            "thumbnails": None if self.thumbnails is None else _address(self.thumbnails, output),
            "labels": list(self.labels),
            "names": names,
            "rules": self._rules_data(),
            "paths": [escape(entry.path) for entry in entries],
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
            "small": [jpeg_address(one.data) if one.data else one.name for one in small],
        }
        about = repr([data[key] for key in ("labels", "names", "paths", "tags", "scores")])
        return {**data, "digest": hashlib.sha256(about.encode()).hexdigest()[:32]}

    def _vocabulary(
        self, entries: Sequence[Entry]
    ) -> tuple[list[str], list[list[int]], dict[int, list[int]]]:
        """Return the names of tags, and for each image the places of its tags and the known ones.

        Those of the labels come first; a known tag that is a label's name is the tag of that label.
        """
        renamed = self.rules.renamed if self.rules is not None else {}
        names = [renamed.get(label, label) for label in self.labels]
        places: dict[str, int] = {}
        for place, name in enumerate(names):
            places.setdefault(name, place)
        known = {
            row: list(dict.fromkeys(renamed.get(tag, tag) for tag in entry.known))
            for row, entry in enumerate(entries)
            if entry.known is not None
        }
        for tags in (*(entry.tags for entry in entries), *known.values()):
            for tag in tags:
                if tag not in places:
                    places[tag] = len(names)
                    names.append(tag)
        return (
            names,
            [[places[tag] for tag in entry.tags] for entry in entries],
            {row: [places[tag] for tag in tags] for row, tags in known.items()},
        )

    def _rules_data(self) -> dict[str, Any] | None:
        rules, card = self.rules, self.card
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
