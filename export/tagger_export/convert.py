"""Keras → ONNX through a traced function, which keeps the names and a free batch dimension."""

from __future__ import annotations

from typing import Any

import onnx
from tagger_training.backend import quiet_import

from tagger.errors import ModelError
from tagger.network.card import METADATA_KEY, ModelCard
from tagger.network.ort import INPUT_NAME, OUTPUT_NAME

with quiet_import():
    import tensorflow as tf
    import tf2onnx

#: The highest opset that tf2onnx 1.17 supports.
OPSET = 18


def to_onnx(model: Any, card: ModelCard) -> Any:
    """Convert a Keras model and store its card in the metadata.

    ``tf2onnx.convert.from_keras`` fails for Sequential models (onnx/tensorflow-onnx#2448), so the
    model is wrapped in a ``tf.function`` with an explicit signature.

    Args:
        model: Keras model, uint8 ``(batch, height, width, 3)`` → ``(batch, labels)``.
        card: the model's card.

    Returns:
        A checked ``onnx.ModelProto``.

    Raises:
        ModelError: the model does not match its card, or the conversion produced an invalid graph.
    """
    expected = ((None, card.height, card.width, 3), (None, len(card.labels)))
    if (model.input_shape, model.output_shape) != expected:
        raise ModelError(
            f"The model maps {model.input_shape} to {model.output_shape}, but its card specifies "
            f"{expected[0]} to {expected[1]}."
        )

    def network(images: Any) -> Any:
        return tf.identity(model(images, training=False), name=OUTPUT_NAME)

    signature = [tf.TensorSpec(expected[0], tf.uint8, name=INPUT_NAME)]
    proto, _ = tf2onnx.convert.from_function(
        tf.function(network, input_signature=signature), input_signature=signature, opset=OPSET
    )
    _name_ends(proto)
    seal(proto, card)
    return proto


def seal(proto: Any, card: ModelCard) -> None:
    """Store the card in a graph, drop metadata left by tools, and check the graph.

    Args:
        proto: an ``onnx.ModelProto``, changed in place.
        card: the model's card.

    Raises:
        ModelError: the graph is invalid.
    """
    proto.producer_name, proto.producer_version = "poster-tagger", card.version
    proto.graph.name = "poster-tagger"
    proto.graph.doc_string = ""
    used = {node.domain for node in proto.graph.node} | {""}
    kept = [opset for opset in proto.opset_import if opset.domain in used]
    del proto.opset_import[:]
    proto.opset_import.extend(kept)
    onnx.helper.set_model_props(proto, {METADATA_KEY: card.to_json()})
    try:
        # A graph with random layers is silently written as an invalid file
        # (onnx/tensorflow-onnx#2395); only the checker finds it.
        onnx.checker.check_model(proto, full_check=True)
    except onnx.checker.ValidationError as error:
        raise ModelError(f"The conversion produced an invalid graph: {error}.") from None


def _name_ends(proto: Any) -> None:
    """Give input and output their fixed names, whatever tracing called them."""
    new_names = {
        proto.graph.input[0].name: INPUT_NAME,
        proto.graph.output[0].name: OUTPUT_NAME,
    }
    for node in proto.graph.node:
        for names in (node.input, node.output):
            names[:] = [new_names.get(name, name) for name in names]
    for end in (proto.graph.input[0], proto.graph.output[0]):
        end.name = new_names[end.name]
        end.type.tensor_type.shape.dim[0].dim_param = "batch"
