"""Tables of several runs → one table, as one run would have written it."""

from __future__ import annotations

import dataclasses
import heapq
import os
import pickle
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, NamedTuple

from tagger import __version__
from tagger.errors import OutputError, TableError, os_reason
from tagger.files.write import beside, take_place
from tagger.results import Stamp
from tagger.runs import journal as notes
from tagger.runs.done import Done, in_order, read_journal
from tagger.runs.former import keep_copy, sha256_of
from tagger.runs.growing import GrowingFile
from tagger.runs.lock import locked
from tagger.runs.manifest import SHARD, Manifest, Option
from tagger.runs.options import facts_of
from tagger.runs.parts import Part, check_parts
from tagger.runs.paths import RunPaths
from tagger.runs.plan import Plan, plan_run
from tagger.table.assembly import assemble, kept_rows
from tagger.table.plan import TablePlan
from tagger.table.table import Table
from tagger.text import printable, unescape

# More open files than that are not allowed everywhere.
_MOST_OPEN: Final = 200
# Images that are sorted in memory where a table is not in order.
_SORTED_TOGETHER: Final = 20_000


class _Image(NamedTuple):
    """An image's rows, in the order in which a table has them."""

    place: bytes
    part: int
    path: str
    text: bytes
    rows: int
    failed: bool
    flags: int
    stamp: tuple[int, int] | None


class _OutOfOrderError(Exception):
    """A part is not sorted by path."""


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
        self._scratch = ExitStack()
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
            except _OutOfOrderError:
                self._write(made, journal, all_sorted=True)
            digest = sha256_of(made)
            before = self._plan.before and self._plan.before.finished()
            if self._plan.has_table and (before is None or sha256_of(paths.table) != before.sha256):
                copies.append(keep_copy(paths.table))
            copies += map(keep_copy, self._plan.replaced)
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
        with self._scratch, GrowingFile(journal) as entries:
            head = self._table.head
            start = notes.head(self._plan.manifest.run)
            place = entries.write_at(0, start + notes.header_entry().packed(seed, head))

            def texts() -> Iterator[bytes]:
                nonlocal place
                yield head
                pending = bytearray()
                for image in self._in_order(all_sorted=all_sorted):
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

    def _in_order(self, *, all_sorted: bool) -> Iterator[_Image]:
        """Yield the images of all parts, sorted by path, each once; count them.

        Raises:
            TableError: an image is there twice.
        """
        streams = [
            self._read(number, part, in_memory=all_sorted or bool(part.manifest.resumed))
            for number, part in enumerate(self._parts)
        ]
        while len(streams) > _MOST_OPEN:
            groups = range(0, len(streams), _MOST_OPEN)
            streams = [
                self._spilled(heapq.merge(*streams[start : start + _MOST_OPEN])) for start in groups
            ]
        former, rows = None, 0
        for image in heapq.merge(*streams):
            if former is not None and former.place == image.place:
                raise TableError(self._said_double(former.part, image.part, image.path))
            former, rows = image, rows + image.rows
            self._table.check_size(rows)
            self._counts[image.part] += 1
            self._images["failed" if image.failed else "tagged"] += 1
            yield image

    def _read(self, number: int, part: Part, *, in_memory: bool) -> Iterator[_Image]:
        """Yield the images of a part, sorted; ``in_memory``: whether they may be out of order.

        Raises:
            _OutOfOrderError: they are, and may not be.
        """
        images = self._images_of(number, part)
        if in_memory:
            yield from self._sorted(images)
            return
        former = b""
        for image in images:
            if image.place < former:
                raise _OutOfOrderError
            former = image.place
            yield image

    def _images_of(self, number: int, part: Part) -> Iterator[_Image]:
        known = _known(part)
        for rows in kept_rows(self._table, part.file, unfinished=False):
            if rows.count > 1 and not self._table.a_row_a_tag:
                raise TableError(self._said_double(number, number, rows.path))
            found = known(notes.key_of(rows.path))
            flags, stamp = (0, None) if found is None else found
            flags = notes.FAILED if rows.failed else flags & notes.UNWRITTEN
            yield _Image(
                os.fsencode(unescape(rows.path)),
                number,
                rows.path,
                rows.text,
                rows.count,
                rows.failed,
                flags,
                None if stamp is None else (stamp.size, stamp.modified_ns),
            )

    def _sorted(self, images: Iterator[_Image]) -> Iterator[_Image]:
        """Sort any number of images, of which some thousand are in memory."""
        runs = []
        while piece := [image for image, _ in zip(images, range(_SORTED_TOGETHER), strict=False)]:
            runs.append(self._spilled(iter(sorted(piece))))
        return heapq.merge(*runs)

    def _spilled(self, images: Iterable[_Image]) -> Iterator[_Image]:
        """Put images into a file without a name, from which they are read again."""
        folder = os.path.dirname(os.path.abspath(str(self._plan.paths.table)))
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed with all others)
        self._scratch.callback(file.close)
        for image in images:
            pickle.dump(tuple(image), file, pickle.HIGHEST_PROTOCOL)
        file.seek(0)

        def read() -> Iterator[_Image]:
            while True:
                try:
                    yield _Image(*pickle.load(file))  # noqa: S301 (nobody else has the file)
                except EOFError:
                    return

        return read()

    def _said_double(self, former: int, number: int, path: str) -> str:
        one, other = self._parts[former].name, self._parts[number].name
        where = f"twice in {one}" if former == number else f"in {one} and in {other}"
        return (
            f"{printable(unescape(path))} is {where}: remove one of its rows, or tag that "
            "part again with --overwrite."
        )

    def _check_counts(self) -> None:
        """Raise TableError if a part has other images than its run wrote."""
        for part, count in zip(self._parts, self._counts, strict=True):
            if count < part.images:
                raise TableError(
                    f"{part.name} has {count:,} of the {part.images:,} images of its run: run its "
                    "command again with --resume, which tags those that are missing."
                )


def _known(part: Part) -> Callable[[bytes], tuple[int, Stamp | None] | None]:
    """Return a function: key → flags and stamp of an image, as the part's journal has them.

    A run that was not resumed noted its images in the order of its rows: of these, none is held.
    """
    file, run = RunPaths.of_table(part.file, as_text=True).journal, part.manifest.run
    entries = iter(()) if part.manifest.resumed else in_order(file, run)
    done: Done | None = None

    def find(key: bytes) -> tuple[int, Stamp | None] | None:
        nonlocal done
        if done is None:
            entry = next(entries, None)
            if entry is not None and entry[0] == key:
                return entry[1:]
            done = Done(read_journal(file, run))
        image = done.find(key)
        return None if image is None else (image.flags, image.stamp)

    return find
