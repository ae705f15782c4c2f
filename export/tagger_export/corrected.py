"""A model file and corrected images → a model file whose last layer has learned from them."""

from __future__ import annotations

import dataclasses
import datetime
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from tagger_training.head_correction import FOLDS, learn_correction
from tagger_training.metrics import binary_log_loss, macro_average_precision

from tagger.errors import DataError, ModelError, OutputError, os_reason
from tagger.files.write import write_whole
from tagger.network.card import ModelCard
from tagger.network.model import read_card
from tagger.network.ort import INPUT_NAME, onnxruntime
from tagger.network.text_ids import text_inputs
from tagger.results import Pixels
from tagger_export.convert import seal
from tagger_export.graphs import add_constant, constant, drop_unused
from tagger_export.text_graph import last_sigmoid

Array = npt.NDArray[Any]

#: With fewer, nothing can be held out.
LEAST_IMAGES = 20

_BATCH = 16
_SUFFIX = "_corrected"
# Between what was learned and what the written file gives.
_TOLERANCE = {"fp16": 0.02}
_EXACT = 0.002

# What a card says of the former network's quality, or promises by it.
_OF_THE_FORMER = ("validation", "validation_with_text", "precision_check")


@dataclass(frozen=True)
class Corrected:
    """What was learned.

    Attributes:
        images: that it was learned from.
        before: macro-AP and log-loss of the model that was given.
        after: the same of the corrected one, on images that were held out of its learning.
    """

    images: int
    before: tuple[float, float]
    after: tuple[float, float]


def correct_model(
    source: Path, pixels: Pixels, targets: Array, output: Path, name: str | None = None
) -> Corrected:
    """Learn a last layer from labelled images, and write the model if it is better.

    Args:
        source: the model.
        pixels: uint8, shape ``(images, height, width, 3)`` of the model's input.
        targets: 0/1, shape ``(images, labels)``, in the order of the model's labels.
        output: the file to write.
        name: of the model in its card; None takes that of the model given.

    Raises:
        DataError: there are too few images, or the corrected model is no better.
        ModelError: the network has no last layer that could be corrected.
        OutputError: the file cannot be written.
    """
    if len(targets) < LEAST_IMAGES:
        raise DataError(
            f"{len(targets)} corrected images are too few to learn from: correct at least "
            f"{LEAST_IMAGES}."
        )
    card, proto = read_card(source), onnx.load(os.fspath(source))
    layer = _last_layer(proto.graph, len(card.labels), source)
    features, logits = _outputs(proto, card, layer.ends, pixels)
    learned = learn_correction(features, logits, targets)
    scored = np.array([label not in card.never for label in card.labels])
    before = _measured(targets, 1 / (1 + np.exp(-logits)), scored)
    after = _measured(targets, learned.scores, scored)
    if not (after[0] > before[0] and after[1] < before[1]):
        raise DataError(
            f"The corrected model is no better on images that it has not learned from (macro-AP "
            f"{before[0]:.3f} before, {after[0]:.3f} after; log-loss {before[1]:.4f} and "
            f"{after[1]:.4f}), so none is written: correct more images."
        )
    _change(proto.graph, layer, learned.kernel, learned.bias)
    result = Corrected(len(targets), before, after)
    seal(proto, _card(card, result, name))
    _check(proto, card, pixels, logits + features @ learned.kernel + learned.bias)
    try:
        write_whole(output, proto.SerializeToString())
    except OSError as error:
        raise OutputError(f"{output} cannot be written: {os_reason(error)}.") from None
    return result


def last_layer_outputs(source: Path, pixels: Pixels) -> tuple[Array, Array]:
    """Return what a model's last layer gets and gives for images.

    Args:
        source: the model.
        pixels: uint8, shape ``(images, height, width, 3)`` of the model's input.

    Returns:
        float64 features, shape ``(images, features)``, and logits, shape ``(images, labels)``.

    Raises:
        ModelError: it has no layer that could be corrected.
    """
    card, proto = read_card(source), onnx.load(os.fspath(source))
    layer = _last_layer(proto.graph, len(card.labels), source)
    return _outputs(proto, card, layer.ends, pixels)


@dataclass(frozen=True)
class _Layer:
    """The layer that makes logits of features.

    Attributes:
        multiplies: its node that multiplies by the kernel.
        adds: its node that adds the bias; often the same.
        bias_place: of the bias among that node's inputs.
    """

    multiplies: Any
    adds: Any
    bias_place: int

    @property
    def ends(self) -> tuple[str, str]:
        """The names of what it gets and of what it gives."""
        return self.multiplies.input[0], self.adds.output[0]

    @property
    def is_turned(self) -> bool:
        """Whether its kernel has the shape ``(labels, features)``."""
        return any(one.name == "transB" and one.i == 1 for one in self.multiplies.attribute)


def _last_layer(graph: Any, labels: int, source: Path) -> _Layer:
    """Return the layer that makes logits of features.

    Behind it there may be what texts say, which takes the logits.
    """
    makers = {output: node for node in graph.node for output in node.output}
    waiting, seen = [last_sigmoid(graph)[1].input[0]], set()
    while waiting:
        node = makers.get(waiting.pop())
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        layer = _whole_layer(node) if node.op_type == "Gemm" else _layer_of_two(node, makers)
        if layer is not None:
            kernel = constant(graph, layer.multiplies.input[1])
            bias = constant(graph, layer.adds.input[layer.bias_place])
            if kernel is not None and bias is not None and bias.shape == (labels,):
                return layer
        waiting += node.input
    raise ModelError(
        f"{source} has no last layer that could learn from corrections: use a model made with "
        "'tagger export'."
    )


def _whole_layer(node: Any) -> _Layer | None:
    given = {one.name: one for one in node.attribute}
    is_plain = ("transA" not in given or given["transA"].i == 0) and all(
        name not in given or given[name].f == 1 for name in ("alpha", "beta")
    )
    return _Layer(node, node, 2) if is_plain and len(node.input) == 3 else None


def _layer_of_two(node: Any, makers: dict[str, Any]) -> _Layer | None:
    """Return the layer that a node ends, if it adds to a product."""
    if node.op_type != "Add":
        return None
    for place, name in enumerate(node.input):
        maker = makers.get(name)
        if maker is not None and maker.op_type == "MatMul":
            return _Layer(maker, node, 1 - place)
    return None


def _outputs(
    proto: Any, card: ModelCard, names: tuple[str, str], pixels: Pixels
) -> tuple[Array, Array]:
    """Return what the network makes of images on the way, float64."""
    cut = onnx.ModelProto()
    cut.CopyFrom(proto)
    for name in names:
        cut.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    parts = list(_run(cut, card, list(names), pixels))
    features, logits = (
        np.concatenate(part).astype(np.float64) for part in zip(*parts, strict=True)
    )
    return features, logits


def _run(
    proto: Any, card: ModelCard, names: list[str], pixels: Pixels
) -> Iterator[list[npt.NDArray[np.float32]]]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    for start in range(0, len(pixels), _BATCH):
        batch = np.ascontiguousarray(pixels[start : start + _BATCH])
        yield session.run(names, {INPUT_NAME: batch, **text_inputs((), len(batch), card.text)})


def _measured(targets: Array, scores: Array, scored: Array) -> tuple[float, float]:
    """Return macro-AP and log-loss.

    Scores of different folds come from different layers, so images are ranked within each fold.
    """
    fold_of = np.arange(len(targets)) % FOLDS
    ranked = [
        macro_average_precision(targets[fold_of == fold], scores[fold_of == fold], scored)
        for fold in range(FOLDS)
    ]
    return float(np.nanmean(ranked)), binary_log_loss(targets, scores)


def _change(graph: Any, layer: _Layer, kernel: Array, bias: Array) -> None:
    """Add to the layer's weights; other nodes may share their constants."""
    changes = (
        (layer.multiplies, 1, kernel.T if layer.is_turned else kernel),
        (layer.adds, layer.bias_place, bias),
    )
    for node, place, change in changes:
        former = constant(graph, node.input[place])
        name = f"{node.input[place]}{_SUFFIX}"
        add_constant(graph, name, (former.astype(np.float64) + change).astype(former.dtype))
        node.input[place] = name
    drop_unused(graph)


def _card(card: ModelCard, result: Corrected, name: str | None) -> ModelCard:
    today = datetime.date.today().isoformat()
    kept = {key: value for key, value in card.provenance.items() if key not in _OF_THE_FORMER}
    learned = {
        "of": f"{card.name} {card.version}",
        "images": result.images,
        "macro_ap_before": round(result.before[0], 4),
        "macro_ap_after": round(result.after[0], 4),
        "log_loss_before": round(result.before[1], 4),
        "log_loss_after": round(result.after[1], 4),
    }
    return dataclasses.replace(
        card,
        name=name or card.name,
        version=today,
        precision_thresholds={},
        provenance={**kept, "date": today, "corrected": learned},
    )


def _check(proto: Any, card: ModelCard, pixels: Pixels, logits: Array) -> None:
    """Raise ModelError if the file does not give what was learned."""
    some = pixels[:_BATCH]
    (scores,) = next(_run(proto, card, ["scores"], some))
    wanted = 1 / (1 + np.exp(-logits[: len(some)]))
    if np.abs(scores - wanted).max() > _TOLERANCE.get(card.precision, _EXACT):
        raise ModelError("The corrected network does not give the scores that were learned.")
