"""What a walk leaves out, counted, so that every file is accounted for."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from tagger.files.kinds import IMAGE_SUFFIXES
from tagger.files.litter import file_litter
from tagger.find.shard import Shard
from tagger.text import counted, printable

#: Distinct names that are kept apart; a hostile folder could have millions.
_MOST_NAMES: Final = 1000
_OTHERS: Final = "…"

#: Names that a sentence tells.
_MOST_TOLD: Final = 12

_LONGEST_ENDING: Final = 24

#: Files that hold tags of images: where these alone are passed over, it is no news.
_SIDECARS: Final = frozenset({".xmp", ".nfo", ".txt", ".json"})


class Why(StrEnum):
    """Why a file or folder is left out; where an option asked for it, by its name."""

    ENDING = "ending"
    LITTER = "litter"
    LINK = "links to folders"
    EXCLUDE = "--exclude"
    INCLUDE = "--include"
    LIBRARY = "--library"
    NO_RECURSIVE = "--no-recursive"
    NEWER_THAN = "--newer-than"
    SHARD = "--shard"


class LeftOut:
    """Counts files and folders that walks leave out.

    Attributes:
        endings: ending in lower case → number of files that are not images by it; "" for those
            without one.
        litter: name → number of folders, or files, that are no part of a collection.
        others: number of files and folders by any other reason.
        sniffs: whether files with other endings were looked into.
        shard: the part of the images that is taken; None for all.
        taken: how many images that is; not counted where all are taken.
    """

    def __init__(self) -> None:
        self.endings: Counter[str] = Counter()
        self.litter: Counter[str] = Counter()
        self.others: Counter[Why] = Counter()
        self.sniffs = False
        self.shard: Shard | None = None
        self.taken = 0

    @property
    def input(self) -> dict[str, int] | None:
        """How many images there are, and how many of them a shard takes; None without one."""
        if self.shard is None:
            return None
        return {"images": self.taken + self.others[Why.SHARD], "shard": self.taken}

    def add(self, why: Why, name: str) -> None:
        """Count a file or folder by its bare name."""
        if why is Why.ENDING:
            _count(self.endings, ending_of(name))
        elif why is Why.LITTER:
            _count(self.litter, file_litter(name) or name)
        else:
            self.others[why] += 1

    def update(self, more: LeftOut) -> None:
        """Add what another one has counted."""
        for name, number in more.endings.items():
            _count(self.endings, name, number)
        for name, number in more.litter.items():
            _count(self.litter, name, number)
        self.others.update(more.others)

    def by_options(self) -> str:
        """Return which options left out how much, to be put in brackets; "" for none."""
        told = [f"{n:,} by {why}" for why, n in sorted(self.others.items()) if why[:2] == "--"]
        return f"left out: {', '.join(told)}" if told else ""

    def sentences(self, *, other_files: bool = True) -> Iterator[str]:
        """Yield sentences on a shard, and on what was left out though nobody asked for that.

        Args:
            other_files: whether those on files that are no images are among them.
        """
        if self.shard is not None:
            images = counted(self.taken + self.others[Why.SHARD], "image")
            yield f"Shard {self.shard}: {self.taken:,} of {images}."
        if other_files and not self.endings.keys() <= _SIDECARS:
            total = self.endings.total()
            told = ", ".join(_told(self.endings, " without an ending"))
            way_on = ""
            if not self.sniffs and any(map(is_odd, self.endings)):
                way_on = "; --sniff takes those that are images"
            yield f"Passed over: {counted(total, 'other file')} ({told}){way_on}."
        if self.litter:
            total = self.litter.total()
            told = ", ".join(_told(self.litter))
            yield (
                f"Left out: {counted(total, 'entry', 'entries')} of trash, thumbnails or other "
                f"programs ({told}); --everything takes them."
            )
        if links := self.others[Why.LINK]:
            them = "it" if links == 1 else "them"
            yield (
                f"Not followed: {counted(links, 'link to a folder', 'links to folders')}; "
                f"--follow-symlinks follows {them}."
            )


def ending_of(name: str) -> str:
    """Return a file's ending in lower case, and "" for a file without one.

    A hidden file without one (``.DS_Store``) counts by its name. What is too long, or contains a
    space, is part of a title.
    """
    ending = os.path.splitext(name)[1] or (name if name.startswith(".") else "")
    is_one = len(ending) <= _LONGEST_ENDING and not any(map(str.isspace, ending))
    return ending.lower() if is_one and ending != "." else ""


def is_odd(ending: str) -> bool:
    """Return whether files with such an ending are often images whose name was garbled.

    Twitter saves ``.jpg_large``, wget ``.jpg?v=1``, and some programs no ending at all.
    """
    return not ending or ending.startswith(tuple(IMAGE_SUFFIXES))


def _count(counter: Counter[str], name: str, number: int = 1) -> None:
    counter[name if name in counter or len(counter) < _MOST_NAMES else _OTHERS] += number


def _told(counter: Counter[str], unnamed: str = "") -> Iterator[str]:
    """Say how often names occur: the most frequent ones, in order; the unnamed and others last."""
    shown = sorted(counter, key=lambda name: (-counter[name], name))[:_MOST_TOLD]
    others = counter.total() - sum(counter[name] for name in shown)
    for name in sorted(shown, key=lambda name: (not name, name)):
        yield f"{counter[name]:,} {printable(name)}" if name else f"{counter[name]:,}{unnamed}"
    if others:
        yield f"{others:,} more"
