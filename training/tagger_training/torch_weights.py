"""Read the tensors of a PyTorch weights file without PyTorch, and without running code in it.

A ``.pth`` file of the older format is a sequence of pickles (magic number, protocol version, system
info, the table of tensors, the keys of the storages), followed by the raw storages, each preceded
by its length. Source of the format: ``torch/serialization.py``, ``_legacy_load``.
"""

from __future__ import annotations

import math
import pickle
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from tagger.errors import DataError

_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_STORAGE_TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


@dataclass
class _Storage:
    """A flat array that tensors are views of; filled after the table is read."""

    dtype: np.dtype[Any]
    length: int
    data: npt.NDArray[Any] | None = None


@dataclass
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> npt.NDArray[Any]:
        """Return the tensor's values by its strides: not every tensor is stored contiguously."""
        data = self.storage.data
        if data is None:
            raise ValueError("a tensor has no storage")
        item = self.storage.dtype.itemsize
        last = self.offset + sum(
            (size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True)
        )
        if self.offset < 0 or min(self.strides, default=0) < 0 or last >= len(data):
            raise ValueError("a tensor reaches outside its storage")
        if math.prod(self.shape) > len(data):  # strides of zero can repeat numbers without limit
            raise ValueError("a tensor is larger than its storage")
        view = np.lib.stride_tricks.as_strided(
            data[self.offset :], self.shape, [stride * item for stride in self.strides]
        )
        return view.copy()


def read_torch_weights(file: Path) -> dict[str, npt.NDArray[Any]]:
    """Read a state dict.

    Args:
        file: a ``.pth`` file of the older (not zipped) format.

    Returns:
        Tensor name → array, with the tensor's shape.

    Raises:
        DataError: the file is missing, has another format, or contains anything but tensors.
    """
    try:
        with file.open("rb") as stream:
            return _read(stream)
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}.") from None
    except Exception as error:  # a damaged pickle may raise anything
        reason = str(error).rstrip(".")
        raise DataError(f"{file} cannot be read as a file of PyTorch weights: {reason}.") from None


def _read(stream: BinaryIO) -> dict[str, npt.NDArray[Any]]:
    if stream.read(2) == b"PK":
        raise ValueError("it has the newer, zipped format")
    stream.seek(0)
    if _Reader(stream).load() != _MAGIC_NUMBER:
        raise ValueError("another format")
    _Reader(stream).load()  # protocol version
    _Reader(stream).load()  # byte order and sizes of the machine that wrote it
    table = _Reader(stream)
    tensors = table.load()
    for key in _Reader(stream).load():
        storage = table.storages.get(key)
        if storage is None:
            raise ValueError("it contains a storage that no tensor uses")
        if int.from_bytes(_exactly(stream, 8), "little") != storage.length:
            raise ValueError("the length of a storage differs from the table")
        size = storage.length * storage.dtype.itemsize
        storage.data = np.frombuffer(_exactly(stream, size), storage.dtype)
    return {name: tensor.array() for name, tensor in tensors.items()}


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise ValueError("it ends in the middle of a storage")
    return data


class _Reader(pickle.Unpickler):
    """An unpickler that builds tensors and nothing else."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in _STORAGE_TYPES:
            return _STORAGE_TYPES[name]
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is not a tensor")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _location, length = pid[:5]
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise pickle.UnpicklingError("it refers to something that is not a storage")
        return self.storages.setdefault(key, _Storage(dtype, int(length)))


def _rebuild_tensor(storage: _Storage, offset: int, shape: Any, strides: Any, *_: Any) -> _Tensor:
    return _Tensor(storage, int(offset), tuple(shape), tuple(strides))
