"""A run becomes a file of another precision that is measured beside fp32, or no file at all."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Ran, run_tagger
from shapes import Made, ShapeSet

from tagger.decode.picture import load_rgb
from tagger.errors import DataError, ModelError
from tagger.network.card import METADATA_KEY, ModelCard
from tagger.network.model import TaggerModel

pytest.importorskip("tensorflow", reason="the 'train' extra is not installed")

pytest_plugins = ("training_fixtures",)
pytestmark = pytest.mark.train

Tagger = Callable[..., Ran]

#: How far scores may be from fp32 on the drawn shapes: on average, and at most.
CLOSE = {"fp16": (0.001, 0.01), "int8": (0.02, 0.15)}


@dataclass(frozen=True)
class Lowered:
    """A file of another precision, and what the command said of it."""

    precision: str
    file: Path
    ran: Ran


@pytest.fixture(scope="module", params=["fp16", "int8"])
def lowered(request: pytest.FixtureRequest, shape_run: Made) -> Lowered:
    """Export the run in each of the other precisions with the real command."""
    file = shape_run.path.parent / f"{request.param}.onnx"
    arguments = ("export", shape_run.path, "-o", file, "--precision", request.param)
    ran = run_tagger(*arguments, "--max-loss", "1", cwd=file.parent)
    assert ran.code == 0, ran.stderr
    return Lowered(request.param, file, ran)


@pytest.fixture
def run(shape_run: Made, folder: Path) -> Path:
    """Return a copy of the finished run, named ``run`` in the current folder."""
    return shutil.copytree(shape_run.path, folder / "run")


def graph_of(file: Path) -> Any:
    """Return the checked graph of a file."""
    import onnx

    proto = onnx.load(file)
    onnx.checker.check_model(proto, full_check=True)
    return proto


def validation_images(run: Path) -> int:
    """Return how many images a run measures on."""
    return (run / "split.csv").read_text().count(",validation")


# The file


def test_it_says_what_the_precision_costs(lowered: Lowered, shape_run: Made):
    size = lowered.file.stat().st_size / 1e6
    assert re.fullmatch(
        rf"{re.escape(str(lowered.file))}: {size:.1f} MB; largest difference from Keras on \d+ "
        rf"images \d\.\de[+-]\d\d\n{lowered.precision} compared with fp32 on "
        rf"{validation_images(shape_run.path)} validation images \((cpu|cuda:0)\): "
        r"macro-AP [01]\.\d{4} \(fp32: [01]\.\d{4}\); \d+\.\d% of images get different tags; "
        r"scores differ by 0\.\d{4} on average, 0\.\d{3} at most\n",
        lowered.ran.stdout.decode(),
    )
    assert lowered.ran.stderr == ""


def test_what_goes_in_and_out_is_as_in_fp32(lowered: Lowered):
    proto = graph_of(lowered.file)
    ends = [
        (end.name, end.type.tensor_type.elem_type, [d.dim_value for d in shape.dim[1:]])
        for end in (*proto.graph.input, *proto.graph.output)
        for shape in (end.type.tensor_type.shape,)
    ]
    uint8, float32 = 2, 1
    assert ends == [("images", uint8, [64, 64, 3]), ("scores", float32, [6])]
    assert {opset.domain for opset in proto.opset_import} == {""}


def test_the_card_says_the_precision_and_what_it_costs(lowered: Lowered, shape_run: Made):
    (entry,) = graph_of(lowered.file).metadata_props
    assert entry.key == METADATA_KEY
    card = json.loads(entry.value)
    check = card["provenance"].pop("precision_check")
    original = json.loads((shape_run.path / "card.json").read_text())
    assert card == {**original, "precision": lowered.precision}
    assert list(check) == [
        "images", "device", "fp32_macro_ap", "macro_ap", "other_tags", "largest_difference",
        "mean_difference",
    ]  # fmt: skip
    assert check["images"] == validation_images(shape_run.path)
    said = lowered.ran.stdout.decode()
    assert f"macro-AP {check['macro_ap']:.4f} (fp32: {check['fp32_macro_ap']:.4f});" in said


@pytest.mark.parametrize("batch_size", [1, 5])
def test_scores_are_close_to_those_of_fp32(
    lowered: Lowered, shape_model: Made, shapes: ShapeSet, batch_size: int
):
    files = [next(shapes.images.glob(f"{name}.*")) for name in list(shapes.labels)[:10]]
    pixels = np.stack([load_rgb(file, 64, 64) for file in files])
    first, second = (
        np.concatenate(
            [opened.scores(pixels[i : i + batch_size]) for i in range(0, 10, batch_size)]
        )
        for file in (shape_model.path, lowered.file)
        for opened in (TaggerModel(file, "cpu", batch_size=batch_size),)
    )
    gaps = np.abs(first - second)
    on_average, at_most = CLOSE[lowered.precision]
    assert 0 < gaps.mean() < on_average
    assert gaps.max() < at_most


def weights_of(proto: Any) -> dict[str, set[str]]:
    """Return the number types that a graph's initializers of more than one dimension have."""
    import onnx

    tensors = {tensor.name: tensor for tensor in proto.graph.initializer}
    types: dict[str, set[str]] = {}
    for node in proto.graph.node:
        for name in node.input:
            if name in tensors and len(tensors[name].dims) > 1:
                kind = onnx.TensorProto.DataType.Name(tensors[name].data_type)
                types.setdefault(node.op_type, set()).add(kind)
    return types


def test_the_weights_have_the_precision(lowered: Lowered):
    expected = {
        "fp16": {"Conv": {"FLOAT16"}, "MatMul": {"FLOAT16"}, "Gemm": {"FLOAT16"}},
        "int8": {"DequantizeLinear": {"INT8"}, "MatMul": {"FLOAT"}, "Gemm": {"FLOAT"}},
    }
    proto = graph_of(lowered.file)
    assert weights_of(proto) == expected[lowered.precision]
    assert "BatchNormalization" not in {node.op_type for node in proto.graph.node}


def test_feature_maps_of_int8_are_unsigned(lowered: Lowered):
    # Signed ones take nearly twice as long on x86.
    proto = graph_of(lowered.file)
    types = {tensor.name: tensor.data_type for tensor in proto.graph.initializer}
    quantizing = [node for node in proto.graph.node if node.op_type == "QuantizeLinear"]
    uint8 = 2
    assert {types[node.input[2]] for node in quantizing} == (
        {uint8} if lowered.precision == "int8" else set()
    )


def convolution_of(folder: Path, normalised: str) -> Path:
    """Write a network of one convolution whose input is normalised by a step of another kind."""
    import onnx
    from onnx import helper as make

    random = np.random.default_rng(1)
    constants = {
        "factor": np.float32(1 / 255),
        "factors": np.float32([[[[1 / 255, 1 / 128, 1 / 64]]]]),
        "kernel": random.normal(size=(4, 3, 3, 3)).astype(np.float32),
        "weights": random.normal(size=(4, 2)).astype(np.float32),
    }
    steps = [
        ("Cast", ["images"], {"to": onnx.TensorProto.FLOAT}),
        ("Mul", ["Cast", normalised], {}),
        ("Transpose", ["Mul"], {"perm": [0, 3, 1, 2]}),
        ("Conv", ["Transpose", "kernel"], {"pads": [1, 1, 1, 1]}),
        ("GlobalAveragePool", ["Conv"], {}),
        ("Flatten", ["GlobalAveragePool"], {}),
        ("MatMul", ["Flatten", "weights"], {}),
        ("Sigmoid", ["MatMul"], {}),
    ]
    nodes = [make.make_node(op, ins, [op], name=op, **how) for op, ins, how in steps]
    nodes[-1].output[0] = "scores"
    graph = make.make_graph(
        nodes,
        "one convolution",
        [make.make_tensor_value_info("images", onnx.TensorProto.UINT8, ["n", 20, 20, 3])],
        [make.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, ["n", 2])],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    file = folder / "convolution.onnx"
    onnx.save(make.make_model(graph, ir_version=9, opset_imports=[make.make_opsetid("", 18)]), file)
    return file


def operators_before_the_convolution(proto: Any) -> list[str]:
    """Return the operators between the images and the first convolution."""
    operators: list[str] = []
    name = "images"
    while operators[-1:] != ["Conv"]:
        (taker,) = (node for node in proto.graph.node if name in node.input)
        operators.append(taker.op_type)
        name = taker.output[0]
    return operators[:-1]


@pytest.mark.parametrize(
    ("normalised", "brightest", "operators"),
    [
        # Reshaped into groups of pixels, see test_pixel_groups.
        ("factor", 255, ["Reshape", "Transpose", "DequantizeLinear"]),
        # Steps of another size, or not the same for all channels: the arithmetic stays.
        ("factor", 200, None),
        ("factors", 255, None),
    ],
)
def test_int8_takes_the_bytes_as_they_are_where_normalising_gives_them_back(
    folder: Path, normalised: str, brightest: int, operators: list[str] | None
):
    import onnx
    from onnxruntime import InferenceSession
    from tagger_export.precisions import to_int8

    random = np.random.default_rng(2)
    images = [random.integers(0, 200, (20, 20, 3), dtype=np.uint8) for _ in range(8)]
    images[0][0, 0] = brightest
    file = convolution_of(folder, normalised)
    proto = to_int8(file, images)
    onnx.checker.check_model(proto, full_check=True)
    kept = ["Cast", "Mul", "Transpose", "QuantizeLinear", "DequantizeLinear"]
    assert operators_before_the_convolution(proto) == (operators or kept)
    seen = {"images": np.stack(images)}
    int8, fp32 = (
        InferenceSession(network).run(None, seen)[0]
        for network in (proto.SerializeToString(), file.read_bytes())
    )
    assert np.abs(int8 - fp32).max() < 0.01


def test_fp32_has_no_check_in_its_card(shape_model: Made):
    card = TaggerModel(shape_model.path, "cpu").card
    assert card.precision == "fp32"
    assert "precision_check" not in card.provenance


# What is not exported


def test_an_unknown_precision_is_wrong_usage(tagger: Tagger, folder: Path):
    ran = tagger("export", "run", "-o", "model.onnx", "--precision", "int4")
    assert (ran.code, ran.stdout, ran.stderr) == (
        2,
        b"",
        "tagger: Invalid value for '--precision': 'int4' is not one of 'fp32', 'fp16', 'int8'.\n",
    )


@pytest.mark.parametrize("existing", [None, b"the model of last week"])
def test_a_precision_that_loses_too_much_is_refused(
    tagger: Tagger, run: Path, monkeypatch: pytest.MonkeyPatch, existing: bytes | None
):
    from tagger_export import export

    # Ranges learnt from one black page: everything brighter is cut off.
    monkeypatch.setattr(
        export, "calibration_images", lambda files, card: [np.zeros((64, 64, 3), np.uint8)]
    )
    output = run.parent / "model.onnx"
    if existing:
        output.write_bytes(existing)
    arguments = ("export", "run", "-o", "model.onnx", "--precision", "int8")
    ran = tagger(*arguments, "--max-loss", "0")
    assert (ran.code, ran.stdout) == (3, b"")
    said = re.fullmatch(
        r"tagger: The int8 file was not written: it loses (0\.\d{4}) macro-AP "
        r"\((0\.\d{4}|1\.0000) → (0\.\d{4}) on "
        rf"{validation_images(run)} validation images\), more than --max-loss 0\.\n",
        ran.stderr,
    )
    assert said, ran.stderr
    loss, fp32, int8 = map(float, said.groups())
    assert loss == pytest.approx(fp32 - int8, abs=2e-4)
    assert (output.read_bytes() if output.exists() else None) == existing
    assert {file.name for file in run.parent.iterdir()} - {"model.onnx"} == {"run"}


def test_a_run_whose_table_is_gone_is_refused(tagger: Tagger, run: Path):
    settings = run / "run.json"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(re.sub(r'"table": "[^"]*"', '"table": "/gone.csv"', text))
    ran = tagger("export", "run", "-o", "model.onnx", "--precision", "fp16")
    assert (ran.code, ran.stdout) == (3, b"")
    assert ran.stderr == (
        "tagger: fp16 and int8 need the run's own data: /gone.csv cannot be read: "
        "no such file or directory.\n"
    )
    assert not (run.parent / "model.onnx").exists()


def test_calibration_images_are_training_images_spread_over_the_table(
    run: Path, shapes: ShapeSet, monkeypatch: pytest.MonkeyPatch
):
    from tagger_export import run_images
    from tagger_training.run_folder import RunFolder

    card = ModelCard.from_json((run / "card.json").read_text(encoding="utf-8"))
    training, validation = run_images.labelled_split(RunFolder(run), card)
    assert len(validation.ids) == validation_images(run)
    assert {*training.ids, *validation.ids} == {*shapes.labels}
    monkeypatch.setattr(run_images, "CALIBRATION_IMAGES", 4)
    step = len(training.files) // 4
    chosen = list(run_images.calibration_images(training.files, card))
    expected = [load_rgb(file, 64, 64) for file in training.files[::step][:4]]
    np.testing.assert_array_equal(np.stack(chosen), np.stack(expected))


def test_unreadable_calibration_images_are_passed_over(run: Path, shapes: ShapeSet):
    from tagger_export.run_images import calibration_images

    card = ModelCard.from_json((run / "card.json").read_text(encoding="utf-8"))
    readable = next(shapes.images.glob("00.*"))
    assert len(list(calibration_images([shapes.damaged, readable], card))) == 1
    with pytest.raises(DataError) as refused:
        list(calibration_images([shapes.damaged], card))
    assert str(refused.value) == (
        "None of the run's training images can be read, so int8 cannot be calibrated."
    )


def test_a_network_without_convolutions_is_refused(tiny_model: Path):
    from tagger_export.precisions import to_int8

    with pytest.raises(ModelError) as refused:
        to_int8(tiny_model, [])
    assert str(refused.value) == ("The network has no convolutions, so int8 does not apply to it.")
