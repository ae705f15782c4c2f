"""Tagging from Python: results as a stream, or complete jobs as with the command."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias, TypeVar

from tagger import arguments
from tagger.decode.budget import DEFAULT_LIMITS
from tagger.errors import OutputError, UsageError
from tagger.find.scan import WalkOptions, scan
from tagger.gallery.gallery import Gallery
from tagger.gallery.plan import GalleryPlan
from tagger.holders.plan import HolderPlan
from tagger.job import Job, check_resumable, run
from tagger.network.devices import LARGEST_BATCH, MOST_WORKERS, available_cores
from tagger.network.model import TaggerModel
from tagger.pipeline.pipeline import tag_images
from tagger.results import Failed, Result
from tagger.rules import adjusted_rules
from tagger.runs.plan import Resume
from tagger.runs.report import Listener, Summary
from tagger.runs.texts import TextFrom, TextPlan
from tagger.sources import images, with_reader
from tagger.table.formats import LayoutName
from tagger.table.plan import TablePlan, beside_page, is_page
from tagger.table.sink import ReaderGone

#: An image or a folder, as any kind of path.
AnyPath: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]

Name = TypeVar("Name", bound=str)

_MOST_TAGS = 100_000  # no model has more labels
_SIDECARS = ("json", "nfo", "txt", "xmp")


class Tagger:
    """Tags images with an opened model.

    Defaults come from the model's card, or suit the machine. A tagger may be used any number of
    times; its model is opened once.

    Args:
        model: an ``.onnx`` file from ``tagger export``; None means the bundled one.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N``, or several such as ``cuda:0,cuda:1``.
        thresholds: probability from which a label is a tag: one for all labels, or one per label;
            labels that are not listed keep the model's.
        precision: instead of one threshold for all, the model's own thresholds with which at least
            this share of each label's tags are right; images may have none.
        min_tags: at least this many tags, even if improbable.
        max_tags: at most this many tags.
        ignore: labels that are never tags.
        rename: label → the name of its tag.
        text: the text for a model with a text input: ``names``, the
            title and year in its film's ``.nfo``, or in names of files and folders; ``ocr``, these
            and the words read off the image; ``none``.
        titles: a table with the columns ``path``, ``title`` and perhaps ``year``, for such a model;
            it counts before the others.
        workers: number of images decoded, and on a CPU tagged, at a time; None means one per core.
        batch_size: images per batch; None chooses it for the device.

    Attributes:
        card: the model's card, with its name, version, labels and thresholds.
        labels: its labels, in the order of :attr:`tagger.Tagged.scores`.
        device: where the network actually runs.

    Raises:
        ModelError: the model is missing, damaged, or not a poster-tagger model.
        DeviceError: the device is not available.
        UsageError: a label is unknown, a number is out of range, the model has no thresholds for
            the precision, or the table of titles is wrong.
        MissingExtraError: the library of that table's format is not installed, or what reads words.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        device: str = "auto",
        *,
        thresholds: float | Mapping[str, float] | None = None,
        precision: float | None = None,
        min_tags: int | None = None,
        max_tags: int | None = None,
        ignore: Iterable[str] = (),
        rename: Mapping[str, str] | None = None,
        text: str = "names",
        titles: str | os.PathLike[str] | None = None,
        workers: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        if not isinstance(thresholds, Mapping | None):
            thresholds = arguments.probability("thresholds", thresholds)
        else:
            for label, value in (thresholds or {}).items():
                arguments.text("thresholds", label)
                arguments.probability("thresholds", value)
        share = None if precision is None else arguments.probability("precision", precision)
        size = arguments.whole("batch_size", batch_size, 1, LARGEST_BATCH)
        count = arguments.whole("workers", workers, 1, MOST_WORKERS)
        with arguments.in_python(_ARGUMENTS):
            file = None if model is None else Path(arguments.path("model", model))
            self._model = TaggerModel(file, arguments.text("device", device), batch_size=size)
            self._workers = count or available_cores()
            self.card = self._model.card
            self.labels = self.card.labels
            self.device = self._model.device
            self._rules = adjusted_rules(
                self.card,
                precision=share,
                threshold=None if isinstance(thresholds, Mapping) else thresholds,
                thresholds=thresholds if isinstance(thresholds, Mapping) else None,
                min_tags=arguments.whole("min_tags", min_tags, 0, _MOST_TAGS),
                max_tags=arguments.whole("max_tags", max_tags, 0, _MOST_TAGS),
                ignored=arguments.texts("ignore", ignore),
                renamed=arguments.text_to_text("rename", {} if rename is None else rename),
            )
            texts = TextPlan.checked(
                self.card,
                _known(arguments.text("text", text), TextFrom, "text"),
                None if titles is None else arguments.path("titles", titles),
            )
            self._texts = with_reader(texts, self.device, DEFAULT_LIMITS)

    def tag(self, paths: AnyPath | Iterable[AnyPath]) -> Iterator[Result]:
        """Yield one result per image, in the order of the paths, as soon as it is available.

        Paths are consumed only a few batches ahead, so there may be any number of them. Leaving the
        loop stops the work. Anything unreadable is a :class:`tagger.Failed` in its place, including
        missing files and folders that cannot be listed.

        Args:
            paths: an image, a folder (walked recursively and sorted, as by the command), or any
                iterable of both.

        Raises:
            ModelError: the model fails while running.
            UsageError: what is given is no path.
        """
        given = [paths] if isinstance(paths, str | bytes | os.PathLike) else paths
        if not isinstance(given, Iterable):
            raise UsageError(f"paths: {paths!r} is not a path.")
        unreadable: dict[str, str] = {}
        with arguments.in_python(_ARGUMENTS):
            for result in tag_images(
                _walked(given, unreadable),
                self._model,
                self._rules,
                workers=self._workers,
                text_of=self._texts.text_of(),
            ):
                # A folder that cannot be listed is reported as such, not as an image.
                reason = unreadable.get(result.path)
                yield result if reason is None else Failed(result.path, reason)

    def run(
        self,
        paths: AnyPath | Iterable[AnyPath],
        output: str | os.PathLike[str] | None = None,
        *,
        layout: str = "wide",
        columns: Iterable[str] = (),
        thumbnails: bool = True,
        sidecars: Iterable[str] = (),
        sidecar_dir: str | os.PathLike[str] | None = None,
        embed: bool = False,
        backup: bool = False,
        resume: bool | str | Iterable[str] = False,
        listener: Listener | None = None,
    ) -> Summary:
        """Write a table, sidecars or both, like ``tagger tag`` with the options of the same names.

        Images are tagged in sorted order, each once. However a run ends, even by a kill: called
        again with ``resume``, it keeps what is done and continues.

        Args:
            paths: an image, a folder (walked recursively), or any iterable of both.
            output: a table; its extension selects the format (csv, tsv, jsonl, parquet, xlsx, db).
                It replaces an unedited one of an earlier run; move any other file away before. For
                ``gallery.html``, the table is ``gallery.csv``, and a page of it is written.
            layout: of the table: ``wide``, ``list`` or ``long``.
            columns: extra columns of the table.
            thumbnails: whether a workbook (.xlsx) shows the images beside their paths.
            sidecars: kinds of files next to each image: ``xmp``, ``txt``, ``json``, ``nfo``.
            sidecar_dir: write them there instead, in a mirror of the image tree.
            embed: whether tags go into the images themselves.
            backup: whether to save the original of a sidecar or image as ``NAME.bak``.
            resume: keep what a previous run on the same output has done; ``"failed"`` retries
                images that failed, ``"changed"`` tags images again whose file has changed, and a
                list of both does both.
            listener: is notified of progress.

        Returns:
            The summary. Unreadable images are counted there and have a row.

        Raises:
            UsageError: an argument is invalid, the previous run used other options, or ``output``
                is not an unedited table of an earlier run.
            OutputError: an output cannot be written; what is done is kept.
            TaggerError: the run cannot continue for another reason.
        """
        texts = [arguments.path("paths", path) for path in arguments.listed("paths", paths)]
        if listener is not None and not all(hasattr(listener, name) for name in _HEARD):
            raise UsageError(f"listener: {listener!r} is not a tagger.Listener.")
        with arguments.in_python(_ARGUMENTS):
            name = None if output is None else arguments.path("output", output)
            page = self._page(name) if name is not None and is_page(name) else None
            source = images(
                scan(texts, WalkOptions(seconds=DEFAULT_LIMITS.seconds)),
                self._model,
                self._rules,
                workers=self._workers,
                texts=self._texts,
                see=None if page is None else page.keeps_thumbnails(),
            )
            table = TablePlan.checked(
                name if page is None else page.table,
                layout=_known(layout, LayoutName, "layout"),
                columns=arguments.texts("columns", columns),
                thumbnails=thumbnails,
            )
            holders = HolderPlan(
                kinds=tuple(
                    _known(kind, _SIDECARS, "sidecars")
                    for kind in arguments.listed("sidecars", sidecars)
                ),
                folder=None if sidecar_dir is None else arguments.path("sidecar_dir", sidecar_dir),
                backup=backup,
                embed=embed,
            )
            if table.output in (None, "-") and (table.is_asked_for or not holders.any):
                raise UsageError("No output: pass output, sidecars or embed.")
            plan = _resume(resume)
            check_resumable(plan, table, holders)
            try:
                summary = run(Job(source, table, holders, plan), listener)
            except ReaderGone:
                raise OutputError(
                    f"{name} cannot be written: its reader closed the pipe."
                ) from None
            if page is not None:
                Gallery(page).write()
            return summary

    def _page(self, name: str) -> GalleryPlan:
        plan = GalleryPlan(beside_page(name), name, card=self.card, workers=self._workers)
        plan.check_output()
        return plan


# What errors may call by name, in place of the command line's options.
_ARGUMENTS = tuple(
    name
    for called in (Tagger.__init__, Tagger.run)
    for name in inspect.signature(called).parameters
)
_AGAIN = ("failed", "changed")
_HEARD = tuple(name for name in vars(Listener) if not name.startswith("_"))


def _known(name: str, known: Iterable[Name], argument: str) -> Name:
    """Return the member with a name, or raise UsageError."""
    for one in known:
        if one == name:
            return one
    raise UsageError(f"{argument}: unknown '{name}'; available: {', '.join(known)}.")


def _resume(wanted: bool | str | Iterable[str]) -> Resume:
    """Return what is kept of a previous run, or raise UsageError."""
    if isinstance(wanted, bool):
        return Resume(wanted)
    again = {_known(name, _AGAIN, "resume") for name in arguments.texts("resume", wanted)}
    return Resume(bool(again), "failed" in again, "changed" in again)


def _walked(paths: Iterable[AnyPath], unreadable: dict[str, str]) -> Iterator[str]:
    """Yield images, and in their place folders that cannot be listed."""
    for given in paths:
        path = arguments.path("paths", given)
        noted: list[str] = []

        def note(folder: str, reason: str, noted: list[str] = noted) -> None:
            unreadable[folder] = reason
            noted.append(folder)

        if not os.path.isdir(path):
            yield path
            continue
        for found in scan([path], WalkOptions()).paths(note):
            yield from noted
            noted.clear()
            yield found
        yield from noted
