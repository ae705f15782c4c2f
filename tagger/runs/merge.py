"""Tables of several runs → one table, as one run would have written it."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tagger import __version__
from tagger.errors import OutputError, TableError, os_reason
from tagger.files.write import beside, take_place
from tagger.results import Stamp
from tagger.runs import journal as notes
from tagger.runs.former import keep_copy, sha256_of
from tagger.runs.growing import GrowingFile
from tagger.runs.lock import locked
from tagger.runs.manifest import SHARD, Manifest, Option
from tagger.runs.options import facts_of
from tagger.runs.part_images import OutOfOrderError, PartImage, PartImages
from tagger.runs.parts import Part, check_parts
from tagger.runs.paths import RunPaths
from tagger.runs.plan import Plan, plan_run
from tagger.table.assembly import assemble
from tagger.table.plan import TablePlan
from tagger.table.table import Table
from tagger.text import unescape


@dataclass(frozen=True)
class Merged:
    """What came of a merge.

    Attributes:
        parts: how many tables were joined.
        shards: whether they are all the shards of an input.
        images: how many there are, by what became of them.
        copies: files that keep what was there before.
    """

    parts: int
    shards: bool
    images: Counter[str]
    copies: tuple[str, ...]


def merge(files: Sequence[str], plan: TablePlan, notice: Callable[[str], None]) -> Merged:
    """Join tables.

    Args:
        files: of finished runs, with their notes beside them.
        plan: the table to write; all but file, format and ``overwrite`` is as the parts have it.
        notice: called with a sentence where the folder has no locks.

    Raises:
        UsageError: something is missing or double, or the runs differ; or see
            :func:`tagger.runs.plan.plan_run`.
        TableError: a table is damaged.
        OutputError: the table cannot be written.
    """
    output = str(plan.output)
    parts = check_parts(files, output)
    plan = _as_in(parts[0], plan)
    first, options = parts[0].manifest, _options(parts[0].manifest, plan)
    model = f"{first.model.name} {first.model.version}"
    table = Table(plan, parts[0].labels, _ignore, facts_of(model, options, __version__))
    paths = RunPaths.of_table(output, as_text=plan.is_text)
    folder = parts[0].working_folder(output)
    devices = {part.manifest.device for part in parts}
    device = devices.pop() if len(devices) == 1 else None
    manifest = Manifest(
        paths.what, first.model, options, device, folder, versions=dict(first.versions)
    )
    with locked(paths.lock, paths.what, notice):
        planned = plan_run(
            paths, manifest, table, resume=False, overwrite=plan.overwrite, source=files[0]
        )
        return _Merge(planned, parts, table).written()


def _as_in(part: Part, plan: TablePlan) -> TablePlan:
    """Return the plan with the shape that a part has."""
    options = part.manifest.options
    relative_to = options.get("--relative-to")
    return dataclasses.replace(
        plan,
        layout=part.layout,
        columns=part.columns,
        excel=bool(options.get("--excel")) and plan.format is not None and plan.format.for_excel,
        relative_to=None if relative_to is None else unescape(str(relative_to)),
        thumbnails=not options.get("--no-thumbnails"),
    )


def _options(manifest: Manifest, plan: TablePlan) -> dict[str, Option]:
    """Return what one run would have noted."""
    own: dict[str, Option] = {"--format": str(plan.format), "--excel": plan.excel}
    return {name: value for name, value in manifest.options.items() if name != SHARD} | own


def _ignore(path: str, sentence: str) -> None:
    """Cells that are cut were reported when the parts were made."""


class _Merge:
    """Writes the rows of parts, whole or not at all.

    Args:
        plan: of the run that the merge stands for; its output is locked.
        parts: that were checked.
        table: to be written.
    """

    def __init__(self, plan: Plan, parts: Sequence[Part], table: Table) -> None:
        self._plan = plan
        self._parts = parts
        self._table = table
        self._counts: list[int] = []
        self._images: Counter[str] = Counter()

    def written(self) -> Merged:
        """Write table, journal and manifest; errors are those of :func:`merge`."""
        paths, copies = self._plan.paths, []
        assert paths.table is not None
        made, journal = beside(paths.table), beside(paths.journal)
        try:
            try:
                self._write(made, journal, all_sorted=False)
            except OutOfOrderError:
                self._write(made, journal, all_sorted=True)
            digest = sha256_of(made)
            before = self._plan.before and self._plan.before.finished()
            if self._plan.has_table and (before is None or sha256_of(paths.table) != before.sha256):
                copies.append(keep_copy(paths.table, made=paths.half_copy))
            copies += [keep_copy(rows, made=paths.half_copy) for rows in self._plan.replaced]
            manifest = self._plan.manifest.replacing(self._plan.before)
            take_place(journal, paths.journal)
            dataclasses.replace(manifest, sha256=digest).write(paths.manifest)
            take_place(made, paths.table)
            manifest.ending(dict(self._images), digest).write(paths.manifest)
            paths.remove_rows()
        except OSError as error:
            raise OutputError(f"{paths.what} cannot be written: {os_reason(error)}.") from None
        finally:
            paths.remove_half_made()
        has_shards = self._parts[0].shard is not None
        return Merged(len(self._parts), has_shards, self._images, tuple(copies))

    def _write(self, made: str, journal: str, *, all_sorted: bool) -> None:
        self._counts = [0] * len(self._parts)
        self._images = Counter(tagged=0, failed=0)
        seed = notes.seed_of(self._plan.manifest.run)
        folder = os.path.dirname(os.path.abspath(made))
        with (
            PartImages(self._parts, self._table, folder) as images,
            GrowingFile(journal) as entries,
        ):
            head = self._table.head
            start = notes.head(self._plan.manifest.run)
            place = entries.write_at(0, start + notes.header_entry().packed(seed, head))

            def texts() -> Iterator[bytes]:
                nonlocal place
                yield head
                pending = bytearray()
                for image in self._counted(images.in_order(all_sorted=all_sorted)):
                    stamp = None if image.stamp is None else Stamp(*image.stamp)
                    entry = notes.Entry(notes.key_of(image.path), stamp, image.rows, image.flags)
                    pending += entry.packed(seed, image.text)
                    if len(pending) > 1 << 16:
                        place = entries.write_at(place, pending)
                        pending.clear()
                    yield image.text
                place = entries.write_at(place, pending)
                self._check_counts()

            assemble(self._table, texts(), made)
            entries.sync()

    def _counted(self, images: Iterable[PartImage]) -> Iterator[PartImage]:
        rows = 0
        for image in images:
            rows += image.rows
            self._table.check_size(rows)
            self._counts[image.part] += 1
            self._images["failed" if image.failed else "tagged"] += 1
            yield image

    def _check_counts(self) -> None:
        """Raise TableError if a part has other images than its run wrote."""
        for part, count in zip(self._parts, self._counts, strict=True):
            if count < part.images:
                raise TableError(
                    f"{part.name} has {count:,} of the {part.images:,} images of its run: run its "
                    "command again with --resume, which tags those that are missing."
                )
