"""The tags of a run into everything that holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tagger.holders.image.writer import EmbeddingWriter
from tagger.holders.nfo.writer import Passed, Tally
from tagger.holders.options import HolderOptions
from tagger.holders.sidecars import SidecarPolicy, SidecarWriter
from tagger.results import Failed, Result


class TaggedBy(Protocol):
    """What is said of the model that gives the tags, as its card has it."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def version(self) -> str:
        """Its version."""

    @property
    def precision(self) -> str:
        """Of its numbers, such as ``int8``."""

    @property
    def labels(self) -> Sequence[str]:
        """What a result's scores are of."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one image's tags.

    Attributes:
        failures: the files that could not be written, and why; nothing for what was written, held
            the tags already, or was left alone on purpose.
    """

    failures: tuple[Failed, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing failed."""
        return not self.failures


@dataclass
class Counts:
    """What came of a run's tags, in files.

    Attributes:
        written: sidecars that were written.
        unchanged: those that held just these tags already.
        settled: those that hold tags that a person settled, which no model changes.
        left_alone: those that were there already and stayed as they were.
        examples: the first few of those.
        images_changed: images into which tags were put.
        images_unchanged: those that held them already.
        nfo: why genres went into no ``.nfo``; None where that was not asked for.
    """

    written: int = 0
    unchanged: int = 0
    settled: int = 0
    left_alone: int = 0
    examples: list[str] = field(default_factory=list)
    images_changed: int = 0
    images_unchanged: int = 0
    nfo: dict[Passed, Tally] | None = None


class Holders:
    """Puts each image's tags into its sidecars, its film's ``.nfo`` and itself, as asked for.

    Images come sorted bytewise. Every file is whole at any time, so there is nothing to close.

    Args:
        options: what is written.
        model: that gives the tags.
        look_for_images: whether an image that is not there gets no sidecar and is reported: for
            results that come from a table.
    """

    def __init__(
        self, options: HolderOptions, model: TaggedBy, *, look_for_images: bool = False
    ) -> None:
        self._failures: list[Failed] = []
        self._sidecars = SidecarWriter(
            options.kinds,
            options.names,
            model,  # type: ignore[arg-type]
            SidecarPolicy(
                options.existing,
                options.backup,
                options.xmp_root,
                look_for_images and bool(options.kinds) and options.folder is None,
            ),
            failed=self._failed,
        )
        self._embedding = (
            EmbeddingWriter(
                model,  # type: ignore[arg-type]
                options.xmp_root,
                backup=options.backup,
                keep_time=options.keep_time,
                failed=self._failed,
            )
            if options.embed
            else None
        )

    @property
    def counts(self) -> Counts:
        """What came of all images so far."""
        sidecars, images = self._sidecars, self._embedding
        return Counts(
            sidecars.written,
            sidecars.unchanged,
            sidecars.settled,
            sidecars.left_alone,
            sidecars.examples,
            images.written if images else 0,
            images.unchanged if images else 0,
            sidecars.nfos.passed if sidecars.nfos else None,
        )

    def put(self, result: Result) -> Outcome:
        """Write the tags of one image; a failed one has none.

        Raises:
            OutputError: the disk is full or read-only, or a sidecar is there and must not be.
        """
        self._failures.clear()
        self._sidecars.write(result)
        if self._embedding is not None:
            self._embedding.write(result)
        return Outcome(tuple(self._failures))

    def pass_over(self, image: str) -> None:
        """Take note of an image whose sidecars a previous run has written: it may share them."""
        self._sidecars.pass_over(image)

    def targets(self, image: str) -> list[str]:
        """Return the sidecars that an image may have, by whichever way of naming.

        What is no image's own is none: an ``.nfo`` is the film's.
        """
        return self._sidecars.targets(image)

    def are_there(self, image: str) -> bool:
        """Say whether all sidecars that an image should have are there."""
        return self._sidecars.are_there(image)

    def _failed(self, path: str, reason: str) -> None:
        self._failures.append(Failed(path, reason))
