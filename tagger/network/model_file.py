"""Checks what an ``.onnx`` file asks of a runtime, before one opens it.

A model may come from anywhere. It must be a single file that contains only a network: no tensor in
another file, no operator but ONNX's own, nothing that might never end. ONNX Runtime 1.31 checks
some of this, earlier versions do not, and OpenVINO checks even less.

Sources: the protobuf wire format (protobuf.dev/programming-guides/encoding) and ``onnx.proto``.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from tagger.files.kinds import HEAD_BYTES, not_a_model

#: The maximum size of an ONNX file: protobuf counts in 31 bits.
MOST_BYTES = 2**31 - 1

# A network of a thousand layers has about 50,000 parts; counting this many takes a second.
_MOST_FIELDS = 2_000_000

_OWN_DOMAINS = (b"", b"ai.onnx")
_TENSOR_DATA, _TENSOR_PLACE = 13, 14  # TensorProto.external_data, .data_location
_NODE_OPERATOR, _NODE_DOMAIN = 4, 7
_MODEL_FUNCTIONS = 25
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5


class UnsafeModelError(Exception):
    """A model file is not opened; the message gives the reason, for the end of a sentence."""


class _DamagedError(Exception):
    """A file is not ONNX, or cannot be read in one way only."""


# The messages of ``onnx.proto`` that are checked.
_Message = Enum("_Message", "MODEL TRAINING GRAPH NODE ATTRIBUTE SPARSE_TENSOR TENSOR")

# Message → field number → the message it contains. A test compares it with onnx itself.
_INSIDE = {
    _Message.MODEL: {7: _Message.GRAPH, 20: _Message.TRAINING},
    _Message.TRAINING: {1: _Message.GRAPH, 2: _Message.GRAPH},
    _Message.GRAPH: {1: _Message.NODE, 5: _Message.TENSOR, 15: _Message.SPARSE_TENSOR},
    _Message.NODE: {5: _Message.ATTRIBUTE},
    _Message.ATTRIBUTE: {
        5: _Message.TENSOR,
        6: _Message.GRAPH,
        10: _Message.TENSOR,
        11: _Message.GRAPH,
        22: _Message.SPARSE_TENSOR,
        23: _Message.SPARSE_TENSOR,
    },
    _Message.SPARSE_TENSOR: {1: _Message.TENSOR, 2: _Message.TENSOR},
    _Message.TENSOR: {},
}


def check_model_file(file: Path) -> None:
    """Reject a model file that asks for more than running a network.

    Shapes and sizes are not checked: the runtime does that.

    Raises:
        UnsafeModelError: it refers to other files, has operators or functions of others, has a
            loop, or cannot be checked.
        OSError: it cannot be read.
    """
    size = os.path.getsize(file)
    if size > MOST_BYTES:
        raise UnsafeModelError("it is larger than 2 GB, the maximum of ONNX files")
    if size == 0:
        raise UnsafeModelError("it is empty")
    try:
        _check_parts(file)
    except _DamagedError:
        with open(file, "rb") as stream:
            kind = not_a_model(stream.read(HEAD_BYTES))
        raise UnsafeModelError(f"it is {kind or 'damaged, or not an ONNX file'}") from None


def _check_parts(file: Path) -> None:
    with open(file, "rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        left, seen = [(_Message.MODEL, 0, len(data))], 0
        while left:
            message, at, stop = left.pop()
            inside = _INSIDE[message]
            for number, start, end in _fields(data, at, stop):
                seen += 1
                if seen > _MOST_FIELDS:
                    raise UnsafeModelError("it has more parts than any network")
                if number in inside:
                    left.append((inside[number], start, end))
                else:
                    _refuse(message, number, data, start, end)


def _refuse(message: _Message, number: int, data: mmap.mmap, start: int, end: int) -> None:
    if message is _Message.TENSOR and number in (_TENSOR_DATA, _TENSOR_PLACE):
        if number == _TENSOR_DATA or data[start] != 0:
            raise UnsafeModelError(
                "it keeps weights in another file, but a model must be a single file: save it with "
                "its weights inside"
            )
    elif message is _Message.NODE and number == _NODE_OPERATOR:
        if data[start:end] == b"Loop":
            raise UnsafeModelError("it has a loop, which might never end")
    elif message is _Message.NODE and number == _NODE_DOMAIN:
        if (domain := data[start:end]) not in _OWN_DOMAINS:
            name = domain[:80].decode("ascii", "backslashreplace")
            raise UnsafeModelError(f"it has operators of {name!r}, which are not ONNX's own")
    elif message is _Message.MODEL and number == _MODEL_FUNCTIONS:
        raise UnsafeModelError("it has functions of its own next to its graph")


def _fields(data: mmap.mmap, at: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """Yield the fields of a message: number, where the value starts, where it ends."""
    while at < stop:
        key, start = _varint(data, at, stop)
        kind = key & 7
        # Beyond 32 bits, protobuf would see another field; 0 is not a valid number.
        if not 8 <= key < 1 << 32:
            raise _DamagedError
        if kind == _BYTES:
            size, start = _varint(data, start, stop)
            at = start + size
        elif kind == _VARINT:
            _, at = _varint(data, start, stop)
        elif kind in (_FOUR_BYTES, _EIGHT_BYTES):
            at = start + (4 if kind == _FOUR_BYTES else 8)
        else:
            raise _DamagedError
        if at > stop:
            raise _DamagedError
        yield key >> 3, start, at


def _varint(data: mmap.mmap, at: int, stop: int) -> tuple[int, int]:
    """Return a number of up to ten bytes, and where it ends."""
    value = shift = 0
    while at < stop and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
    raise _DamagedError
