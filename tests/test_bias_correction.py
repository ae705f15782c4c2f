"""Convolutions of an int8 file give on average what they gave in fp32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="the 'train' extra is not installed")
import onnxruntime  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from tagger_export import precisions  # noqa: E402

CHANNELS = 16
LAYERS = 6


@pytest.fixture
def images() -> list[Any]:
    """Return smooth images, so that means differ from image to image."""
    random = np.random.default_rng(5)
    colours = random.integers(0, 256, (32, 2, 2, 3))
    return [np.kron(colour, np.ones((12, 12, 1))).astype(np.uint8) for colour in colours]


@pytest.fixture
def fp32(tmp_path: Path) -> Path:
    """Write a network of convolutions between which hardly a value is kept from being small."""
    random = np.random.default_rng(7)
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["floats"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Mul", ["planes", "scale"], ["x0"]),
    ]
    constants = [numpy_helper.from_array(np.float32(1 / 255), "scale")]
    width = 3
    for layer in range(LAYERS):
        kernel = random.normal(0, 1.3 / np.sqrt(9 * width), (CHANNELS, width, 3, 3))
        # Now and then a channel dwarfs the others, which then share few steps.
        kernel *= np.exp(random.normal(0, 1, (CHANNELS, 1, 1, 1)))
        bias = random.normal(0, 0.1, CHANNELS)
        constants += [
            numpy_helper.from_array(kernel.astype(np.float32), f"kernel{layer}"),
            numpy_helper.from_array(bias.astype(np.float32), f"bias{layer}"),
        ]
        nodes += [
            helper.make_node(
                "Conv",
                [f"x{layer}", f"kernel{layer}", f"bias{layer}"],
                [f"y{layer}"],
                f"convolution{layer}",
                pads=[1, 1, 1, 1],
            ),
            helper.make_node("Relu", [f"y{layer}"], [f"x{layer + 1}"], f"relu{layer}"),
        ]
        width = CHANNELS
    nodes += [
        helper.make_node("GlobalAveragePool", [f"x{LAYERS}"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 24, 24, 3])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", CHANNELS])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    file = tmp_path / "fp32.onnx"
    onnx.save(model, file)
    return file


def run(model: bytes, images: list[Any]) -> Any:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(["scores"], {"images": np.stack(images)})[0]


def test_means_are_those_of_fp32(
    fp32: Path, images: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = run(fp32.read_bytes(), images)
    corrected = run(precisions.to_int8(fp32, images).SerializeToString(), images)
    monkeypatch.setattr(precisions, "correct_biases", lambda *_: None)
    plain = run(precisions.to_int8(fp32, images).SerializeToString(), images)

    def shift(scores: Any) -> float:
        """Return how far the mean of a channel is from fp32's, in its standard deviations."""
        return float(np.abs(scores.mean(0) - expected.mean(0)).mean() / expected.std())

    assert shift(plain) > 0.005  # else there would be nothing to correct
    assert shift(corrected) < shift(plain) / 3
    assert np.abs(corrected - expected).mean() < np.abs(plain - expected).mean()


def test_nothing_but_biases_changes(
    fp32: Path, images: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    corrected = precisions.to_int8(fp32, images)
    monkeypatch.setattr(precisions, "correct_biases", lambda *_: None)
    plain = precisions.to_int8(fp32, images)

    differing = {
        one.name
        for one, other in zip(corrected.graph.initializer, plain.graph.initializer, strict=True)
        if one != other
    }
    # The first layer's are repeated for the pixels that it reads as one.
    biases = {f"bias{layer}_quantized" for layer in range(1, LAYERS)} | {"bias0_quantized_groups"}
    assert differing <= biases
    assert differing
    assert list(corrected.graph.node) == list(plain.graph.node)


def test_a_convolution_without_a_bias_stays_as_it_is(fp32: Path, images: list[Any]) -> None:
    model = onnx.load(fp32)
    for node in model.graph.node:
        if node.op_type == "Conv":
            del node.input[2]
    onnx.save(model, fp32)

    scores = run(precisions.to_int8(fp32, images).SerializeToString(), images)

    expected = run(fp32.read_bytes(), images)
    assert np.corrcoef(scores.ravel(), expected.ravel())[0, 1] > 0.99
