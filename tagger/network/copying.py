"""Batches on their way to a GPU."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from functools import cache
from typing import Any

import numpy.typing as npt


def copied_to_gpu(values: npt.NDArray[Any], target: Any, index: int) -> bool:
    """Copy an array to an OrtValue on a GPU; return whether that was possible.

    ``OrtValue.update_inplace`` does the same, but holds the interpreter's lock meanwhile (seen in
    its source): 40 µs an image in which no other thread of this process can do anything.

    Args:
        values: contiguous.
        target: as large.
        index: which GPU.
    """
    cuda = _cuda_runtime()
    if cuda is None:
        return False
    target_at, values_at = ctypes.c_void_p(target.data_ptr()), ctypes.c_void_p(values.ctypes.data)
    size, to_device = ctypes.c_size_t(values.nbytes), ctypes.c_int(1)
    # The copy of pageable memory may go on after its call has returned; the network runs in
    # another stream, which does not wait for it.
    return bool(
        cuda.cudaSetDevice(ctypes.c_int(index)) == 0
        and cuda.cudaMemcpy(target_at, values_at, size, to_device) == 0
        and cuda.cudaStreamSynchronize(ctypes.c_void_p(None)) == 0
    )


@cache
def _cuda_runtime() -> Any:
    """Return the CUDA runtime that ONNX Runtime has loaded; None if it is not found."""
    if sys.platform != "linux":
        return None
    for major in (13, 12):
        with contextlib.suppress(OSError):
            return ctypes.CDLL(f"libcudart.so.{major}", mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    return None
