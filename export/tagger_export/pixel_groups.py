"""The first layer of an int8 network, rewritten so that ONNX Runtime has a fast kernel for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import helper

from tagger.network.ort import INPUT_NAME
from tagger_export.graphs import add_constant, constant, drop_unused, replace_constant

# Pixels that are read as one with this many times the channels: four times three is twelve.
_GROUP = 4


def read_groups_of_pixels(model: Any) -> None:
    """Make the first convolution read four pixels of a row as one with twelve channels.

    ONNX Runtime has fast int8 convolutions for multiples of four channels; with three, the first
    layer takes a tenth of the network's time. TensorFlow applies a similar space-to-depth transform
    on TPUs (Ying et al., "Image Classification at Supercomputer Scale", 2018). Along rows, bytes
    stay where they are, and so do the several results of each group. Weights for pixels outside the
    kernel are zero, and integers give the same sum in any order.

    A network that does not begin with a convolution of the images' bytes is left unchanged, and so
    is one with rows that cannot be divided into such groups.

    Args:
        model: in QDQ form, an ONNX model; changed in place.
    """
    graph = model.graph
    stem = _find_stem(graph)
    if stem is None:
        return
    kernel, first, last = _kernel_of_groups(stem)
    top, _, bottom, _ = stem.pads
    filters, channels, height, _ = stem.kernel.shape
    results = _GROUP // stem.strides[1]
    replace_constant(graph, stem.weight, 0, kernel)
    for dequantizing in (stem.weight, *stem.bias):
        for place, name in enumerate(dequantizing.input):
            values = constant(graph, name)
            if values is not None and values.shape == (filters,):
                replace_constant(graph, dequantizing, place, np.tile(values, results))
    for name, numbers in (
        ("strides", (stem.strides[0], 1)),
        ("pads", (top, -first, bottom, last)),
        ("kernel_shape", kernel.shape[2:]),
    ):
        _set_attribute(stem.convolution, name, numbers)

    rows = (stem.height + top + bottom - height) // stem.strides[0] + 1
    _reshape_input(graph, stem, (-1, stem.height, stem.width // _GROUP, _GROUP * channels))
    _reshape_results(graph, stem, (-1, rows, stem.width // stem.strides[1], filters))
    drop_unused(graph)


@dataclass(frozen=True)
class _Stem:
    """A convolution of the images' bytes, and the nodes around it.

    Attributes:
        height: of the images.
        width: of the images.
        transposed: the node that moves the channels before the rows.
        convolution: the node.
        weight: the node that dequantizes its weights.
        bias: the same for its bias, if it has one.
        quantized: the node that quantizes its results.
        kernel: shape ``(filters, channels, rows, columns)``.
        strides: down and across.
        pads: top, left, bottom, right.
    """

    height: int
    width: int
    transposed: Any
    convolution: Any
    weight: Any
    bias: tuple[Any, ...]
    quantized: Any
    kernel: npt.NDArray[np.int8]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]


def _find_stem(graph: Any) -> _Stem | None:
    nodes, name = [], INPUT_NAME
    for operator in ("Transpose", "DequantizeLinear", "Conv", "QuantizeLinear"):
        takers = [node for node in graph.node if name in node.input]
        if len(takers) != 1 or takers[0].op_type != operator:
            return None
        nodes.append(takers[0])
        name = takers[0].output[0]
    transposed, _, convolution, quantized = nodes
    producers = {name: node for node in graph.node for name in node.output}
    constants = [producers.get(name) for name in convolution.input[1:]]
    kernel = constant(graph, constants[0].input[0]) if constants[0] is not None else None
    attributes = {one.name: helper.get_attribute_value(one) for one in convolution.attribute}
    strides, pads = attributes.get("strides", [1, 1]), attributes.get("pads", [0, 0, 0, 0])
    height, width = (end.dim_value for end in graph.input[0].type.tensor_type.shape.dim[1:3])
    if (
        kernel is None
        or None in constants
        or list(helper.get_node_attr_value(transposed, "perm")) != [0, 3, 1, 2]
        or attributes.get("auto_pad", b"NOTSET") != b"NOTSET"
        or attributes.get("group", 1) != 1
        or attributes.get("dilations", [1, 1]) != [1, 1]
        or width % _GROUP
        or _GROUP % strides[1]
        or (width + pads[1] + pads[3] - kernel.shape[3]) // strides[1] + 1 != width // strides[1]
    ):
        return None
    return _Stem(
        height, width, transposed, convolution, constants[0], tuple(constants[1:]), quantized,
        kernel, tuple(strides), tuple(pads),
    )  # fmt: skip


def _kernel_of_groups(stem: _Stem) -> tuple[npt.NDArray[np.int8], int, int]:
    """Return the kernel for groups of pixels, and the first and last group that it covers.

    Groups are counted from the one that contains the results.
    """
    filters, channels, height, width = stem.kernel.shape
    left, stride = stem.pads[1], stem.strides[1]
    results = _GROUP // stride
    first = -left // _GROUP
    last = (stride * (results - 1) + width - 1 - left) // _GROUP
    shape = (results, filters, _GROUP, channels, height, last - first + 1)
    kernel = np.zeros(shape, stem.kernel.dtype)
    for result in range(results):
        for column in range(width):
            group, pixel = divmod(stride * result + column - left, _GROUP)
            kernel[result, :, pixel, :, :, group - first] = stem.kernel[:, :, :, column]
    return kernel.reshape(results * filters, _GROUP * channels, *shape[4:]), first, last


def _set_attribute(node: Any, name: str, numbers: tuple[int, ...]) -> None:
    for old in [one for one in node.attribute if one.name == name]:
        node.attribute.remove(old)
    node.attribute.append(helper.make_attribute(name, numbers))


def _reshape_input(graph: Any, stem: _Stem, shape: tuple[int, ...]) -> None:
    groups = f"{INPUT_NAME}_groups"
    add_constant(graph, f"{groups}_shape", np.array(shape))
    node = helper.make_node("Reshape", [INPUT_NAME, f"{groups}_shape"], [groups], groups)
    graph.node.insert(list(graph.node).index(stem.transposed), node)
    stem.transposed.input[0] = groups


def _reshape_results(graph: Any, stem: _Stem, shape: tuple[int, ...]) -> None:
    """Place the results of a group, which come as channels, next to each other.

    They are quantized again around each step with the same scale, which has no effect: in this form
    ONNX Runtime and OpenVINO recognise that integers pass through, and omit the arithmetic.
    """
    name, after = stem.quantized.output[0], list(graph.node).index(stem.quantized) + 1
    add_constant(graph, f"{name}_shape", np.array(shape))
    steps: tuple[tuple[str, list[str], dict[str, Any]], ...] = (
        ("Transpose", [], {"perm": [0, 2, 3, 1]}),
        ("Reshape", [f"{name}_shape"], {}),
        ("Transpose", [], {"perm": [0, 3, 1, 2]}),
    )
    step = stem.quantized.input[1:]
    given = stem.quantized.output[0] = f"{name}_groups"
    added = []
    for number, (operator, others, how) in enumerate(steps):
        real, moved = f"{name}_real_{number}", f"{name}_moved_{number}"
        taken = name if number == len(steps) - 1 else f"{name}_step_{number}"
        added += [
            helper.make_node("DequantizeLinear", [given, *step], [real], real),
            helper.make_node(operator, [real, *others], [moved], moved, **how),
            helper.make_node("QuantizeLinear", [moved, *step], [taken], taken),
        ]
        given = taken
    for place, node in enumerate(added):
        graph.node.insert(after + place, node)
