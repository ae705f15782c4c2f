"""Connects to a Ray cluster, or starts one on this machine for a run alone and ends it again.

Ray is imported when a run asks for it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, Final

from tagger.cluster.head import answers
from tagger.cluster.ray_cluster import Cluster, RayPlan
from tagger.decode.patience import Patience
from tagger.errors import MissingExtraError, TaggerError, UsageError, first_line
from tagger.network.devices import available_cores

logger = logging.getLogger(__name__)

# Seconds, to leave a cluster; a head that is gone does not answer.
_TO_END: Final = 10.0

# Threads that take what comes of a data set: ours and Ray's.
_OF_DATA_SETS: Final = ("ray", "iter_threaded")

# As few words as possible on the screen, and none to others.
_SETTINGS: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # Otherwise a thread that calls Ray after its end starts it again.
    "RAY_ENABLE_AUTO_CONNECT": "0",
}


@contextmanager
def connected(plan: RayPlan) -> Iterator[Cluster]:
    """Connect to a cluster, or start one on this machine, and end what was started.

    Raises:
        MissingExtraError: Ray is not installed.
        TaggerError: there is no cluster, or it cannot be used.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
        import ray.data  # here and not in the middle of a run
    except ModuleNotFoundError as error:
        raise MissingExtraError("--engine ray", "ray", error.name) from None
    _silence(ray)
    with ThreadPoolExecutor(1) as thread, contextlib.ExitStack() as stack:

        def begin(**how: Any) -> None:
            # In a thread of its own: to its end even if this one is interrupted, so that no half is
            # left, and without a change of this program's reaction to signals. On Linux, what Ray
            # starts ends with this thread.
            begun = thread.submit(ray.init, log_to_driver=False, logging_level="CRITICAL", **how)
            stack.callback(wait, [begun])
            begun.result()

        # What was started here is waited for.
        stack.callback(_disconnect, ray, None if plan.address is None else _TO_END)
        if plan.address is None:
            _start(ray, begin, plan, stack)
        else:
            _join(begin, plan.address)
        yield Cluster(plan)


def _silence(ray: Any) -> None:
    """Keep Ray from printing: what matters comes back as a value, or as an error."""
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)

    # What its nodes say of themselves goes to standard output, which may be a table, even with
    # log_to_driver=False. There is no setting for it (seen with 2.60).
    def passed_over(data: Mapping[str, Any], *_: object, **__: object) -> None:
        for line in data["lines"]:
            logger.info("%s", line)

    ray._private.worker.print_to_stdstream = passed_over  # noqa: SLF001


def _start(
    ray: Any, begin: Callable[..., None], plan: RayPlan, stack: contextlib.ExitStack
) -> None:
    # Paths of sockets may have about 100 bytes, so not below a folder with a long name.
    base = "/tmp" if os.path.isdir("/tmp") else None  # noqa: S108 (a new folder in it)
    folder = tempfile.mkdtemp(prefix=f"tagger-ray-{os.getpid()}-", dir=base)
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    stack.callback(_disconnect, ray, None)  # before its folder goes
    # Otherwise Ray keeps one in the home folder.
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    with _elsewhere(folder):
        try:
            begin(
                address="local",
                num_cpus=max(available_cores(), plan.concurrency or 0),
                include_dashboard=False,
                _temp_dir=folder,
            )
        except (RuntimeError, OSError, ValueError, ray.exceptions.RayError) as error:
            raise TaggerError(
                f"Ray cannot be started on this machine: {first_line(error)}."
            ) from None


def _join(begin: Callable[..., None], address: str) -> None:
    shown = f"--ray-address {address}"
    if "://" in address:
        raise UsageError(
            f"{shown}: give HOST:PORT of the cluster's head, and start tagger on one of its nodes.",
            "ray-address",
        )
    found = os.environ.get("RAY_ADDRESS", "auto") if address == "auto" else address
    if found != "auto":
        _check_head(found, shown)
    with tempfile.TemporaryDirectory(prefix="tagger-ray-") as folder, _elsewhere(folder):
        try:
            begin(address=found)
        except (ConnectionError, RuntimeError, OSError, ValueError) as error:
            nowhere = "no Ray cluster runs on this machine"
            reason = nowhere if found == "auto" else first_line(error)
            raise TaggerError(f"{shown}: {reason}.", "ray-address") from None


def _check_head(address: str, shown: str) -> None:
    """Check that a head answers: Ray itself would try for minutes, and then end the process."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise UsageError(f"{shown}: give auto, or HOST:PORT of the cluster's head.", "ray-address")
    if not answers(address):
        raise TaggerError(
            f"{shown}: no Ray cluster answers there. Check the address, and that the cluster runs "
            "('ray status').",
            "ray-address",
        )


@contextmanager
def _elsewhere(folder: str) -> Iterator[None]:
    """Change the current folder for a moment.

    Workers look for modules in the folder that Ray was started in, and people start tagger in
    folders that anybody may have put something into.
    """
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _disconnect(ray: Any, seconds: float | None) -> None:
    patience = Patience(seconds)
    for end in (_end_data_sets, ray.shutdown):
        with contextlib.suppress(Exception):  # whatever is wrong with it: the run is over
            patience(end)


def _end_data_sets() -> None:
    """End what still works on data sets: Ray ends this process if that finds its node gone."""
    from ray.data._internal.execution.streaming_executor import StreamingExecutor

    executors = [one for one in threading.enumerate() if isinstance(one, StreamingExecutor)]
    for executor in executors:
        executor.shutdown(force=False)
    for thread in threading.enumerate():
        if thread.name in _OF_DATA_SETS:
            thread.join(_TO_END)
