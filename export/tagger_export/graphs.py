"""Constants of an ONNX graph: read, added, replaced, dropped."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from onnx import numpy_helper


def constant(graph: Any, name: str) -> Any:
    """Return the values of a constant; None where there is none of this name."""
    found = (one for one in graph.initializer if one.name == name)
    return next((numpy_helper.to_array(one) for one in found), None)


def add_constant(graph: Any, name: str, values: npt.NDArray[Any]) -> None:
    """Add a constant under a name that is free."""
    graph.initializer.append(numpy_helper.from_array(values, name))


def replace_constant(graph: Any, node: Any, place: int, values: npt.NDArray[Any]) -> None:
    """Give one node another constant; others may share the one that it had."""
    name = f"{node.input[place]}_groups"
    add_constant(graph, name, values)
    node.input[place] = name


def drop_unused(graph: Any) -> None:
    """Drop constants that no node takes, and notes on types that may no longer be true."""
    used = {name for node in graph.node for name in node.input}
    for one in [one for one in graph.initializer if one.name not in used]:
        graph.initializer.remove(one)
    del graph.value_info[:]
