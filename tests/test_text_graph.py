"""A head in a graph: the same numbers, and the picture's own to the bit where there is no text."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from tagger.errors import ModelError
from tagger.network.card import TextInput
from tagger.network.text_ids import text_ids
from tagger.results import ImageText

pytest.importorskip("tensorflow", reason="the 'train' extra is not installed")

import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from tagger_export.text_graph import attach_text, stored_head
from tagger_export.text_parity import check_text
from tagger_training.text_head import YEAR_BINS, TextHead, Told

pytestmark = pytest.mark.train

LABELS = 5
TEXT = TextInput("ngrams-1", buckets=512, length=48, year=True)
PRECISIONS = ("fp32", "fp16", "int8")
TEXTS = (
    None,
    ImageText("Heat", 1995),
    ImageText("The Godfather: Part II"),
    *(ImageText("", year) for year in (-5, 0, 1, 1895, 1899, 1900, 1904, 1905, 2049, 2050, 9999)),
    ImageText("qqqq zzzz"),
    ImageText("Heat " * 500, 2020),
)


def drawn_head(*, year: bool = True) -> TextHead:
    random = np.random.default_rng(5)
    table = random.normal(size=(TEXT.buckets + 1, LABELS + 1)).astype(np.float32) * 3
    table[:, -1] = random.uniform(1, 100, TEXT.buckets + 1)
    table[random.random(TEXT.buckets + 1) < 0.5] = 0
    table[0] = 0
    years = random.normal(size=(YEAR_BINS + 1, LABELS)).astype(np.float32)
    years[0] = 0
    shift = random.normal(size=LABELS).astype(np.float32)
    return TextHead(dataclasses.replace(TEXT, year=year), table, years * year, 0.9, shift)


def picture_graph(precision: str, *, end: str = "Sigmoid") -> Any:
    """Return a graph as an export makes it: the last layer is a sigmoid, in its own precision."""
    random = np.random.default_rng(6)
    half = precision == "fp16"
    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    constants = {"kernel": random.normal(size=(12, LABELS)) / 400, "bias": random.normal(size=5)}
    nodes = [
        helper.make_node("Cast", ["images"], ["values"], to=kind),
        helper.make_node("Flatten", ["values"], ["flat"]),
        helper.make_node("MatMul", ["flat", "kernel"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["logits"]),
        helper.make_node(end, ["logits"], ["half" if half else "scores"]),
    ]
    if half:
        nodes.append(helper.make_node("Cast", ["half"], ["scores"], to=TensorProto.FLOAT))
    graph = helper.make_graph(
        nodes,
        "picture",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", 2, 2, 3])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", LABELS])],
        [
            numpy_helper.from_array(values.astype(np.float16 if half else np.float32), name)
            for name, values in constants.items()
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def images(count: int) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (count, 2, 2, 3), dtype=np.uint8)


def told_graph(precision: str, head: TextHead) -> Any:
    graph = picture_graph(precision)
    attach_text(graph, head, precision)
    onnx.checker.check_model(graph, full_check=True)
    return graph


def run(graph: Any, inputs: dict[str, np.ndarray]) -> np.ndarray:
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    taken = {end.name: inputs[end.name] for end in session.get_inputs()}
    scores: np.ndarray = session.run(["scores"], taken)[0]
    return scores


def inputs_of(texts: tuple[ImageText | None, ...]) -> dict[str, np.ndarray]:
    return {
        "images": images(len(texts)),
        "text": np.stack([text_ids(text.words if text else "", TEXT) for text in texts]),
        "year": np.array([(text.year or 0) if text else 0 for text in texts], dtype=np.int32),
    }


@pytest.mark.parametrize("precision", PRECISIONS)
def test_without_a_text_the_scores_are_those_of_the_picture_to_the_bit(precision: str):
    inputs = inputs_of((None,) * 9)
    before = run(picture_graph(precision), inputs)
    assert run(told_graph(precision, drawn_head()), inputs).tobytes() == before.tobytes()
    # So they are for words that no training text had.
    unknown = inputs_of((ImageText("qqqq zzzz"),) * 9)
    head = drawn_head()
    head.table[unknown["text"][0]] = 0
    assert run(told_graph(precision, head), unknown).tobytes() == before.tobytes()


@pytest.mark.parametrize("year", [True, False])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_with_a_text_the_scores_are_those_of_the_head(precision: str, year: bool):
    head, inputs = drawn_head(year=year), inputs_of(TEXTS)
    before = run(picture_graph("fp32"), inputs).astype(np.float64)
    told = Told.of_texts(TEXTS, head.text)
    fused = stored_head(head, precision)(np.log(before / (1 - before)), told)
    tolerance = 2e-3 if precision == "fp16" else 1e-5
    graph = told_graph(precision, head)
    np.testing.assert_allclose(run(graph, inputs), 1 / (1 + np.exp(-fused)), atol=tolerance)
    ends = [end.name for end in graph.graph.input]
    assert ends == (["images", "text", "year"] if year else ["images", "text"])


@pytest.mark.parametrize(("precision", "size"), [("fp32", 4), ("fp16", 2), ("int8", 1)])
def test_the_table_is_as_small_as_its_precision(precision: str, size: int):
    graph = told_graph(precision, drawn_head())
    (table,) = (one for one in graph.graph.initializer if one.name == "text/table")
    assert len(table.raw_data) == size * (TEXT.buckets + 1) * (LABELS + 1)
    exact, stored = drawn_head().table, stored_head(drawn_head(), precision).table
    assert np.abs(stored - exact).max() <= {4: 0, 2: 0.05, 1: 0.5}[size]
    # No id is forgotten, and none is made up.
    assert np.array_equal(stored[:, -1] > 0, exact[:, -1] > 0)


def test_an_id_of_little_weight_is_still_known_in_int8():
    head = drawn_head()
    head.table[3, -1], head.table[4, -1] = 1.0, 10_000.0
    assert stored_head(head, "int8").table[3, -1] > 0


def test_a_network_without_a_sigmoid_takes_no_text():
    with pytest.raises(ModelError) as refused:
        attach_text(picture_graph("fp32", end="Softplus"), drawn_head(), "fp32")
    assert str(refused.value) == (
        "The network does not end in a sigmoid, so no text can be added to it."
    )


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_check_of_an_export_passes(precision: str):
    graph = told_graph(precision, drawn_head())
    check_text(picture_graph(precision), graph, drawn_head(), precision, images(20))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_an_export_with_another_head_is_refused(precision: str):
    other = dataclasses.replace(drawn_head(), scale=0.8)
    graph = told_graph(precision, other)
    with pytest.raises(
        ModelError, match=r"with a text, its scores differ from the trained ones by"
    ):
        check_text(picture_graph(precision), graph, drawn_head(), precision, images(20))


def test_an_export_that_changes_pictures_without_text_is_refused():
    graph = told_graph("fp32", drawn_head())
    (bias,) = (one for one in graph.graph.initializer if one.name == "bias")
    changed = numpy_helper.to_array(bias) * np.float32(1.000001)
    bias.CopyFrom(numpy_helper.from_array(changed, "bias"))
    with pytest.raises(ModelError) as refused:
        check_text(picture_graph("fp32"), graph, drawn_head(), "fp32", images(20))
    assert str(refused.value) == (
        "The exported file was not written: without a text, its scores differ from those of the "
        "picture alone."
    )
