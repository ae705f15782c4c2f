"""Checks that a file scores pictures as before, and texts as the head that was added to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from tagger_training.text_head import TextHead, Told

from tagger.errors import ModelError
from tagger.network.ort import INPUT_NAME, OUTPUT_NAME, onnxruntime
from tagger.network.text_ids import TEXT_NAME, YEAR_NAME
from tagger.results import Pixels
from tagger_export.parity import BATCH_SIZES, TOLERANCE
from tagger_export.text_graph import last_sigmoid, stored_head

# Logits of half precision are known to one part in 2,048, and scores to one in 4,096.
_HALF_TOLERANCE = 4e-3

_LOGITS_NAME = "logits_in_float32"

Array = npt.NDArray[Any]


def check_text(alone: Any, with_text: Any, head: TextHead, precision: str, images: Pixels) -> None:
    """Compare a file that takes texts with the one it was made from, and with its head.

    Args:
        alone: an ``onnx.ModelProto`` before the head was added.
        with_text: the same with it.
        head: as learned.
        precision: one of :data:`tagger.network.card.PRECISIONS`.
        images: uint8, shape ``(n, height, width, 3)``.

    Raises:
        ModelError: without a text, a score differs at all; or with one, by more than it may.
    """
    ids, years = _drawn(head, len(images))
    told = Told.of_ids(list(ids), years.tolist(), head.text)
    tolerance = _HALF_TOLERANCE if precision == "fp16" else TOLERANCE
    for size in BATCH_SIZES:
        nothing: dict[str, Array] = {INPUT_NAME: images, TEXT_NAME: 0 * ids, YEAR_NAME: 0 * years}
        before = _run(alone, nothing, size, OUTPUT_NAME)
        if not np.array_equal(_run(with_text, nothing, size, OUTPUT_NAME), before):
            raise ModelError(
                "The exported file was not written: without a text, its scores differ from those "
                "of the picture alone."
            )
        logits = _run(_with_logits(alone), nothing, size, _LOGITS_NAME)
        expected = 1 / (1 + np.exp(-stored_head(head, precision)(logits, told)))
        something = {**nothing, TEXT_NAME: ids, YEAR_NAME: years}
        scores = _run(with_text, something, size, OUTPUT_NAME)
        largest = float(np.abs(scores - expected).max())
        if not largest <= tolerance:  # also true for NaN
            raise ModelError(
                f"The exported file was not written: with a text, its scores differ from the "
                f"trained ones by {largest:.2g}, more than {tolerance:.0e}."
            )


def _drawn(head: TextHead, count: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return the ids and years of drawn texts, some of them unknown or empty."""
    random = np.random.default_rng(0)
    known = np.flatnonzero(head.table[:, -1])
    ids = np.zeros((count, head.text.length), dtype=np.int32)
    for place, row in enumerate(ids):
        some = random.choice(known, size=min(place, len(known), head.text.length), replace=False)
        row[: len(some)] = some
    years = random.integers(1880, 2060, count).astype(np.int32)
    years[::3] = 0
    return ids, years if head.text.year else 0 * years


def _run(proto: Any, inputs: dict[str, Array], size: int, name: str) -> Array:
    """Return what a graph computes under a name, ``size`` images at a time."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    taken = {end.name: inputs[end.name] for end in session.get_inputs()}
    count = len(inputs[INPUT_NAME])
    parts = [
        session.run([name], {end: values[at : at + size] for end, values in taken.items()})[0]
        for at in range(0, count, size)
    ]
    return np.concatenate(parts)


def _with_logits(proto: Any) -> Any:
    """Return a copy of a graph that has one more output: its logits, in float32."""
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    _, sigmoid = last_sigmoid(copy.graph)
    float32 = onnx.TensorProto.FLOAT
    copy.graph.node.append(
        onnx.helper.make_node("Cast", [sigmoid.input[0]], [_LOGITS_NAME], to=float32)
    )
    copy.graph.output.append(onnx.helper.make_tensor_value_info(_LOGITS_NAME, float32, None))
    return copy
