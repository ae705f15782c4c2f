"""Archives as folders: which members they have, and where each lies.

``films.zip/poster.jpg`` is a member; no file system has such a path, so plain files are looked for
first and pay nothing. An archive is read once for its members, of each of which 17 bytes are kept.
"""

from __future__ import annotations

import os
import struct
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from tagger.errors import ImageError
from tagger.stores.item import Item, Look
from tagger.stores.member import DamagedError, Member
from tagger.stores.paths import TAR
from tagger.stores.tar_archive import Tar
from tagger.stores.zip_archive import Zip

#: Archives whose members are remembered; paths come about sorted.
_MOST_KEPT: Final = 8

_FINE, _DOUBLE, _OVERLAPS = range(3)
_WHY: Final = {
    _DOUBLE: "its archive has several files of this name",
    _OVERLAPS: "it overlaps another file of its archive, as in a zip bomb",
}

_ENTRY: Final = np.dtype([("name", "<i8"), ("at", "<i8"), ("state", "u1")])


_PACKED: Final = struct.Struct("<qqB")
_REACH: Final = struct.Struct("<qq")
_NOWHERE: Final = (2**63 - 1, 2**63 - 1)


@dataclass(frozen=True)
class _Index:
    """Where the members of an archive are described, by the hashes of their paths, sorted.

    Attributes:
        damage: why there may be more than these; None if there are not.
    """

    entries: npt.NDArray[np.void]
    damage: str | None

    def find(self, path: str) -> tuple[int, int] | None:
        """Return where a member is described, and its state; None if there is none."""
        names = self.entries["name"]
        place = int(np.searchsorted(names, np.int64(hash(path))))
        if place == len(names) or names[place] != hash(path):
            return None
        return int(self.entries["at"][place]), int(self.entries["state"][place])


_lock = threading.Lock()
_indexes: OrderedDict[tuple[Any, ...], _Index] = OrderedDict()


def members(archive: str) -> tuple[list[str], str | None]:
    """Return the paths of the files in an archive, each once, in no order.

    Returns:
        With them, why there may be more; None if there are not.

    Raises:
        OSError: it cannot be read.
    """
    names: list[str] = []
    with open(archive, "rb") as file:
        index = _indexed(archive, file, names)
    return list(dict.fromkeys(names)), index.damage


def member(archive: str, path: str) -> Item | None:
    """Return a member of an archive by its path below it; None if there is no such member.

    Raises:
        ImageError: the archive is damaged where the member might be.
        OSError: it cannot be read.
    """
    with open(archive, "rb") as file:
        key = _key(archive, file)
        index = _kept(key) or _indexed(archive, file)
        found = index.find(path)
        if found is None:
            if index.damage is not None:
                raise ImageError(index.damage)
            return None
        at, state = found
        one = _member_at(archive, file, at)

    def load(look: Look) -> bytes:
        with open(archive, "rb") as file:
            if _key(archive, file) != key:
                raise ImageError("its archive was changed while it was read")
            return _reader(archive, file).load(one, look)

    moment = one.seconds * 10**9 + one.checksum % 10**9
    return Item(one.size, moment, load, _WHY.get(state) or one.refused)


def _member_at(archive: str, file: BinaryIO, at: int) -> Member:
    try:
        return _reader(archive, file).member(at)
    except DamagedError as error:  # it has just been changed
        raise ImageError(str(error)) from None


def _reader(archive: str, file: BinaryIO) -> Zip | Tar:
    size = os.fstat(file.fileno()).st_size
    return Tar(file, size) if archive.lower().endswith(TAR) else Zip(file, size)


def _key(archive: str, file: BinaryIO) -> tuple[Any, ...]:
    status = os.fstat(file.fileno())
    return os.path.abspath(archive), status.st_size, status.st_mtime_ns, status.st_ino


def _kept(key: tuple[Any, ...]) -> _Index | None:
    with _lock:
        if key in _indexes:
            _indexes.move_to_end(key)
        return _indexes.get(key)


def _indexed(archive: str, file: BinaryIO, names: list[str] | None = None) -> _Index:
    """Read all of an archive's directory, and remember it; the paths are added to ``names``."""
    rows, reaches, damage = bytearray(), bytearray(), None
    try:
        for one in _reader(archive, file).members():
            rows += _PACKED.pack(hash(one.path), one.at, _FINE)
            # What is refused already overlaps nothing.
            reaches += _REACH.pack(*((one.start, one.end) if one.refused is None else _NOWHERE))
            if names is not None:
                names.append(one.path)
    except DamagedError as error:
        damage = str(error)
    entries = np.frombuffer(rows, _ENTRY)
    entries["state"][_overlapping(np.frombuffer(reaches, "<i8").reshape(-1, 2))] = _OVERLAPS
    entries = entries[np.argsort(entries["name"], kind="stable")]
    same = np.flatnonzero(entries["name"][1:] == entries["name"][:-1])
    entries["state"][same] = entries["state"][same + 1] = _DOUBLE
    index = _Index(entries, damage)
    with _lock:
        _indexes[_key(archive, file)] = index
        while len(_indexes) > _MOST_KEPT:
            _indexes.popitem(last=False)
    return index


def _overlapping(reaches: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return which of the ranges from a place to another share a byte with any other."""
    order = np.argsort(reaches[:, 0], kind="stable")
    starts, ends = reaches[order].T
    furthest = np.maximum.accumulate(ends)
    shared = np.zeros(len(order), bool)
    shared[1:] |= starts[1:] < furthest[:-1]
    shared[:-1] |= ends[:-1] > starts[1:]
    found: npt.NDArray[np.int64] = order[shared]
    return found
