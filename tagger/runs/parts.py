"""The tables that are to be joined: each of a finished run, none missing, none double."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tagger.errors import UsageError
from tagger.find.shard import Shard
from tagger.runs.former import completed
from tagger.runs.manifest import SHARD, Manifest
from tagger.runs.paths import RunPaths
from tagger.table.formats import LayoutName
from tagger.table.open import open_rows
from tagger.text import counted, escape, printable, unescape

#: Options by which the tables of one input may differ: the output has its own.
_OF_THE_OUTPUT = frozenset({SHARD, "--format", "--excel", "--no-thumbnails"})
#: Folders, which may be mounted elsewhere on other machines.
_PLACES = frozenset({"--relative-to", "--sidecar-dir"})

_FIXED = frozenset({"path", "tags", "tag", "score", "error"})
_MOST_SAID = 3


@dataclass(frozen=True)
class Part:
    """A table, and what its run has noted of it."""

    file: str
    manifest: Manifest

    @property
    def name(self) -> str:
        """Its name, for messages."""
        return printable(self.file)

    @property
    def shard(self) -> Shard | None:
        """The part of an input that it is, if it is one."""
        return None if self.manifest.shard is None else Shard.parsed(self.manifest.shard)

    @property
    def images(self) -> int:
        """How many images its run wrote."""
        return sum((self.manifest.images or {}).values())

    @property
    def input(self) -> dict[str, int]:
        """How many images all shards have together, and this one."""
        return dict(self.manifest.input or {})

    @property
    def layout(self) -> LayoutName:
        """Its layout."""
        return LayoutName(str(self.manifest.options.get("--layout", LayoutName.WIDE)))

    @property
    def columns(self) -> tuple[str, ...]:
        """Its extra columns."""
        columns = self.manifest.options.get("--columns")
        return tuple(columns) if isinstance(columns, list) else ()

    @functools.cached_property
    def header(self) -> tuple[str, ...]:
        """Its columns; none where a format without a header has no rows."""
        with open_rows(self.file) as rows:
            return rows.header

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels whose probabilities it has, in their order."""
        if self.layout is not LayoutName.WIDE:
            return ()
        others = _FIXED.union(self.columns)
        return tuple(name for name in self.header if name not in others)

    def first_path(self) -> str | None:
        """Return its first path; None if it has no rows."""
        with open_rows(self.file) as rows:
            place = rows.header.index("path") if "path" in rows.header else 0
            return next((printable(unescape(str(cells[place]))) for _, cells in rows), None)

    def working_folder(self, table: str) -> str | None:
        """Return where its relative paths lead from, as seen from the folder of another table."""
        if self.manifest.folder is None:
            return None
        own = os.path.dirname(os.path.abspath(self.file))
        folder = os.path.join(own, unescape(self.manifest.folder))
        try:
            return escape(os.path.relpath(folder, os.path.dirname(os.path.abspath(table))))
        except ValueError:  # on different drives
            return escape(os.path.abspath(folder))


def check_parts(files: Sequence[str], output: str) -> list[Part]:
    """Return tables that can be joined; one that has rows comes first.

    Raises:
        UsageError: a table is not finished, missing or double, is the output, or was made otherwise
            than the others.
        TableError: a table is damaged.
    """
    parts = [_read(file) for file in files]
    _refuse_same_file(parts, output)
    _check_shards(parts)
    parts.sort(key=lambda part: not (part.images and part.header))
    for part in parts[1:]:
        _check_made_alike(parts[0], part)
    return parts


def _read(file: str) -> Part:
    name, paths = printable(file), RunPaths.of_table(file, as_text=True)
    try:
        manifest = completed(paths, Manifest.read(paths.manifest))
        is_there = os.path.isfile(file)
    except OSError:
        manifest, is_there = None, os.path.exists(file)
    if manifest is not None and (not manifest.ended or _lacks_counts(manifest)):
        resume = f"--shard {manifest.shard} --resume" if manifest.shard else "--resume"
        raise UsageError(
            f"{name} is not finished: its run was interrupted; run its command again with {resume}."
        )
    if not is_there:
        raise UsageError(f"No such file: '{name}'.")
    if manifest is None:
        raise UsageError(
            f"{printable(paths.manifest)}, which records how {name} was made, is missing: copy it "
            "here, too."
        )
    return Part(file, manifest)


def _lacks_counts(manifest: Manifest) -> bool:
    """Return whether a shard was killed before it could note how many images there are."""
    return manifest.shard is not None and manifest.input is None


def _refuse_same_file(parts: Sequence[Part], output: str) -> None:
    real: dict[str, Part] = {}
    for part in parts:
        if (other := real.setdefault(os.path.realpath(part.file), part)) is not part:
            same = part.name if part.name == other.name else f"{other.name} and {part.name}"
            raise UsageError(f"{same} is passed twice: pass each table once.")
    if os.path.realpath(output) in real:
        raise UsageError(
            f"-o {printable(output)} is one of the tables to be joined: choose another name.",
            "output",
        )


def _check_shards(parts: Sequence[Part]) -> None:
    shards = [part for part in parts if part.shard is not None]
    if not shards:
        return
    first, other = shards[0], next((part for part in parts if part.shard is None), None)
    if other is not None:
        raise UsageError(
            f"{first.name} is shard {first.shard} of an input, and {other.name} is not a shard: "
            "join them in two steps."
        )
    seen: dict[int, Part] = {}
    for part in shards:
        assert first.shard is not None
        assert part.shard is not None
        if part.shard.count != first.shard.count:
            raise UsageError(
                f"{first.name} is shard {first.shard} and {part.name} is shard {part.shard}: join "
                "shards of the same number."
            )
        if (same := seen.setdefault(part.shard.number, part)) is not part:
            path = part.first_path()
            has = "" if path is None else f", with {path}"
            raise UsageError(
                f"{same.name} and {part.name} are both shard {part.shard}{has}: pass one of them."
            )
    assert first.shard is not None
    missing = [n for n in range(1, first.shard.count + 1) if n not in seen]
    if missing:
        raise UsageError(_said_missing(missing, first, first.shard.count))
    _check_input(shards)


def _check_input(shards: Sequence[Part]) -> None:
    first = shards[0]
    for part in shards[1:]:
        if part.input["images"] != first.input["images"]:
            raise UsageError(
                f"{first.name} is of an input of {counted(first.input['images'], 'image')} and "
                f"{part.name} of one of {part.input['images']:,}: images came or went in between, "
                "or the commands named others; run them again with --resume."
            )
    found = sum(part.input["shard"] for part in shards)
    if found != first.input["images"]:
        raise UsageError(
            f"The shards found {found:,} of the {counted(first.input['images'], 'image')} of their "
            "input: all commands must name the same folders or lists, so that they split alike; "
            "run them again with --overwrite."
        )


def _said_missing(missing: Sequence[int], first: Part, count: int) -> str:
    """Say which shards are missing, and where the first of them is if its notes lie here."""
    names = ", ".join(f"{number}/{count}" for number in missing[:_MOST_SAID])
    if more := len(missing) - _MOST_SAID if len(missing) > _MOST_SAID else 0:
        names += f" and {more:,} more"
    said = f"Shard {names} is missing" if len(missing) == 1 else f"Shards {names} are missing"
    wanted = f"{missing[0]}/{count}"
    for notes in sorted(Path(os.path.dirname(first.file) or os.curdir).glob("*.run.json")):
        file = os.fspath(notes).removesuffix(".run.json")
        try:
            manifest = Manifest.read(os.fspath(notes))
        except UsageError:
            continue
        if manifest is not None and manifest.shard == wanted:
            if manifest.ended:
                return f"{said}: pass {printable(file)}, too."
            return (
                f"{said}: the run of {printable(file)} was interrupted; run its command again with "
                f"--shard {wanted} --resume, and pass its table, too."
            )
    return f"{said}: pass the table of each, or tag it with --shard {wanted}."


def _check_made_alike(first: Part, part: Part) -> None:
    difference = _compared(first.manifest).difference(_compared(part.manifest))
    if difference is not None:
        there, here = difference
        raise UsageError(
            f"{part.name} was made with {there} and {first.name} with {here}: tables are only "
            "joined if model and options are the same."
        )
    if part.header and sorted(part.header) != sorted(first.header):
        odd = sorted(set(part.header).symmetric_difference(first.header))
        raise UsageError(
            f"The columns of {part.name} differ from those of {first.name} "
            f"({', '.join(map(printable, odd))})."
        )


def _compared(manifest: Manifest) -> Manifest:
    options = {
        name: value is not None if name in _PLACES else value
        for name, value in manifest.options.items()
        if name not in _OF_THE_OUTPUT
    }
    return dataclasses.replace(manifest, options=options, defaults={})
