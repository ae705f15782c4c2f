"""An fp32 graph → the same network in float16 or int8, with the tools of ONNX Runtime."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import onnx
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16

from tagger.errors import ModelError
from tagger.network.ort import INPUT_NAME
from tagger.results import Pixels
from tagger_export.bias_correction import correct_biases
from tagger_export.image_bytes import take_bytes_as_they_are
from tagger_export.pixel_groups import read_groups_of_pixels

# Operations on feature maps; the layers between two of these stay in int8.
_QUANTIZED = ("Conv", "Clip", "Relu", "Add", "MaxPool")


def to_float16(fp32: Path) -> Any:
    """Return the network with weights and arithmetic in float16, for CUDA.

    Input and output keep their types: uint8 ``images``, float32 ``scores``.

    Args:
        fp32: the original's file.
    """
    with tempfile.TemporaryDirectory() as scratch:
        return convert_float_to_float16(onnx.load(_folded(fp32, Path(scratch))), keep_io_types=True)


def to_int8(fp32: Path, images: Iterable[Pixels]) -> Any:
    """Return the network with int8 weights and uint8 feature maps, for CPUs.

    Static quantization in QDQ form, with one scale per channel of the weights. From the pooling on
    the network stays in float32: that is very little of the arithmetic, and most of the loss. The
    range of a feature map spans its smallest to its largest value on the images: percentile or
    entropy ranges score the same and take ten times as long to find. Signed feature maps take
    nearly twice as long as unsigned ones on x86. Finally, biases are corrected
    (:mod:`tagger_export.bias_correction`), which halves the difference in scores.

    Args:
        fp32: the original's file.
        images: uint8, shape ``(height, width, 3)`` each, to determine the ranges.

    Raises:
        ModelError: there is no convolution in the network.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folded, file = _folded(fp32, Path(scratch)), Path(scratch) / "int8.onnx"
        original, calibration = onnx.load(folded), _Calibration(images)
        quantize_static(
            folded,
            file,
            calibration,
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(_QUANTIZED),
            nodes_to_quantize=_feature_layers(original),
            per_channel=True,
            # 7-bit weights: with 8 bits, sums overflow silently on x86 CPUs without VNNI (AMD
            # before Zen 4, Intel before 2019). It costs 0.0007 macro-AP on posters.
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        quantized = onnx.load(file)
        correct_biases(quantized, original, calibration.kept)
        take_bytes_as_they_are(quantized)
        read_groups_of_pixels(quantized)
        return quantized


class _Calibration:
    """Passes images to the quantizer one at a time, like its ``CalibrationDataReader``.

    Attributes:
        kept: every fourth image: enough for means, and not too much for memory.
    """

    def __init__(self, images: Iterable[Pixels]) -> None:
        self._images: Iterator[tuple[int, Pixels]] = enumerate(images)
        self.kept: list[Pixels] = []

    def get_next(self) -> dict[str, Pixels] | None:
        """Return the next input of the network; None at the end."""
        number, image = next(self._images, (0, None))
        if image is None:
            return None
        if number % 4 == 0:
            self.kept.append(image)
        return {INPUT_NAME: image[None]}


def _folded(fp32: Path, scratch: Path) -> Path:
    """Fold batch normalisation and constants into the preceding convolutions."""
    file = scratch / "folded.onnx"
    # Pass the file: a graph in memory would be emptied. Symbolic shapes need sympy.
    quant_pre_process(fp32, file, skip_symbolic_shape=True)
    return file


def _feature_layers(proto: Any) -> list[str]:
    """Return the names of the layers from the first convolution up to the pooling."""
    nodes = list(proto.graph.node)
    convolutions = [i for i, node in enumerate(nodes) if node.op_type == "Conv"]
    if not convolutions:
        raise ModelError("The network has no convolutions, so int8 does not apply to it.")
    first, last = convolutions[0], convolutions[-1]
    until_pooling = takewhile(lambda node: node.op_type in _QUANTIZED, nodes[last:])
    layers = [*nodes[first:last], *until_pooling]
    return [node.name for node in layers if node.op_type in _QUANTIZED]
