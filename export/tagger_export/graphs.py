"""Constants of an ONNX graph: read, added, replaced, dropped."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from onnx import numpy_helper


def constant(graph: Any, name: str) -> Any:
    """Return the values of a constant; None if there is none of this name."""
    found = (one for one in graph.initializer if one.name == name)
    return next((numpy_helper.to_array(one) for one in found), None)


def add_constant(graph: Any, name: str, values: npt.NDArray[Any]) -> None:
    """Add a constant under an unused name."""
    graph.initializer.append(numpy_helper.from_array(values, name))


def replace_constant(graph: Any, node: Any, place: int, values: npt.NDArray[Any]) -> None:
    """Give one node a different constant; other nodes may share its old one."""
    name = f"{node.input[place]}_groups"
    add_constant(graph, name, values)
    node.input[place] = name


def drop_unused(graph: Any) -> None:
    """Drop constants that no node uses, and type annotations that may be outdated."""
    used = {name for node in graph.node for name in node.input}
    for one in [one for one in graph.initializer if one.name not in used]:
        graph.initializer.remove(one)
    del graph.value_info[:]
