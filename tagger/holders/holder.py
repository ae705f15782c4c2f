"""What holds an image's tags: one protocol for every kind, and what comes of a change.

A new kind is a file with a :class:`Holder` in it, and a line in :data:`_KINDS`.
"""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from tagger.files.rights import refuse_read_only
from tagger.holders.places import Places
from tagger.holders.plan import HolderPlan
from tagger.text import same_keyword

if TYPE_CHECKING:
    from tagger.holders.xmp.foreign import Foreign
    from tagger.network.card import ModelCard
    from tagger.results import ImageText

#: The kind that is the image itself.
IMAGE = "image"

# Loaded when asked for: a run that writes text files reads no XMP.
_KINDS = {
    "txt": "tagger.holders.txt:Txt",
    "json": "tagger.holders.json_file:JsonFile",
    "xmp": "tagger.holders.xmp.xmp:Xmp",
    "nfo": "tagger.holders.nfo.nfo:FilmNfo",
    IMAGE: "tagger.holders.image.image:Image",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a holder should say of an image.

    Attributes:
        tags: names, each with the probability that a model gave it; None if none did.
        scores: label → probability, as far as they are known.
        root: levels above every tag in hierarchical fields; None keeps those that are there.
        date: today, ``YYYY-MM-DD``.
        model: that gave the tags; None if a person did.
        known: names that are tags: nothing else tells a text sidecar from a person's notes.
        text: text that the model got in addition to the picture; None if none.
        beside: reads what other people did in the other files that hold keywords of the image.
    """

    path: str
    tags: tuple[tuple[str, float | None], ...]
    scores: Mapping[str, float]
    root: tuple[str, ...] | None
    date: str
    model: ModelCard | None = None
    known: Collection[str] = ()
    text: ImageText | None = None
    beside: Callable[[], Sequence[Foreign]] = tuple

    @property
    def names(self) -> tuple[str, ...]:
        """The tags without their probabilities."""
        return tuple(name for name, _ in self.tags)

    def against(self, former: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return which of the tags are not among former ones, and which of those are gone."""
        names = self.names
        added = tuple(tag for tag in names if tag not in former)
        return added, tuple(tag for tag in former if tag not in names)


class State(Enum):
    """What becomes of a file: it changes, goes (being ours altogether), or stays as it is."""

    CHANGED = auto()
    REMOVED = auto()
    UNCHANGED = auto()
    #: A person has settled its tags, which no model changes.
    SETTLED = auto()


@dataclass(frozen=True, slots=True)
class Edit:
    """What a change comes to.

    Attributes:
        content: what the file should contain where it changes.
        added: tags that it gets from a person.
        removed: tags that it loses.
        kept: tags that a person does not give and that stay, since they are not ours.
        was_settled: whether a person had settled its tags before.
    """

    state: State
    content: Any = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    was_settled: bool = False


UNCHANGED = Edit(State.UNCHANGED)
SETTLED = Edit(State.SETTLED)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why tags go nowhere though nothing is wrong: for programs, and for people after a number."""

    key: str
    sentence: str


class LeftAlone(Exception):  # noqa: N818 (no error: nothing is wrong)
    """An image has no such file, or it is not for us to change."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.sentence)
        self.reason = reason


class Genres:
    """Names that count as tags whoever wrote them, in any case."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)
        folded = {_folded(name) for name in self.names}
        # digiKam puts a backslash where a name holds its separator.
        self._folded = folded | {name.replace("/", "\\") for name in folded}

    def __contains__(self, text: str) -> bool:
        """Return whether a text is such a name."""
        return _folded(text) in self._folded


def _folded(keyword: str) -> str:
    return same_keyword(keyword).casefold()


class Holder(ABC):
    """One kind of file that holds tags, for one run: images come sorted bytewise.

    What a file holds is looked at as its content: bytes, or None if it is not there, in a
    sidecar; what the file is made of in an image. What comes of a change is an :class:`Edit`.

    Attributes:
        kind: also the ending of a sidecar.
        is_sidecar: whether each image has one of its own beside it.
        has_two_names: whether one by the other way of naming is an image's too.
        is_made: whether it is made where it is not there.
        merges: the choices of ``--existing`` with which tags go into what is there.
        reasons: why tags may go nowhere, in the order of a summary.
    """

    kind: str
    is_sidecar = True
    has_two_names = False
    is_made = True
    merges: frozenset[str] = frozenset()
    reasons: tuple[Reason, ...] = ()

    def files(self, image: str, places: Places) -> Sequence[str]:
        """Return the files that an image's tags go into.

        Raises:
            LeftAlone: there is none.
            CannotChange: it is not clear which.
        """
        return (places.names(image, self.kind),)

    def own(self, image: str, places: Places) -> str:
        """Return the sidecar that bears an image's name.

        Raises:
            CannotChange: it is that of another file.
        """
        return places.names(image, self.kind)

    def sources(self, image: str, places: Places) -> Sequence[str]:
        """Return the files that may hold an image's tags already."""
        return self.files(image, places)

    @abstractmethod
    def look(self, file: str) -> Any:
        """Return the content of a file; None if it is not there.

        Raises:
            CannotChange, OSError: it cannot be read.
        """

    @abstractmethod
    def change(
        self, file: str, edit: Callable[[Any], Edit], plan: HolderPlan, *, anew: bool = False
    ) -> Edit:
        """Change a file as ``edit`` says, whole or not at all; make it where there is none.

        A link stays, and the file it leads to is changed. With ``anew`` a new file takes its place,
        whatever it holds.

        Raises:
            LeftAlone, CannotChange: as ``edit`` says.
            OSError: it cannot be read or written.
        """

    @abstractmethod
    def has(self, content: Any, genres: Genres) -> bool:
        """Return whether there are tags of ours, or any genre as a keyword."""

    @abstractmethod
    def put(self, content: Any, wish: Wish) -> Edit:
        """Put a model's tags in place of our former ones.

        Raises:
            LeftAlone, CannotChange: the content is not for us to change, or not safely.
        """

    @abstractmethod
    def pin(self, content: Any, wish: Wish) -> Edit:
        """Put a person's tags in, which no model changes from then on.

        Raises:
            CannotChange: the content cannot be changed safely.
        """

    @abstractmethod
    def take_out(self, content: Any, *, settled: bool) -> Edit:
        """Take our tags out (``settled``: even a person's), with all that was made for their sake.

        Raises:
            CannotChange: as for :meth:`pin`.
        """

    def is_ours(self, content: Any, known: Collection[str]) -> bool:
        """Return whether a run wrote all of a content, so that nobody's work goes with it.

        ``known`` are the names that a model's tags may have.
        """
        return self.take_out(content, settled=False).state is State.REMOVED

    def untag(self, file: str, plan: HolderPlan, *, settled: bool, dry_run: bool = False) -> Edit:
        """Take our tags out of a file, see :meth:`take_out`, or only say what would change."""

        def taking(content: Any) -> Edit:
            return self.take_out(content, settled=settled)

        if not dry_run:
            return self.change(file, taking, plan)
        edit = taking(self.look(file))
        if edit.state in (State.CHANGED, State.REMOVED):
            refuse_read_only(file)
        return edit


def holder(kind: str) -> Holder:
    """Return a holder of a kind, for one run."""
    found: Holder = pkgutil.resolve_name(_KINDS[kind])()
    return found
