"""A person's tags into sidecars and images: what would change, and changing it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tagger.errors import CannotChange, os_reason
from tagger.holders.changes import SidecarFiles
from tagger.holders.image.files import would_settle
from tagger.holders.pinned import SETTLED, Terms, verdict
from tagger.holders.places import SidecarNames, SidecarPlaces
from tagger.holders.xmp.files import read_sidecar
from tagger.holders.xmp.pin import Settled, Verdict
from tagger.table.corrections import Correction
from tagger.text import printable

#: Beside the kinds of sidecars: the image itself.
EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class Change:
    """What would change in a sidecar, or in an image itself.

    Attributes:
        correction: what a person says of the image.
        kind: of the sidecar, or :data:`EMBEDDED`.
        file: its path.
        is_new: whether it is not there yet.
        added: tags that it gets.
        removed: tags that it loses.
        kept: tags that the table does not give and that stay, since they are not ours.
        was_settled: whether a person had settled its tags before.
    """

    correction: Correction
    kind: str
    file: str
    is_new: bool
    added: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...]
    was_settled: bool

    @property
    def changes_tags(self) -> bool:
        """Whether more changes than the note that a person settled the tags."""
        return self.is_new or bool(self.added or self.removed)


class Settling:
    """Puts corrections into sidecars and images.

    Args:
        kinds: ``txt``, ``json``, ``xmp``, or :data:`EMBEDDED`.
        names: where they lie.
        terms: what holds for all of them.
        files: what writes them.
        embed: puts tags into an image; returns whether there was anything to do.
        failed: called with what cannot be changed, and why.

    Attributes:
        unchanged: how many files say already what they shall.
        gone: how many images are not there.
    """

    def __init__(
        self,
        kinds: Sequence[str],
        names: SidecarNames,
        terms: Terms,
        files: SidecarFiles,
        embed: Callable[[str, Verdict], bool],
        failed: Callable[[str, str], None],
    ) -> None:
        self._kinds = tuple(dict.fromkeys(kinds))
        self._names = names
        self._places = SidecarPlaces(names)
        self._terms = terms
        self._files = files
        self._embed = embed
        self._failed = failed
        self.unchanged = 0
        self.gone = 0

    def changes(self, correction: Correction) -> Iterator[Change]:
        """Yield what would change for an image; nothing is written. Images come sorted bytewise."""
        image = correction.path
        if not os.path.lexists(image):
            self.gone += 1
            self._failed(image, "the image is not there, so nothing is written for it")
            return
        owner = self._places.owner(image)
        is_own = os.path.basename(owner) == os.path.basename(image)
        if not is_own:
            reason = f"it shares its sidecar with {printable(owner)}, so it gets none"
            self._failed(image, reason)
        for kind in self._kinds:
            for file in self._files_of(image, kind) if is_own or kind == EMBEDDED else ():
                change = self._change(correction, kind, file)
                if change is not None:
                    yield change

    def write(self, change: Change) -> None:
        """Write a file. What another program wrote there meanwhile is respected.

        Raises:
            OutputError: the disk is full or read-only.
        """
        correction, kind = change.correction, change.kind
        if kind == EMBEDDED:
            said = verdict(correction, self._terms)
            self._files.attempt(change.file, lambda: self._embed(change.file, said))
        else:
            self._files.update(
                change.file, lambda data: SETTLED[kind](data, correction, self._terms).content
            )

    def _files_of(self, image: str, kind: str) -> list[str]:
        if kind == EMBEDDED:
            return [image]
        return self._places.to_merge(image) if kind == "xmp" else [self._names(image, kind)]

    def _outcome(self, correction: Correction, kind: str, file: str) -> Settled | None:
        """Return what would be said; None where it is said already."""
        if kind == EMBEDDED:
            return would_settle(file, verdict(correction, self._terms))
        data = read_sidecar(file)[0] if os.path.lexists(file) else None
        settled = SETTLED[kind](data, correction, self._terms)
        return None if settled.content is data else settled

    def _change(self, correction: Correction, kind: str, file: str) -> Change | None:
        is_new = not os.path.lexists(file)
        try:
            settled = self._outcome(correction, kind, file)
        except CannotChange as error:
            self._failed(file, f"{error}, so it was left alone")
            return None
        except OSError as error:
            self._failed(file, os_reason(error))
            return None
        if settled is None:
            self.unchanged += 1
            return None
        return Change(
            correction,
            kind,
            file,
            is_new,
            settled.added,
            settled.removed,
            settled.kept,
            settled.was_settled,
        )
