"""A Ray cluster on this machine: nodes that are processes, each of which can be ended."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_AUTH_TOKEN", "0" * 64)

#: What is skipped in CI would be taken for tested.
NEEDS_RAY = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None and os.environ.get("TAGGER_TEST_READERS") != "required",
    reason="ray is not installed",
)

#: A head that does no work itself.
HEAD = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": 100_000_000}


def node(name: str, **options: Any) -> dict[str, Any]:
    """Return what starts a node with one core."""
    return {"num_cpus": 1, "node_name": name, "object_store_memory": 100_000_000, **options}


@contextmanager
def cluster(*nodes: Mapping[str, Any]) -> Iterator[Any]:
    """Start a cluster with a head and these nodes besides; ``named`` finds them."""
    from ray.cluster_utils import Cluster

    started = Cluster(initialize_head=True, head_node_args=HEAD)
    try:
        started.named = {node["node_name"]: started.add_node(**node) for node in nodes}
        started.wait_for_nodes()
        yield started
    finally:
        started.shutdown()
