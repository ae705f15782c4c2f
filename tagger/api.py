"""Tagging from Python: results as a stream, or whole jobs as the command does them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from tagger.decode.budget import DEFAULT_LIMITS
from tagger.errors import OutputError, UsageError
from tagger.find.scan import WalkOptions, scan
from tagger.holders.plan import HolderPlan
from tagger.job import Job, check_resumable, images, run
from tagger.network.devices import available_cores
from tagger.network.model import TaggerModel
from tagger.pipeline.pipeline import tag_images
from tagger.results import Failed, Result
from tagger.rules import adjusted_rules
from tagger.runs.plan import Resume
from tagger.runs.report import Listener, Summary
from tagger.table.formats import LayoutName
from tagger.table.plan import TablePlan
from tagger.table.sink import ReaderGone

#: An image or a folder, however it is spelled.
AnyPath: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]

Name = TypeVar("Name", bound=str)

_SIDECARS = ("json", "nfo", "txt", "xmp")


class Tagger:
    """Tags images with an opened model.

    What is not given is as the model's card says, or as suits the machine. A tagger may be used any
    number of times; its model is opened once.

    Args:
        model: an ``.onnx`` file of ours; None takes the bundled one.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N``, or several such as ``cuda:0,cuda:1``.
        thresholds: probability from which a label is a tag: one for all labels, or one a label;
            labels that are not named keep the model's.
        min_tags: at least so many tags, however improbable.
        max_tags: at most so many tags.
        ignore: labels that are never tags.
        rename: label → the name under which it is a tag.
        workers: images decoded, and on a CPU tagged, at a time; None is one a core.
        batch_size: images a run of the network; None is what suits the device.

    Attributes:
        card: the model's card, with its name, version, labels and thresholds.
        labels: its labels, in the order of :attr:`tagger.Tagged.scores`.
        device: where the network really runs.

    Raises:
        ModelError: the model is missing, damaged, or not one of ours.
        DeviceError: the device cannot run here.
        UsageError: a label is unknown, or a number is off.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        device: str = "auto",
        *,
        thresholds: float | Mapping[str, float] | None = None,
        min_tags: int | None = None,
        max_tags: int | None = None,
        ignore: Iterable[str] = (),
        rename: Mapping[str, str] | None = None,
        workers: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        self._model = TaggerModel(
            None if model is None else Path(model), device, batch_size=batch_size
        )
        if workers is not None and workers < 1:
            raise UsageError(f"workers: {workers} is less than 1.")
        self._workers = workers or available_cores()
        self.card = self._model.card
        self.labels = self.card.labels
        self.device = self._model.device
        by_label = thresholds if isinstance(thresholds, Mapping) else {}
        self._rules = adjusted_rules(
            self.card,
            threshold=None if isinstance(thresholds, Mapping) else thresholds,
            thresholds=by_label,
            min_tags=min_tags,
            max_tags=max_tags,
            ignored=(ignore,) if isinstance(ignore, str) else ignore,
            renamed=rename or {},
        )

    def tag(self, paths: AnyPath | Iterable[AnyPath]) -> Iterator[Result]:
        """Yield a result an image, in the order of the paths, as soon as it is there.

        Paths are taken only a few batches ahead, so there may be any number of them. Leaving the
        loop ends the work. What cannot be read is a :class:`tagger.Failed` in its place, a missing
        file and a folder that cannot be listed included.

        Args:
            paths: an image, a folder (walked recursively and sorted, as the command does), or any
                iterable of both.

        Raises:
            ModelError: the model breaks while it runs.
        """
        given = [paths] if isinstance(paths, str | bytes | os.PathLike) else paths
        unreadable: dict[str, str] = {}
        for result in tag_images(
            _walked(given, unreadable), self._model, self._rules, workers=self._workers
        ):
            # A folder is no image either, but that is not what is wrong with it.
            reason = unreadable.get(result.path)
            yield result if reason is None else Failed(result.path, reason)

    def run(
        self,
        paths: AnyPath | Iterable[AnyPath],
        output: str | os.PathLike[str] | None = None,
        *,
        layout: str = "wide",
        columns: Iterable[str] = (),
        sidecars: Iterable[str] = (),
        sidecar_dir: str | os.PathLike[str] | None = None,
        embed: bool = False,
        backup: bool = False,
        resume: bool = False,
        retry_failed: bool = False,
        update: bool = False,
        listener: Listener | None = None,
    ) -> Summary:
        """Write a table, sidecars or both, as ``tagger tag`` does with the options of these names.

        Images are taken in sorted order, each once. However a run ends, by an exception or a kill:
        called again with ``resume`` it keeps what is done.

        Args:
            paths: an image, a folder (walked recursively), or any iterable of both.
            output: a table; its ending says the format (csv, tsv, jsonl, parquet, xlsx).
            layout: of the table: ``wide``, ``list`` or ``long``.
            columns: extra columns of the table.
            sidecars: kinds of files beside each image: ``xmp``, ``txt``, ``json``, ``nfo``.
            sidecar_dir: where they go instead, in a mirror of the tree of images.
            embed: whether tags go into the images themselves.
            backup: whether a sidecar or an image is kept as ``NAME.bak`` before it changes.
            resume: keep what a previous run on the same output has done.
            retry_failed: likewise, but try images again that failed.
            update: likewise, but tag images again whose file has changed.
            listener: is told what happens meanwhile.

        Returns:
            What came of it. An image that cannot be read is counted there and has a row.

        Raises:
            UsageError: an argument makes no sense, or the previous run had other options.
            OutputError: an output cannot be written; what is done is kept.
            TaggerError: the run cannot go on for another reason.
        """
        texts = [os.fsdecode(path) for path in _listed(paths)]
        source = images(
            scan(texts, WalkOptions(seconds=DEFAULT_LIMITS.seconds)),
            self._model,
            self._rules,
            workers=self._workers,
        )
        table = TablePlan.checked(
            None if output is None else os.fsdecode(output),
            layout=_known(layout, LayoutName, "layout"),
            columns=_listed(columns),
        )
        holders = HolderPlan(
            kinds=tuple(_known(kind, _SIDECARS, "sidecars") for kind in _listed(sidecars)),
            folder=None if sidecar_dir is None else os.fsdecode(sidecar_dir),
            backup=backup,
            embed=embed,
        )
        if table.output in (None, "-") and (table.is_asked_for or not holders.any):
            raise UsageError("Name a file for the table (output), or sidecars, or set embed.")
        plan = Resume(resume, retry_failed, update)
        check_resumable(plan, table, holders)
        try:
            return run(Job(source, table, holders, plan), listener)
        except ReaderGone:
            raise OutputError(f"{output} cannot be written: its reader went away.") from None


def _known(name: str, known: Iterable[Name], argument: str) -> Name:
    """Return what has a name.

    Raises:
        UsageError: nothing has.
    """
    for one in known:
        if one == name:
            return one
    raise UsageError(f"{argument}: there is no '{name}'; there are {', '.join(known)}.")


def _listed(values: Any) -> list[Any]:
    """Return values as a list, also where there is one alone."""
    return [values] if isinstance(values, str | bytes | os.PathLike) else list(values)


def _walked(paths: Iterable[AnyPath], unreadable: dict[str, str]) -> Iterator[str]:
    """Yield images, and in their places the folders that cannot be listed."""
    for given in paths:
        path = os.fsdecode(given)
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
