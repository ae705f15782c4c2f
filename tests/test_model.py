"""A model file on the real ONNX Runtime: what opens, what is refused, and what it scores."""

from __future__ import annotations

import ctypes
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from main_memory import SessionInMainMemory
from onnx import helper
from tiny_model import CARD, SIDE, changed_card, write_graph, write_model

from tagger.errors import DeviceError, ModelError, UsageError
from tagger.network import copying
from tagger.network import model as model_module
from tagger.network.devices import Device
from tagger.network.model import TaggerModel, read_card
from tagger.network.ort import NO_GPU, Inputs, cuda_problem, onnxruntime


class SmallGpu(SessionInMainMemory):
    """Has memory for three images."""

    def run(self, inputs: Inputs) -> np.ndarray:
        if len(inputs["images"]) > 3:
            raise RuntimeError("[ONNXRuntimeError] : 6 : X : Failed to allocate memory for 9 bytes")
        return super().run(inputs)


def has_cuda_driver() -> bool:
    """Say whether NVIDIA's driver is installed."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def refusal(file: Path) -> str:
    """Return the message with which a model file is refused."""
    with pytest.raises(ModelError) as refused:
        TaggerModel(file, "cpu")
    return str(refused.value)


def noise(count: int) -> np.ndarray:
    """Return random images of the tiny model's size."""
    return np.random.default_rng(7).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


def write_convolutions(file: Path) -> Path:
    """Write a network with the operators that real ones have; its weights are random."""
    random = np.random.default_rng(3)
    weights = {
        "kernels": random.normal(size=(16, 3, 3, 3)).astype(np.float32) / 200,
        "dense": random.normal(size=(16, 4)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["images"], ["samples"], to=1),
        helper.make_node("Transpose", ["samples"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "kernels"], ["features"]),
        helper.make_node("Relu", ["features"], ["active"]),
        helper.make_node("GlobalAveragePool", ["active"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "dense"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["scores"]),
    ]
    return write_graph(file, nodes, weights, CARD)


def test_scores_are_one_row_an_image(tiny_model: Path) -> None:
    images = np.zeros((2, SIDE, SIDE, 3), dtype=np.uint8)
    images[0, ..., 0] = 255
    images[1] = (51, 102, 204)

    scores = TaggerModel(tiny_model, "cpu").scores(images)

    assert scores.dtype == np.float32
    assert scores.tolist() == np.float32([[1, 0, 0, 0], [0.2, 0.4, 0.8, 0.2]]).tolist()


def test_an_image_scores_the_same_at_every_place_of_a_batch(tmp_path: Path) -> None:
    model = TaggerModel(write_convolutions(tmp_path / "m.onnx"), "cpu", batch_size=8)
    images = noise(8)
    alone = [model.scores(image[np.newaxis])[0] for image in images]

    for shift in range(8):
        together = model.scores(np.roll(images, shift, axis=0))
        assert np.array_equal(together, np.roll(alone, shift, axis=0))


@pytest.mark.parametrize("count", [1, 3, 7])
def test_a_short_batch_scores_as_the_full_one_does(tmp_path: Path, count: int) -> None:
    model = TaggerModel(write_convolutions(tmp_path / "m.onnx"), "cpu", batch_size=8)
    images = noise(8)
    full = model.scores(images)

    assert np.array_equal(model.scores(images[:count]), full[:count])


def test_the_card_comes_with_the_model(tiny_model: Path) -> None:
    assert TaggerModel(tiny_model, "cpu").card == CARD
    assert read_card(tiny_model) == CARD


def test_a_model_opens_whatever_its_file_is_called(tmp_path: Path) -> None:
    assert read_card(write_model(tmp_path / 'Où, "l\'été" %s.bin')) == CARD


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "m.onnx") == f"The model file {tmp_path}/m.onnx does not exist."


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == (
        f"{tmp_path} is a folder, not a model file: 'tagger export {tmp_path} -o model.onnx' makes "
        "one from the folder of a training."
    )


def test_a_machine_without_a_gpu_is_nothing_to_speak_of(monkeypatch: pytest.MonkeyPatch) -> None:
    usual, wrong = f"{NO_GPU[0]} (…)", "a library is missing"
    for problem, note in {usual: None, wrong: wrong}.items():
        monkeypatch.setattr(model_module, "cuda_problem", lambda problem=problem: problem)
        assert TaggerModel(None).device_note == note


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff" * 64, "damaged, or not an ONNX file"),
        (b"no model at all\n", "a text file, not a model"),
    ],
)
def test_another_kind_of_file_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "m.onnx"
    file.write_bytes(content)

    assert refusal(file) == f"{file} cannot be opened as a model: it is {reason}."


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").touch()

    assert refusal(tmp_path / "m.onnx") == (
        f"{tmp_path}/m.onnx cannot be opened as a model: it is empty."
    )


def test_a_truncated_model_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    data = tiny_model.read_bytes()
    (tmp_path / "m.onnx").write_bytes(data[: len(data) // 2])

    assert refusal(tmp_path / "m.onnx").startswith(
        f"{tmp_path}/m.onnx cannot be opened as a model: "
    )


def test_a_foreign_model_is_refused(tmp_path: Path) -> None:
    file = write_model(tmp_path / "m.onnx", None)

    assert refusal(file) == (
        f"{file} is an ONNX file without a model card: make models with 'tagger export'."
    )


def test_a_damaged_card_is_refused_with_the_files_name(tmp_path: Path) -> None:
    file = write_model(tmp_path / "m.onnx", "{")

    assert refusal(file) == (f"{file}: The model card is damaged: it is not valid JSON.")


@pytest.mark.parametrize(
    "changes",
    [
        {"height": 16},
        {"width": 4},
        {"labels": ("red", "green", "blue"), "thresholds": (0.5,) * 3, "never": ()},
    ],
)
def test_a_card_that_describes_another_graph_is_refused(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    file = write_model(tmp_path / "m.onnx", changed_card(**changes))

    assert refusal(file) == f"The inputs and outputs of {file} do not match its card."


def test_scores_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    file = write_model(tmp_path / "m.onnx", divisor=0)

    with pytest.raises(ModelError) as refused:
        TaggerModel(file, "cpu").scores(np.zeros((1, SIDE, SIDE, 3), dtype=np.uint8))

    assert str(refused.value) == f"{file} returns scores that are not probabilities."


def test_scores_above_one_are_refused(tmp_path: Path) -> None:
    file = write_model(tmp_path / "m.onnx", divisor=100)

    with pytest.raises(ModelError) as refused:
        TaggerModel(file, "cpu").scores(np.full((1, SIDE, SIDE, 3), 101, dtype=np.uint8))

    assert str(refused.value) == f"{file} returns scores that are not probabilities."


@pytest.mark.parametrize(
    "name", ["", "gpu", "CPU", "cuda:", "cuda:x", "cuda:-1", "cpu:0", "cpu,", "auto,cpu"]
)
def test_an_unknown_device_is_wrong_usage(tiny_model: Path, name: str) -> None:
    with pytest.raises(UsageError) as refused:
        TaggerModel(tiny_model, name)

    assert str(refused.value) == (
        f"Unknown device '{name}': use auto, cpu, openvino, cuda, cuda:N, tensorrt, or "
        "several of one kind such as cuda:0,cuda:1."
    )


def test_devices_of_several_kinds_are_wrong_usage(tiny_model: Path) -> None:
    with pytest.raises(UsageError) as refused:
        TaggerModel(tiny_model, "cpu,cuda:1")

    assert str(refused.value) == "--device cpu,cuda:1: several devices must be of one kind."


def test_devices_are_spelled_as_on_the_command_line(tiny_model: Path) -> None:
    assert TaggerModel(tiny_model, "cpu").device == "cpu"
    assert TaggerModel(tiny_model, "cpu,cpu").device == "cpu,cpu"
    assert str(Device("cuda", 1)) == "cuda:1"


@pytest.mark.skipif(has_cuda_driver(), reason="CUDA may run here")
@pytest.mark.parametrize("name", ["cuda", "cuda:1", "cuda:0,cuda:1", "tensorrt"])
def test_cuda_is_refused_where_it_cannot_run(tiny_model: Path, name: str) -> None:
    with pytest.raises(DeviceError) as refused:
        TaggerModel(tiny_model, name)

    assert str(refused.value) == f"--device {name} is not available: {cuda_problem()}."


@pytest.mark.skipif(has_cuda_driver(), reason="CUDA may run here")
def test_auto_takes_the_cpu_where_cuda_cannot_run(tiny_model: Path) -> None:
    model = TaggerModel(tiny_model, "auto")

    assert model.device == "cpu"
    assert model.scores(noise(1)).shape == (1, 4)


@pytest.mark.parametrize("count", [8, 5])
def test_a_bound_batch_scores_as_any_other(tmp_path: Path, feigned_cuda: None, count: int) -> None:
    file = write_convolutions(tmp_path / "m.onnx")
    on_gpu, on_cpu = (TaggerModel(file, name, batch_size=8) for name in ("cuda", "cpu"))
    for seed in (1, 2):  # the second batch reuses what the first one bound
        images = np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)
        assert np.array_equal(on_gpu.scores(images), on_cpu.scores(images))
    assert on_gpu.device == "cuda:0"


class Runtime:
    """Stands for the CUDA runtime; a GPU's memory is the CPU's."""

    def __init__(self, answers: dict[str, int]) -> None:
        self.answers = answers
        self.called: list[object] = []

    def cudaSetDevice(self, index: ctypes.c_int) -> int:  # noqa: N802
        self.called.append(index.value)
        return self.answers.get("cudaSetDevice", 0)

    def cudaMemcpy(  # noqa: N802
        self, target: ctypes.c_void_p, source: ctypes.c_void_p, size: ctypes.c_size_t, kind: object
    ) -> int:
        assert isinstance(kind, ctypes.c_int)
        self.called.append(kind.value)
        if not self.answers.get("cudaMemcpy", 0):
            ctypes.memmove(target, source, size.value)
        return self.answers.get("cudaMemcpy", 0)

    def cudaStreamSynchronize(self, stream: ctypes.c_void_p) -> int:  # noqa: N802
        self.called.append(stream.value)
        return self.answers.get("cudaStreamSynchronize", 0)


def test_a_batch_is_copied_to_a_gpu_and_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Runtime({})
    monkeypatch.setattr(copying, "_cuda_runtime", lambda: runtime)
    images = noise(3)
    target = onnxruntime.OrtValue.ortvalue_from_shape_and_type(images.shape, np.uint8)

    assert copying.copied_to_gpu(images, target, 1)

    assert np.array_equal(target.numpy(), images)
    assert runtime.called == [1, 1, None]  # the device, host to device, the default stream


@pytest.mark.parametrize("call", ["cudaSetDevice", "cudaMemcpy", "cudaStreamSynchronize"])
def test_a_copy_that_cuda_refuses_is_left_to_onnx_runtime(
    monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(copying, "_cuda_runtime", lambda: Runtime({call: 1}))
    target = onnxruntime.OrtValue.ortvalue_from_shape_and_type([3, 8, 8, 3], np.uint8)

    assert not copying.copied_to_gpu(noise(3), target, 0)


def test_batches_are_halved_when_a_gpu_has_no_memory_left(
    tmp_path: Path, feigned_cuda: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_convolutions(tmp_path / "m.onnx")
    expected = TaggerModel(file, "cpu", batch_size=7).scores(noise(7))
    monkeypatch.setattr(model_module, "Session", SmallGpu)
    model = TaggerModel(file, "cuda", batch_size=7)

    for _ in range(2):
        np.testing.assert_allclose(model.scores(noise(7)), expected, atol=1e-6)
    (session,) = model._sessions
    assert isinstance(session, SmallGpu)
    assert {shape[0] for shape in session.shapes} == {2}  # 7, then 4, then 2: one shape


def test_memory_that_does_not_suffice_for_one_image_ends_it(
    tmp_path: Path, feigned_cuda: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoMemory(SessionInMainMemory):
        def run(self, inputs: Inputs) -> np.ndarray:
            raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(model_module, "Session", NoMemory)
    file = write_convolutions(tmp_path / "m.onnx")
    with pytest.raises(ModelError) as ended:
        TaggerModel(file, "cuda", batch_size=4).scores(noise(1))
    assert str(ended.value) == f"{file} failed while running: CUDA error: out of memory."


# OpenVINO


@pytest.mark.parametrize("count", [8, 5])
def test_openvino_scores_as_onnx_runtime(tmp_path: Path, count: int) -> None:
    file = write_convolutions(tmp_path / "m.onnx")
    openvino, cpu = (TaggerModel(file, name, batch_size=8) for name in ("openvino", "cpu"))

    for seed in (1, 2):  # the second batch goes through the request that the first one made
        images = np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)
        np.testing.assert_allclose(openvino.scores(images), cpu.scores(images), atol=1e-5)
    assert openvino.device == "openvino"
    assert openvino.card == cpu.card


def test_what_openvino_gave_stays_when_it_runs_again(tmp_path: Path) -> None:
    model = TaggerModel(write_convolutions(tmp_path / "m.onnx"), "openvino", batch_size=2)
    first = model.scores(noise(2))
    kept = first.copy()
    model.scores(255 - noise(2))

    assert np.array_equal(first, kept)


@pytest.mark.parametrize("device", ["cpu", "openvino"])
def test_nobody_is_told_of_a_use(tiny_model: Path, tmp_path: Path, device: str) -> None:
    # Both runtimes tell their makers over the network, unless told not to, and keep a number of the
    # machine and what is to be sent in the home folder.
    code = f"""
import sys
seen = []
sys.addaudithook(
    lambda event, _: event.startswith(("socket.", "subprocess.", "os.fork"))
    and seen.append(event)
)
from pathlib import Path
from tagger.network.model import TaggerModel
TaggerModel(Path({str(tiny_model)!r}), {device!r})
print(seen)
"""
    home = tmp_path / "home"
    home.mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        env={**os.environ, "ORT_DISABLE_TELEMETRY": "0", "HOME": str(home)},
    )

    assert ran.stdout.decode() == "[]\n"
    assert list(home.iterdir()) == []


def test_openvino_is_refused_where_it_is_not_installed(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tagger.network.openvino.find_spec", lambda name: None)
    with pytest.raises(DeviceError) as refused:
        TaggerModel(tiny_model, "openvino")

    assert str(refused.value) == (
        "--device openvino is not available: OpenVINO is not installed: "
        "pip install 'poster-tagger[openvino]'."
    )


# The bundled files

Bundle = Callable[[bool], tuple[Path, Path]]


@pytest.fixture
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """Return a function that bundles a file for the CPU and, if wanted, one for CUDA."""

    def bundle(with_cuda: bool) -> tuple[Path, Path]:
        for_cpu, for_cuda = tmp_path / "both.onnx", tmp_path / "cuda.onnx"
        write_model(for_cpu)
        if with_cuda:
            write_model(for_cuda, changed_card(precision="fp16"))
        monkeypatch.setattr(model_module, "BUNDLED_MODEL", for_cpu)
        monkeypatch.setattr(model_module, "BUNDLED_CUDA_MODEL", for_cuda)
        return for_cpu, for_cuda

    return bundle


@pytest.fixture
def feigned_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let CUDA seem to work."""
    monkeypatch.setattr(model_module, "cuda_problem", lambda: None)
    monkeypatch.setattr(model_module, "Session", SessionInMainMemory)


@pytest.mark.parametrize(
    ("kind", "with_cuda", "place"), [("cpu", True, 0), ("cuda", True, 1), ("cuda", False, 0)]
)
def test_each_kind_of_device_has_its_bundled_file(
    bundled: Bundle, kind: str, with_cuda: bool, place: int
):
    files = bundled(with_cuda)
    assert model_module.bundled_model(kind) == files[place]


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_the_bundled_file_for_cuda_is_taken_where_cuda_runs(
    bundled: Bundle, feigned_cuda: None, device: str
):
    _, for_cuda = bundled(True)
    opened = TaggerModel(None, device)
    assert (opened.file, opened.card.precision) == (for_cuda, "fp16")


def test_the_bundled_file_for_the_cpu_is_taken_on_the_cpu(bundled: Bundle, feigned_cuda: None):
    for_cpu, _ = bundled(True)
    assert TaggerModel(None, "cpu").file == for_cpu


@pytest.mark.skipif(has_cuda_driver(), reason="CUDA may run here")
def test_the_bundled_file_for_the_cpu_is_taken_where_cuda_cannot_run(bundled: Bundle):
    for_cpu, _ = bundled(True)
    assert TaggerModel(None, "auto").file == for_cpu


def test_a_file_that_was_named_is_taken_on_every_device(
    bundled: Bundle, feigned_cuda: None, tiny_model: Path
):
    bundled(True)
    assert TaggerModel(tiny_model, "auto").file == tiny_model


def test_why_a_device_was_taken_is_logged(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(model_module, "cuda_problem", lambda: "there is no driver")

    with caplog.at_level(logging.INFO, "tagger.network"):
        TaggerModel(tiny_model)
        TaggerModel(tiny_model, "cpu")

    assert [record.message for record in caplog.records] == [
        "auto: the CPU, since there is no driver",
        "cpu: asked for",
    ]
