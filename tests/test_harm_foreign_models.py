"""Prevents that a model file as people have them does not run, and nothing says why.

A file with a fixed batch runs with that batch; a sentence keeps the runtime's reason.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from commands import Ran, run_tagger
from pictures import save_picture
from tiny_model import CARD, SIDE, write_graph, write_model

from tagger.errors import ModelError
from tagger.network.model import TaggerModel, read_card
from tagger.network.ort import Inputs, said

DEVICES = ("cpu", "openvino")


def changed(file: Path, change: Callable[[onnx.ModelProto], None]) -> Path:
    """Change a model file, and return it."""
    model = onnx.load(file)
    change(model)
    file.write_bytes(model.SerializeToString())
    return file


def with_batch(file: Path, size: int) -> Path:
    """Write a model for batches of that size only."""

    def fix(model: onnx.ModelProto) -> None:
        for end in (*model.graph.input, *model.graph.output):
            end.type.tensor_type.shape.dim[0].dim_value = size

    return changed(write_model(file), fix)


def colours(count: int) -> np.ndarray:
    """Return images, each of a grey of its own."""
    images = np.zeros((count, SIDE, SIDE, 3), dtype=np.uint8)
    images += np.arange(10, 10 + count, dtype=np.uint8)[:, None, None, None]
    return images


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("size", [1, 8, 100])
@pytest.mark.parametrize("asked", [None, 1, 4, 100])
def test_a_fixed_batch_is_run_as_it_is(
    tmp_path: Path, device: str, size: int, asked: int | None
) -> None:
    model = TaggerModel(with_batch(tmp_path / "m.onnx", size), device, batch_size=asked)
    free = TaggerModel(write_model(tmp_path / "free.onnx"), "cpu")

    assert model.batch_size == size
    for count in (1, size, size + 3):
        expected = free.scores(colours(count))
        np.testing.assert_allclose(model.scores(colours(count)), expected, atol=1e-6)


@pytest.mark.parametrize("size", [1, 8])
def test_a_folder_is_tagged_with_a_fixed_batch_as_with_a_free_one(
    folder: Path, tagger: Callable[..., Ran], tiny_model: Path, size: int
) -> None:
    for number in range(11):
        save_picture(folder / f"p/{number}.png", (20 * number, 255 - 20 * number, 9))
    file = with_batch(folder / "m.onnx", size)

    fixed, free = (
        tagger("tag", "p", "-o", "-", "--model", model, "--device", "cpu")
        for model in (file, tiny_model)
    )

    assert (fixed.code, fixed.stdout) == (0, free.stdout)


def test_a_fixed_batch_beyond_memory_is_refused(tmp_path: Path) -> None:
    file = with_batch(tmp_path / "m.onnx", 10**9)

    with pytest.raises(ModelError) as refused:
        TaggerModel(file, "cpu")
    assert str(refused.value) == (
        f"{file} prescribes batches of 1,000,000,000 images, above the limit of 4,096."
    )


def test_a_batch_that_a_gpu_cannot_hold_is_not_halved_where_it_is_fixed(tmp_path: Path) -> None:
    model = TaggerModel(with_batch(tmp_path / "m.onnx", 8), "cpu")
    model.runs_on_cpu = False

    tried = []

    class NoMemory:
        def run(self, inputs: Inputs) -> np.ndarray:
            tried.append(len(inputs["images"]))
            raise RuntimeError("CUDA error: out of memory")

    model._sessions = [NoMemory()]

    with pytest.raises(ModelError) as ended:
        model.scores(colours(8))
    assert str(ended.value) == f"{model.file} failed while running: CUDA error: out of memory."
    assert tried == [8]


def test_scores_of_another_shape_are_never_taken_for_other_images(tmp_path: Path) -> None:
    nodes = [
        onnx.helper.make_node("Cast", ["images"], ["samples"], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("ReduceMean", ["samples", "sides"], ["means"], keepdims=0),
        onnx.helper.make_node("Div", ["means", "divisor"], ["colours"]),
        onnx.helper.make_node("Concat", ["colours", "grey"], ["scores"], axis=1),
    ]
    constants = {
        "sides": np.array([0, 1, 2]),  # over all images of the batch
        "divisor": np.array([[255]], dtype=np.float32),
        "grey": np.array([[0]], dtype=np.float32),
    }
    file = write_graph(tmp_path / "m.onnx", nodes, constants, CARD)

    with pytest.raises(ModelError) as refused:
        TaggerModel(file, "cpu", batch_size=2).scores(colours(2))
    assert str(refused.value) == f"{file} returns scores of shape (1, 4), not (2, 4)."


# The runtime's reason

PLACE = (
    "/src/core/model.cc:256 ns::Model::Model(ns::Proto&&, const std::function<void (int)>&) const"
)


def refusal(file: Path, device: str = "cpu") -> str:
    """Return why a model file is refused, from the colon on."""
    with pytest.raises(ModelError) as refused:
        TaggerModel(file, device)
    start = f"{file} cannot be opened as a model: "
    assert str(refused.value).startswith(start)
    return str(refused.value).removeprefix(start)


def set_ir_version(model: onnx.ModelProto) -> None:
    model.ir_version = 99


def set_opset(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 99


def set_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "Teleport"


def drop_weights(model: onnx.ModelProto) -> None:
    del model.graph.initializer[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (set_ir_version, ("IR version: 99", "max supported IR version: ")),
        (set_opset, ("Opset 99 is under development. ", "is till opset ")),
        (set_operator, ("Teleport",)),
        (drop_weights, ("sides",)),
    ],
)
@pytest.mark.parametrize("device", DEVICES)
def test_a_file_that_the_runtime_refuses_is_refused_with_its_reason(
    tmp_path: Path, change: Callable[[onnx.ModelProto], None], words: tuple[str, ...], device: str
) -> None:
    why = refusal(changed(write_model(tmp_path / "m.onnx"), change), device)

    assert all(word in why for word in words), why
    assert why.endswith(".")
    assert not why.endswith("..")
    for surplus in ("onnxruntime::", ".cc:", "[ONNXRuntimeError]", "std::", "\n", "Load model"):
        assert surplus not in why


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (f"[ONNXRuntimeError] : 1 : FAIL : Load model from /a b/m.onnx failed:{PLACE} Too new: 9.",
         "Too new: 9"),
        ("[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Got invalid dimensions\n index: 0 Got: 4\n",
         "Got invalid dimensions index: 0 Got: 4"),
        ("", "RuntimeError"),
        ("begin " + "x" * 1000 + " end.", "begin " + "x" * 114 + " … " + "x" * 175 + " end"),
    ],
)  # fmt: skip
def test_a_reason_is_one_line_without_places_in_the_source(message: str, reason: str) -> None:
    assert said(RuntimeError(message)) == reason


def test_weights_in_another_file_are_named(tmp_path: Path) -> None:
    file = write_model(tmp_path / "m.onnx")
    onnx.save(
        onnx.load(file), file, save_as_external_data=True, location="m.data", size_threshold=0
    )

    assert refusal(file) == (
        "it keeps weights in another file, but a model must be a single file: save it with its "
        "weights inside."
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
         "it is a Git LFS pointer, not the file itself (git lfs pull fetches it)."),
        (b"<!doctype html><html>Sign in</html>", "it is a web page (HTML), not a model."),
        (b"PK\3\4" + bytes(60), "it is a ZIP archive, not a model."),
        (b"\xff\xd8\xff\xe0" + bytes(60), "it is a JPEG image, not a model."),
        (b"\x89HDF\r\n\x1a\n" + bytes(60), "it is damaged, or not an ONNX file."),
        (b"", "it is empty."),
    ],
)  # fmt: skip
def test_a_file_that_is_no_model_is_named_for_what_it_is(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    (tmp_path / "m.onnx").write_bytes(content)

    assert refusal(tmp_path / "m.onnx") == reason


@pytest.mark.parametrize("name", ["mödel – 模型.onnx".encode(), b"caf\xe9.onnx", b"noending"])
@pytest.mark.parametrize("device", DEVICES)
def test_a_model_opens_however_its_name_is_encoded(
    tmp_path: Path, name: bytes, device: str
) -> None:
    file = tmp_path / os.fsdecode(name)
    write_model(tmp_path / "m.onnx").rename(file)

    assert TaggerModel(file, device).card == read_card(file)


def test_the_command_keeps_the_reason(folder: Path) -> None:
    save_picture(folder / "a.png")
    changed(write_model(folder / "m.onnx"), set_ir_version)

    ran = run_tagger("tag", "a.png", "--model", "m.onnx", "--device", "cpu", cwd=folder)

    assert ran.code == 3
    assert ran.stderr.startswith(
        "tagger: m.onnx cannot be opened as a model: Unsupported model IR version: 99, max "
    )
    assert ran.stderr.count("\n") == 1
