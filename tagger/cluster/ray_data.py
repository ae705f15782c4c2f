"""A data set of Ray: paths → lots of images on workers → results, in the order of the paths."""

from __future__ import annotations

import logging
import os
import pickle
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from tagger.cluster.head import answers, gone, while_it_answers
from tagger.cluster.work import Network, Reader, ReaderAndNetwork, Work
from tagger.errors import TaggerError
from tagger.pipeline.pipeline import batches
from tagger.results import Failed, Result
from tagger.text import printable

if TYPE_CHECKING:
    from tagger.cluster.ray_cluster import Cluster

logger = logging.getLogger(__name__)

# Images of one data set. Ray must know all paths of one when it begins, so that memory grows with
# them; to begin another one takes seconds.
_MOST_IMAGES: Final = 500_000

# Images that travel together: a second's work of a core, or a fraction of a GPU's.
_LOT: Final = 64
_LOT_ON_GPU: Final = 256

# Losses one after the other without a result between them.
_MOST_LOSSES: Final = 3


class LostError(Exception):
    """A worker or its node is gone, and what it had is to be done again."""


def tag_on_ray(
    paths: Iterable[str],
    cluster: Cluster,
    work: Work,
) -> Iterator[list[Result]]:
    """Tag images on a cluster, and yield some results together, in the order of the paths.

    An image that cannot be read keeps its place as a Failed. What was lost with a node is done
    again on others.

    Args:
        paths: image files; consumed half a million ahead.
        cluster: the cluster.
        work: what workers do.

    Raises:
        TaggerError: the network fails, or the cluster does.
    """
    for some in batches(paths, _MOST_IMAGES):
        done, losses = 0, 0
        while done < len(some):
            data = _DataSet(cluster, work)
            try:
                for results in data.results(some[done:]):
                    yield results
                    done, losses = done + len(results), 0
            except LostError as lost:
                if not answers(cluster.head):
                    raise gone(cluster.head) from None
                losses += 1
                logger.info("%s; %d images of %d are done", lost, done, len(some))
                if losses == _MOST_LOSSES:
                    raise TaggerError(
                        f"Workers of the Ray cluster end again and again at "
                        f"{printable(some[done])} or an image after it ({lost}): with --isolate, "
                        "an image that crashes its decoder fails alone."
                    ) from None


class _DataSet:
    """Some images on their way through a cluster."""

    def __init__(self, cluster: Cluster, work: Work) -> None:
        self._cluster, self._work = cluster, work

    def results(self, paths: Sequence[str]) -> Iterator[list[Result]]:
        """Yield what becomes of the images, in their order.

        Raises:
            LostError: a worker is gone.
            TaggerError: the network fails, or the cluster does.
        """
        from ray.exceptions import RayError, RayTaskError

        self._cluster.check_room()
        with warnings.catch_warnings():
            # Of max_restarts, which goes with Ray 2.64: until then it must be said this way.
            warnings.simplefilter("ignore")
            data = self._planned(paths)
        try:
            lots = data.iter_batches(batch_size=None, batch_format="numpy")
            for lot in while_it_answers(lots, self._cluster.head):
                # S301: of a worker of ours.
                outcomes = [pickle.loads(one) for one in lot["outcome"]]  # noqa: S301
                if error := next((one for one in outcomes if isinstance(one, TaggerError)), None):
                    raise error
                yield [_result(*one) for one in outcomes]
        except RayTaskError as error:  # what a worker raised
            raise TaggerError(f"A worker of the Ray cluster failed: {said(error)}.") from error
        except RayError as error:
            raise LostError(said(error)) from error
        logger.info("%s", data.stats())

    def _planned(self, paths: Sequence[str]) -> Any:
        """Return the data set, which begins when it is iterated over."""
        import pyarrow
        import ray.data

        gpus, workers = self._cluster.gpus, self._cluster.workers()
        constructed = {"fn_constructor_args": (self._work,)}
        context = ray.data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        lots = [
            pyarrow.table({"path": pyarrow.array(map(os.fsencode, lot), pyarrow.binary())})
            for lot in batches(paths, _lot(len(paths), workers, gpus))
        ]
        data = ray.data.from_arrow(lots)
        # A worker is not started again on a node that is gone: what it had would wait for that.
        pool = {"compute": ray.data.ActorPoolStrategy(size=workers), "max_restarts": 0}
        if not gpus:
            return data.map_batches(
                ReaderAndNetwork, batch_size=None, num_cpus=1, **constructed, **pool
            )
        read = data.map_batches(Reader(self._work), batch_size=None, num_cpus=1)
        size = _LOT_ON_GPU
        return read.map_batches(
            Network, batch_size=size, num_cpus=0, num_gpus=gpus, **constructed, **pool
        )


def _lot(images: int, workers: int, gpus: float) -> int:
    """Return how many images travel together: fewer than usual if workers would have none."""
    return max(1, min(_LOT_ON_GPU if gpus else _LOT, images // (8 * workers)))


def _result(result: Result, unseen_by: str | None) -> Result:
    """Return the result of an image; ``unseen_by`` is a node where its file is not there."""
    if isinstance(result, Failed) and unseen_by is not None and os.path.exists(result.path):
        return result._replace(reason=f"node {unseen_by} does not see it, but this machine does")
    return result


def said(error: BaseException) -> str:
    """Return the last line of what Ray says of an error: before it come tracebacks."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:300].rstrip(".") if lines else type(error).__name__
