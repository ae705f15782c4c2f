"""TensorRT inside ONNX Runtime: its libraries from a pip package, its options, its engines.

Written after NVIDIA's and ONNX Runtime's documentation; :file:`tests/test_gpu.py` tries it where
there is a GPU.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

# ONNX Runtime is linked with this major version, and finds what is loaded already.
_LIBRARIES = (
    ("nvinfer_10.dll", "nvonnxparser_10.dll")
    if sys.platform == "win32"
    else ("libnvinfer.so.10", "libnvonnxparser.so.10")
)

# These work on the words. In float16 arithmetic, which TensorRT may choose for any layer that it
# gets, the sum of a long text's weights would overflow: up to 65,024 of 65,504. They stay with
# CUDA, in the precision that the file gives them; they take next to no time, and the picture's part
# has none of them.
_LEFT_TO_CUDA = (
    "Div,Gather,Greater,Max,Min,Or,ReduceSum,Slice,Sqrt,Sub,Sum,Unsqueeze,Where"
)  # fmt: skip


def tensorrt_problem() -> str | None:
    """Load TensorRT's libraries; return in one sentence why that fails, or None."""
    for name in _LIBRARIES:
        try:
            _library(name)
        except OSError:
            return f"TensorRT libraries are missing ({name}): pip install 'poster-tagger[tensorrt]'"
    return None


def provider_options(file: Path, index: int, memory: int | None) -> dict[str, Any]:
    """Return the options of ONNX Runtime's provider for a model on a GPU.

    Args:
        file: the model; building its engine takes minutes, and the engine is kept.
        index: which GPU.
        memory: bytes that it may use; None sets no limit.
    """
    cache = _engine_folder(file)
    cache.mkdir(parents=True, exist_ok=True)
    options: dict[str, Any] = {
        "device_id": index,
        "trt_fp16_enable": True,
        "trt_op_types_to_exclude": _LEFT_TO_CUDA,
        "trt_engine_cache_enable": True,
        "trt_engine_cache_path": os.fspath(cache),
        "trt_timing_cache_enable": True,
        "trt_timing_cache_path": os.fspath(cache),
    }
    if memory is not None:
        options["trt_max_workspace_size"] = memory
    return options


def _folder() -> Path | None:
    """Return the folder of the pip package's libraries; None leaves the search to the system."""
    try:
        package = import_module("tensorrt_libs")  # itself loads what engines are built with
    except (ImportError, OSError):
        return None
    return Path(package.__path__[0])


def _engine_folder(file: Path) -> Path:
    """Return the folder of a model's engines.

    ONNX Runtime names an engine after the model's file name and its nodes, not after its weights:
    a network that was trained again would run as it was before. Nor can one version of TensorRT
    read another's engines.
    """
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()[:16]
    return user_cache_path("poster-tagger") / "tensorrt" / f"{digest}-{_version()}"


def _version() -> int:
    """Return the number of TensorRT's version, such as 101303; 0 if it is not loaded."""
    try:
        return int(_library(_LIBRARIES[0]).getInferLibVersion())
    except (AttributeError, OSError):
        return 0


def _library(name: str) -> ctypes.CDLL:
    folder = _folder()
    return ctypes.CDLL(name if folder is None else os.fspath(folder / name))
