"""What nodes are called, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from socket import gethostname
from typing import Any

from tagger.errors import TaggerError


def another_version(where: str, there: str, here: str) -> str:
    """Say that a node has another version of this package."""
    return (
        f"Node {where} has poster-tagger {there}, this machine {here}: install the same version on "
        "all nodes."
    )


@cache
def node() -> str:
    """Return the name of the node that this process runs on."""
    import ray

    own = ray.get_runtime_context().get_node_id()
    return next((name_of(one) for one in ray.nodes() if one["NodeID"] == own), gethostname())


def name_of(one: Mapping[str, Any]) -> str:
    """Return the name of a node as a person knows it, of what Ray says of it."""
    address = str(one["NodeManagerAddress"])
    given = str(one.get("NodeName") or address)
    name = one.get("NodeManagerHostname") if given == address else given
    return f"{name} ({address})" if name and name != address else address


def plain(error: TaggerError) -> TaggerError:
    """Return an error that can be pickled, and names the node unless it does already."""
    message = str(error)
    if not message.startswith("Node "):
        message = f"Node {node()}: {message}"
    same = TaggerError(message, *error.options)
    same.exit_code = error.exit_code
    return same
