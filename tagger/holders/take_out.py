"""Our tags out of whatever holds them and bears our mark: XMP sidecars, ``.nfo`` files, images."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from tagger.errors import CannotChange
from tagger.holders.change import failed
from tagger.holders.holder import IMAGE, Edit, State, holder
from tagger.holders.nfo.films import NfosOnce
from tagger.holders.places import Places, SidecarNames
from tagger.holders.plan import HolderPlan
from tagger.results import Failed

#: Endings of the files that are not images and bear our mark.
MARKED_SUFFIXES = frozenset({".xmp", ".nfo"})


def files_with_tags(paths: Iterable[str], *, images: bool) -> Iterator[str]:
    """Yield what is there of files that may hold our tags, each once.

    These are XMP sidecars by either way of naming, the ``.nfo`` files of films, and, if asked for,
    images. ``paths`` are of images, and such files themselves, sorted bytewise.
    """
    recent: dict[str, str] = {}
    nfos = NfosOnce()
    places = Places(SidecarNames())
    for path in paths:
        yield from nfos.of(path)
        kind = _kind(path)
        if kind == "nfo":
            continue
        stem = os.path.splitext(path)[0]
        # Sorted, sidecars come after their image and before whatever begins in another way.
        recent = {name: start for name, start in recent.items() if path.startswith(start)}
        own = [path] if images or kind == "xmp" else []
        beside = [] if kind == "xmp" else places.named(path)
        for name in (*own, *beside):
            if name not in recent and os.path.lexists(name):
                recent[name] = stem
                yield name


class TakingOut:
    """Takes our tags out of files, one by one, and counts.

    With ``settled`` also those that a person settled; ``dry_run`` only says what would change.

    Attributes:
        changed: how many sidecars changed.
        removed: how many went altogether.
        images: how many images changed.
        settled: how many files hold tags that a person settled and stay.
    """

    def __init__(self, plan: HolderPlan, *, settled: bool, dry_run: bool) -> None:
        self._plan = plan
        self._settled_too = settled
        self._dry_run = dry_run
        self._holders = {kind: holder(kind) for kind in ("xmp", "nfo", IMAGE)}
        self.changed = self.removed = self.images = self.settled = 0

    def of(self, file: str) -> Edit | Failed:
        """Take our tags out of a file.

        Raises:
            OutputError: the disk is full or read-only.
        """
        kind = _kind(file)
        one = self._holders[kind]
        try:
            edit = one.untag(file, self._plan, settled=self._settled_too, dry_run=self._dry_run)
        except (CannotChange, OSError) as error:
            return failed(file, error)
        self.settled += edit.state is State.SETTLED
        self.removed += edit.state is State.REMOVED
        is_changed = edit.state is State.CHANGED
        self.images += is_changed and kind == IMAGE
        self.changed += is_changed and kind != IMAGE
        return edit


def _kind(path: str) -> str:
    ending = os.path.splitext(path)[1].lower()
    return ending[1:] if ending in MARKED_SUFFIXES else IMAGE
