"""Asks every node of a Ray cluster whether it can do its part, before a run begins."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from tagger import __version__
from tagger.cluster.nodes import another_version
from tagger.cluster.ray_cluster import Cluster, Node
from tagger.errors import TaggerError, first_line
from tagger.text import printable

# Seconds, for all nodes to answer.
_TO_ANSWER: Final = 60.0

# A list may name millions.
_MOST_SEEN: Final = 1000


def check_nodes(cluster: Cluster, seen: Iterable[str]) -> None:
    """Check that every node has this package and sees what this machine does.

    Args:
        cluster: the cluster.
        seen: files and folders; only those that this machine sees count, and not very many.

    Raises:
        TaggerError: a node lacks something, or does not answer in time.
    """
    nodes = cluster.nodes()
    if not nodes:
        raise TaggerError("The Ray cluster has no nodes that can work.")
    there = list(filter(os.path.lexists, islice(seen, _MOST_SEEN)))
    answers = _ask(nodes, os.getcwd(), there)
    for node in nodes:
        _check(node, answers[node.id])
    cluster.check_room()


def _ask(nodes: Sequence[Node], folder: str, seen: list[str]) -> Mapping[str, Any]:
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    # A function in a function travels whole: a node may lack this package.
    def look() -> tuple[str | None, str | None]:
        import contextlib
        import os

        try:
            from tagger import __version__ as version
        except ImportError:
            return None, None
        with contextlib.suppress(OSError):
            os.chdir(folder)
        return version, next((one for one in seen if not os.path.lexists(one)), None)

    remote = ray.remote(num_cpus=0, max_retries=1)(look)
    asked = {
        node.id: remote.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node.id, soft=False)
        ).remote()
        for node in nodes
    }
    ready, _ = ray.wait(list(asked.values()), num_returns=len(asked), timeout=_TO_ANSWER)
    answers: dict[str, Any] = {}
    for key, answer in asked.items():
        answers[key] = TimeoutError()
        if answer in ready:
            try:
                answers[key] = ray.get(answer)
            except ray.exceptions.RayError as error:
                answers[key] = error
    return answers


def _check(node: Node, answer: Any) -> None:
    if isinstance(answer, TimeoutError):
        raise TaggerError(f"Node {node.name} did not answer in {_TO_ANSWER:.0f} s.")
    if isinstance(answer, Exception):
        raise TaggerError(f"Node {node.name} does not work: {first_line(answer)}.")
    version, unseen = answer
    if version is None:
        raise TaggerError(
            f"Node {node.name} has no poster-tagger: install version {__version__} on all nodes."
        )
    if version != __version__:
        raise TaggerError(another_version(node.name, version, __version__))
    if unseen is not None:
        raise TaggerError(
            f"Node {node.name} does not see {printable(unseen)}: all nodes must see the images by "
            "the same path as this machine, such as on a shared file system."
        )
