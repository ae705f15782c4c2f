"""A network small enough to reckon with in the head: the mean colour of an image."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tagger.network.card import METADATA_KEY, ModelCard, TextInput
from tagger.network.text_ids import text_ids

SIDE = 8

#: Scores are the mean red, green and blue, 0 to 1, and for ``N/A`` the smallest of the three.
CARD = ModelCard(
    name="colours",
    version="1.2",
    labels=("red", "green", "blue", "N/A"),
    height=SIDE,
    width=SIDE,
    thresholds=(0.5, 0.5, 0.5, 0.5),
    never=("N/A",),
    scored=("red", "green", "blue"),
    provenance={"data": "none", "license": "CC0"},
)


#: The same network with a text: a label that is a word of it scores 1, and ``N/A`` at least a
#: ten-thousandth of the year.
TEXT_CARD = dataclasses.replace(
    CARD, name="colours-and-words", text=TextInput("ngrams-1", buckets=2**20, length=128, year=True)
)


def changed_card(**changes: object) -> ModelCard:
    """Return the card with some fields changed."""
    return dataclasses.replace(CARD, **changes)


def write_model(
    file: Path, card: ModelCard | str | None = CARD, *, height: int = SIDE, divisor: float = 255.0
) -> Path:
    """Write the mean-colour network.

    Args:
        file: where to.
        card: what is put into the metadata; None leaves the metadata empty.
        height: rows of the graph's input, whatever the card says.
        divisor: of the means; 0 gives scores that are no numbers.
    """
    nodes = [
        helper.make_node("Cast", ["images"], ["samples"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["samples", "sides"], ["means"], keepdims=0),
        helper.make_node("Div", ["means", "divisor"], ["colours"]),
        helper.make_node("ReduceMin", ["colours", "channel"], ["grey"], keepdims=1),
        helper.make_node("Concat", ["colours", "grey"], ["scores"], axis=1),
    ]
    constants = {
        "sides": np.array([1, 2], dtype=np.int64),
        "divisor": np.array(divisor, dtype=np.float32),
        "channel": np.array([1], dtype=np.int64),
    }
    return write_graph(file, nodes, constants, card, height=height)


def write_text_model(file: Path, card: ModelCard = TEXT_CARD) -> Path:
    """Write the mean-colour network that also takes a text, and a year if the card says so."""
    assert card.text is not None
    ids = {label: int(text_ids(label, card.text)[0]) for label in card.labels}
    names = [ids[label] if label.isalpha() else -1 for label in card.labels]
    nodes = [
        helper.make_node("Cast", ["images"], ["samples"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["samples", "sides"], ["means"], keepdims=0),
        helper.make_node("Div", ["means", "divisor"], ["colours"]),
        helper.make_node("ReduceMin", ["colours", "one"], ["grey"], keepdims=1),
        helper.make_node("Concat", ["colours", "grey"], ["seen"], axis=1),
        helper.make_node("Unsqueeze", ["text", "two"], ["ids"]),
        helper.make_node("Equal", ["ids", "names"], ["same"]),
        helper.make_node("Cast", ["same"], ["found"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["found", "one"], ["named"], keepdims=0),
    ]
    told = ["seen", "named"]
    if card.text.year:
        nodes += [
            helper.make_node("Unsqueeze", ["year", "one"], ["years"]),
            helper.make_node("Cast", ["years"], ["number"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["number", "tiny"], ["dated"]),
        ]
        told.append("dated")
    nodes.append(helper.make_node("Max", told, ["scores"]))
    constants = {
        "sides": np.array([1, 2], dtype=np.int64),
        "divisor": np.array(255, dtype=np.float32),
        "one": np.array([1], dtype=np.int64),
        "two": np.array([2], dtype=np.int64),
        "names": np.array([[names]], dtype=np.int32),
        "tiny": np.array([[0, 0, 0, 1e-4]], dtype=np.float32),
    }
    texts = {"text": ["batch", card.text.length], "year": ["batch"]}
    if not card.text.year:
        del texts["year"], constants["tiny"]
    return write_graph(file, nodes, constants, card, texts=texts)


def write_graph(
    file: Path,
    nodes: list[onnx.NodeProto],
    constants: dict[str, np.ndarray],
    card: ModelCard | str | None,
    *,
    height: int = SIDE,
    outputs: int = 4,
    texts: dict[str, list[str | int]] | None = None,
) -> Path:
    """Write any graph from ``images``, and inputs of int32 numbers, to ``scores``."""
    graph = helper.make_graph(
        nodes,
        "test",
        [
            helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", height, SIDE, 3]),
            *(
                helper.make_tensor_value_info(name, TensorProto.INT32, shape)
                for name, shape in (texts or {}).items()
            ),
        ],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", outputs])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10, producer_name="test"
    )
    if card is not None:
        text = card if isinstance(card, str) else card.to_json()
        helper.set_model_props(model, {METADATA_KEY: text})
    onnx.checker.check_model(model)
    onnx.save(model, file)
    return file
