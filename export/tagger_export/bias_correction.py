"""Give the layers of an int8 network the mean output that they had in fp32.

Rounding a layer's weights and inputs shifts the mean of each of its channels, and the shifts add up
from layer to layer. They can be measured on a few images and subtracted from the bias, which is
stored with far more precision than the weights, at no cost at run time. Source: Nagel et al.,
"Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019; the means are
measured on images, as in its section 4.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from tagger.network.ort import INPUT_NAME, onnxruntime
from tagger.results import Pixels

_BATCH = 8
# Number of outputs of the original that are read in one run.
_AT_ONCE = 8

_INT32 = np.iinfo(np.int32)


def correct_biases(quantized: Any, original: Any, images: Sequence[Pixels]) -> None:
    """Correct the biases of quantized convolutions, one after the other, in place.

    A convolution is measured once those before it are corrected. Those without a bias are skipped.

    Args:
        quantized: the network in QDQ form, an ONNX model; its convolutions have the names of the
            original's.
        original: the same network in fp32.
        images: uint8, shape ``(height, width, 3)`` each; at least one.
    """
    producers = {name: node for node in quantized.graph.node for name in node.output}
    constants = {constant.name: constant for constant in quantized.graph.initializer}
    twins = {node.name: node for node in quantized.graph.node if node.op_type == "Conv"}
    for original_output, name in _means_of_convolutions(original, images):
        twin = twins[name]
        bias = producers.get(twin.input[2]) if len(twin.input) > 2 else None
        if bias is None or bias.op_type != "DequantizeLinear":
            continue
        stored, step = (constants[constant] for constant in bias.input[:2])
        (found,) = _channel_means(quantized, [twin.output[0]], images)
        shift = np.round((original_output - found) / numpy_helper.to_array(step))
        corrected = np.clip(numpy_helper.to_array(stored) + shift, _INT32.min, _INT32.max)
        stored.CopyFrom(numpy_helper.from_array(corrected.astype(np.int32), stored.name))


def _means_of_convolutions(
    original: Any, images: Sequence[Pixels]
) -> Iterator[tuple[npt.NDArray[np.float64], str]]:
    """Yield each convolution's name and mean output, in the order of the network."""
    convolutions = [node for node in original.graph.node if node.op_type == "Conv"]
    for start in range(0, len(convolutions), _AT_ONCE):
        some = convolutions[start : start + _AT_ONCE]
        means = _channel_means(original, [node.output[0] for node in some], images)
        yield from zip(means, (node.name for node in some), strict=True)


def _channel_means(
    model: Any, names: list[str], images: Sequence[Pixels]
) -> list[npt.NDArray[np.float64]]:
    """Run a network up to some feature maps and return the mean of each of their channels."""
    cut = onnx.ModelProto()
    cut.CopyFrom(model)
    del cut.graph.output[:]
    for name in names:
        cut.graph.output.append(
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        cut.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    sums: list[Any] = [0.0] * len(names)
    for start in range(0, len(images), _BATCH):
        batch = np.stack(images[start : start + _BATCH])
        maps = session.run(names, {INPUT_NAME: batch})
        sums = [
            total + values.mean(axis=(2, 3), dtype=np.float64).sum(axis=0)
            for total, values in zip(sums, maps, strict=True)
        ]
    return [total / len(images) for total in sums]
