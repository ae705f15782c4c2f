"""An int8 network reads four pixels of a row as one: quicker, and with the same scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the 'train' extra is not installed")

pytestmark = pytest.mark.train

HEIGHT = 14


def network(
    folder: Path, *, width: int, kernel: tuple[int, int], strides: int, pads: list[int], bias: bool
) -> Path:
    """Write a network that begins with one convolution of whole bytes, and has another."""
    import onnx
    from onnx import helper as make

    random = np.random.default_rng(1)
    constants = {
        "factor": np.float32(1 / 255),
        "kernel": random.normal(size=(6, 3, *kernel)).astype(np.float32) / kernel[0] / kernel[1],
        "kernel_2": random.normal(size=(5, 6, 3, 3)).astype(np.float32) / 9,
        "weights": random.normal(size=(5, 2)).astype(np.float32),
    }
    if bias:
        constants["bias"] = random.normal(size=6).astype(np.float32)
    first = ["Transpose", "kernel", *(["bias"] if bias else [])]
    how = {"pads": pads, "strides": [strides, strides]}
    steps: list[tuple[str, str, list[str], dict[str, Any]]] = [
        ("Cast", "Cast", ["images"], {"to": onnx.TensorProto.FLOAT}),
        ("Mul", "Mul", ["Cast", "factor"], {}),
        ("Transpose", "Transpose", ["Mul"], {"perm": [0, 3, 1, 2]}),
        ("Conv", "Conv", first, how),
        ("Relu", "Relu", ["Conv"], {}),
        ("Conv", "Conv_2", ["Relu", "kernel_2"], {"pads": [1, 1, 1, 1]}),
        ("GlobalAveragePool", "Pool", ["Conv_2"], {}),
        ("Flatten", "Flatten", ["Pool"], {}),
        ("MatMul", "MatMul", ["Flatten", "weights"], {}),
        ("Sigmoid", "scores", ["MatMul"], {}),
    ]
    nodes = [make.make_node(op, ins, [name], name=name, **how) for op, name, ins, how in steps]
    graph = make.make_graph(
        nodes,
        "two convolutions",
        [make.make_tensor_value_info("images", onnx.TensorProto.UINT8, ["n", HEIGHT, width, 3])],
        [make.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, ["n", 2])],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    file = folder / "network.onnx"
    onnx.save(make.make_model(graph, ir_version=9, opset_imports=[make.make_opsetid("", 18)]), file)
    return file


def quantized(file: Path, images: list[Any]) -> Any:
    """Return the checked int8 network."""
    import onnx
    from tagger_export.precisions import to_int8

    proto = to_int8(file, images)
    onnx.checker.check_model(proto, full_check=True)
    return proto


def scores_of(proto: Any, images: list[Any]) -> Any:
    """Run a network on all images at once."""
    from onnxruntime import InferenceSession

    session = InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["scores"], {"images": np.stack(images)})[0]


def channels_read(proto: Any) -> int:
    """Return how many channels the first convolution has."""
    tensors = {one.name: one for one in proto.graph.initializer}
    producers = {name: node for node in proto.graph.node for name in node.output}
    first = next(node for node in proto.graph.node if node.op_type == "Conv")
    return int(tensors[producers[first.input[1]].input[0]].dims[1])


@pytest.fixture
def images() -> list[Any]:
    """Return noise that reaches from black to white."""
    random = np.random.default_rng(2)
    noise = [random.integers(0, 256, (HEIGHT, 20, 3), dtype=np.uint8) for _ in range(8)]
    noise[0][0, :2] = [[0, 0, 0], [255, 255, 255]]
    return noise


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("kernel", "strides", "pads"),
    [
        ((3, 3), 2, [0, 0, 1, 1]),  # TensorFlow's "same" of an even size
        ((3, 3), 2, [1, 1, 1, 1]),  # PyTorch's
        ((3, 3), 1, [1, 1, 1, 1]),
        ((7, 7), 2, [3, 3, 3, 3]),
        ((6, 6), 2, [2, 2, 2, 2]),
        ((5, 12), 4, [0, 4, 0, 4]),
        ((4, 4), 4, [0, 0, 0, 0]),
        ((1, 1), 1, [0, 0, 0, 0]),
    ],
)
def test_the_scores_stay_the_same_to_the_bit(
    folder: Path,
    images: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    kernel: tuple[int, int],
    strides: int,
    pads: list[int],
    bias: bool,
) -> None:
    file = network(folder, width=20, kernel=kernel, strides=strides, pads=pads, bias=bias)
    grouped = quantized(file, images)
    monkeypatch.setattr("tagger_export.precisions.read_groups_of_pixels", lambda model: None)
    plain = quantized(file, images)
    assert (channels_read(plain), channels_read(grouped)) == (3, 12)
    expected = scores_of(plain, images)
    assert np.ptp(expected, axis=0).min() > 1e-4  # images that score the same would show nothing
    np.testing.assert_array_equal(scores_of(grouped, images), expected)


@pytest.mark.parametrize(
    ("width", "kernel", "strides", "pads"),
    [
        (18, (3, 3), 2, [0, 0, 1, 1]),  # no groups of four
        (20, (3, 3), 3, [1, 1, 1, 1]),  # results of a group would not lie in it
        (20, (3, 3), 2, [0, 0, 0, 0]),  # fewer results than groups give
    ],
)
def test_other_first_layers_stay_as_they_are(
    folder: Path, width: int, kernel: tuple[int, int], strides: int, pads: list[int]
) -> None:
    random = np.random.default_rng(3)
    images = [random.integers(0, 256, (HEIGHT, width, 3), dtype=np.uint8) for _ in range(8)]
    file = network(folder, width=width, kernel=kernel, strides=strides, pads=pads, bias=True)
    assert channels_read(quantized(file, images)) == 3
