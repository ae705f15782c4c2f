"""TensorRT without having it: what is missing, which engines are used, what it does not get."""

from __future__ import annotations

import _ctypes
import shutil
import sys
from pathlib import Path

import onnx
import pytest
from tiny_model import write_model

from tagger.network.devices import Device
from tagger.network.model import BUNDLED_CUDA_MODEL, BUNDLED_MODEL
from tagger.network.ort import DeviceRefusedError, inference_session
from tagger.network.tensorrt import provider_options, tensorrt_problem

needs_none = pytest.mark.skipif(tensorrt_problem() is None, reason="TensorRT may run here")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@needs_none
def test_missing_libraries_are_named_with_the_way_to_get_them(tiny_model: Path) -> None:
    with pytest.raises(DeviceRefusedError) as refused:
        inference_session(tiny_model, Device("tensorrt"))

    assert str(refused.value).startswith("TensorRT libraries are missing (")
    assert str(refused.value).endswith("): pip install 'poster-tagger[tensorrt]'")


@pytest.mark.skipif(sys.platform != "linux", reason="names of libraries")
def test_libraries_of_the_pip_package_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "tensorrt_libs"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tensorrt_libs", raising=False)

    shutil.copy(_ctypes.__file__, package / "libnvinfer.so.10")
    assert "(libnvonnxparser.so.10)" in str(tensorrt_problem())
    shutil.copy(_ctypes.__file__, package / "libnvonnxparser.so.10")
    assert tensorrt_problem() is None


def test_each_content_of_a_file_has_its_own_engines(tmp_path: Path) -> None:
    def engines(file: Path) -> str:
        options = provider_options(file, 0, None)
        assert options["trt_timing_cache_path"] == options["trt_engine_cache_path"]
        assert Path(options["trt_engine_cache_path"]).is_dir()
        return str(options["trt_engine_cache_path"])

    file = write_model(tmp_path / "colours.onnx")
    first = engines(file)
    copied = engines(Path(shutil.copy(file, tmp_path / "copy.onnx")))
    write_model(file, divisor=256.0)  # trained again: other weights in the same graph

    assert copied == first
    assert engines(file) != first


def test_memory_and_device_are_passed_on(tiny_model: Path) -> None:
    options = provider_options(tiny_model, 1, 2**30)

    assert (options["device_id"], options["trt_max_workspace_size"]) == (1, 2**30)


@pytest.mark.parametrize("file", [BUNDLED_MODEL, BUNDLED_CUDA_MODEL], ids=["cpu", "cuda"])
def test_words_are_left_to_cuda_and_the_picture_is_not(file: Path) -> None:
    excluded = set(provider_options(file, 0, None)["trt_op_types_to_exclude"].split(","))
    of_words, types_of_words, types_of_picture = {"text", "year"}, set(), set()
    for node in onnx.load(file).graph.node:
        if of_words.isdisjoint(node.input):
            types_of_picture.add(node.op_type)
        else:
            of_words.update(node.output)
            types_of_words.add(node.op_type)

    assert {"Gather", "ReduceSum", "Slice"} <= types_of_words  # the sums, and what begins with them
    # The last ones work on probabilities and logits.
    assert types_of_words - excluded <= {"Add", "Cast", "Mul", "Sigmoid"}
    assert types_of_picture.isdisjoint(excluded)
