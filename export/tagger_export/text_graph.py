"""Adds what words and years say of labels to an exported graph, before its last sigmoid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper
from tagger_training.text_head import FIRST_YEAR, YEAR_BINS, YEARS_PER_BIN, TextHead

from tagger.errors import ModelError
from tagger.network.ort import OUTPUT_NAME
from tagger.network.text_ids import TEXT_NAME, YEAR_NAME
from tagger_export.graphs import add_constant

_LARGEST_INT8 = 127
# All names in the graph that are added begin with it.
_PREFIX = "text/"


def attach_text(proto: Any, head: TextHead, precision: str) -> None:
    """Add the inputs ``text`` and ``year``, and what they say of the labels, in place.

    The picture's logits pass through unchanged where nothing is known of the words and the year, so
    that its scores are the same to the bit as without a head. The table is stored as the precision
    asks: in float32, in float16, or in int8 with a scale for each column. A text's rows are summed
    before they are scaled, which is exact in int8.

    Args:
        proto: an ``onnx.ModelProto`` from images to scores.
        head: as learned by a training.
        precision: one of :data:`tagger.network.card.PRECISIONS`.

    Raises:
        ModelError: the network does not end in a sigmoid.
    """
    place, sigmoid = last_sigmoid(proto.graph)
    logits = sigmoid.input[0]
    add = _Nodes(proto.graph, place)
    words, known = _words(add, head, precision)
    told = [words]
    inputs = [(TEXT_NAME, ["batch", head.text.length])]
    if head.text.year:
        years, dated = _years(add, head)
        told.append(years)
        known = add("Or", known, dated)
        inputs.append((YEAR_NAME, ["batch"]))
    picture = add("Cast", logits, to=TensorProto.FLOAT)
    scaled = add("Mul", picture, add.constant("scale", np.float32(head.scale)))
    shift = add.constant("shift", head.shift[np.newaxis].astype(np.float32))
    fused = add("Sum", scaled, *told, shift)
    if precision == "fp16":
        fused = add("Cast", fused, to=TensorProto.FLOAT16)
    sigmoid.input[0] = add("Where", known, fused, logits)
    proto.graph.input.extend(
        helper.make_tensor_value_info(name, TensorProto.INT32, shape) for name, shape in inputs
    )


class _Nodes:
    """Inserts nodes, one after the other, at a place of a graph."""

    def __init__(self, graph: Any, place: int) -> None:
        self._graph = graph
        self._place = place
        self._count = 0

    def __call__(self, operation: str, *inputs: str, **attributes: Any) -> str:
        """Insert a node and return the name of its output."""
        name = f"{_PREFIX}{operation}_{self._count}"
        node = helper.make_node(operation, inputs, [name], name=name, **attributes)
        self._graph.node.insert(self._place + self._count, node)
        self._count += 1
        return name

    def constant(self, name: str, values: npt.NDArray[Any] | np.generic) -> str:
        """Add a constant and return its full name."""
        add_constant(self._graph, _PREFIX + name, np.asarray(values))
        return _PREFIX + name


def last_sigmoid(graph: Any) -> tuple[int, Any]:
    """Return the place of the sigmoid whose results are the scores, and the node."""
    places = {name: place for place, node in enumerate(graph.node) for name in node.output}
    name = OUTPUT_NAME
    while name in places:
        node = graph.node[places[name]]
        if node.op_type == "Sigmoid":
            return places[name], node
        if node.op_type not in ("Cast", "Identity"):
            break
        name = node.input[0]
    raise ModelError("The network does not end in a sigmoid, so no text can be added to it.")


def _words(add: _Nodes, head: TextHead, precision: str) -> tuple[str, str]:
    """Add the text scores, and whether an id is known, ``(batch, labels)`` and ``(batch, 1)``."""
    labels = head.table.shape[1] - 1
    table, steps = _stored(head.table, precision)
    axis = add.constant("axis", np.array([1]))
    rows = add("Gather", add.constant("table", table), TEXT_NAME, axis=0)
    sums = add("ReduceSum", add("Cast", rows, to=TensorProto.FLOAT), axis, keepdims=0)
    if steps is not None:
        sums = add("Mul", sums, add.constant("steps", steps))
    start, end = add.constant("first", np.array([0])), add.constant("labels", np.array([labels]))
    squares = add("Slice", sums, end, add.constant("columns", np.array([labels + 1])), axis)
    least = add("Max", squares, add.constant("least", np.float32(1)))
    words = add("Div", add("Slice", sums, start, end, axis), add("Sqrt", least))
    return words, add("Greater", squares, add.constant("nothing", np.float32(0)))


def stored_head(head: TextHead, precision: str) -> TextHead:
    """Return a head with the numbers that a file of this precision has in its table."""
    table, steps = _stored(head.table, precision)
    values = table.astype(np.float32)
    return replace(head, table=values if steps is None else values * steps)


def _stored(
    table: npt.NDArray[Any], precision: str
) -> tuple[npt.NDArray[Any], npt.NDArray[np.float32] | None]:
    """Return the table as it is stored, and its columns' steps if it is stored in int8."""
    if precision == "fp16":
        return table.astype(np.float16), None
    if precision != "int8":
        return table, None
    steps = np.abs(table).max(axis=0, keepdims=True) / _LARGEST_INT8
    steps[steps == 0] = 1
    small = np.round(table / steps).astype(np.int8)
    # A known id must not be rounded to an unknown one.
    small[:, -1] = np.where(table[:, -1] > 0, np.maximum(small[:, -1], 1), 0)
    return small, steps.astype(np.float32)


def _years(add: _Nodes, head: TextHead) -> tuple[str, str]:
    """Add the scores of the year, and whether it is known."""

    def number(name: str, value: int) -> str:
        return add.constant(name, np.int32(value))

    one, none = number("one", 1), number("no_year", 0)
    since = add("Sub", YEAR_NAME, number("first_year", FIRST_YEAR))
    # Division rounds towards zero, which does not matter: earlier years are in the first bin.
    bins = add("Add", add("Div", since, number("years_per_bin", YEARS_PER_BIN)), one)
    bins = add("Min", add("Max", bins, one), number("bins", YEAR_BINS))
    dated = add("Greater", YEAR_NAME, none)
    row = add("Where", dated, bins, none)
    scores = add("Gather", add.constant("years", head.years.astype(np.float32)), row, axis=0)
    return scores, add("Unsqueeze", dated, add.constant("new_axis", np.array([1])))
