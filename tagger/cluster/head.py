"""Whether the head of a Ray cluster answers: when a run begins, and while nothing comes of it."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar

from tagger.decode.patience import Patience
from tagger.errors import TaggerError

Given = TypeVar("Given")

# Seconds, for a head to answer.
_TO_ANSWER: Final = 10.0

# Seconds between two questions.
_BETWEEN: Final = 4.0

# Questions without an answer that show that it is gone. Ray ends the process after 60 s.
_MOST_ASKED: Final = 3


def answers(address: str) -> bool:
    """Return whether a head answers at ``HOST:PORT``."""
    import ray

    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _TO_ANSWER):
            pass
        # Something else may listen there. It is what "ray health-check" does.
        Patience(_TO_ANSWER)(lambda: ray._raylet.GcsClient(address=address))  # noqa: SLF001
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError):
        return False
    return True


def while_it_answers(items: Iterable[Given], address: str) -> Iterator[Given]:
    """Yield items; ask the head whether it is there as long as none comes.

    Raises:
        TaggerError: it is gone. Ray itself would end this process, or wait forever.
    """
    ready: queue.Queue[Any] = queue.Queue(1)
    is_over = threading.Event()

    def put(kind: str, value: object = None) -> None:
        while not is_over.is_set():
            with contextlib.suppress(queue.Full):
                ready.put((kind, value), timeout=_BETWEEN)
                return

    def feed() -> None:
        try:
            for item in items:
                put("item", item)
                if is_over.is_set():
                    return
            put("end")
        except BaseException as error:  # raised where it is waited for
            put("error", error)

    threading.Thread(target=feed, name="ray", daemon=True).start()
    try:
        while (found := _next(ready, address))[0] != "end":
            if found[0] == "error":
                raise found[1]
            yield found[1]
    finally:
        is_over.set()


def _next(ready: queue.Queue[Any], address: str) -> Any:
    unanswered = 0
    while True:
        try:
            return ready.get(timeout=_BETWEEN)
        except queue.Empty:
            unanswered = 0 if answers(address) else unanswered + 1
        if unanswered == _MOST_ASKED:
            raise gone(address)


def gone(address: str) -> TaggerError:
    """Return what is said of a head that was there."""
    return TaggerError(
        f"The head of the Ray cluster, {address}, does not answer any more: start the cluster "
        "again, then continue with --resume."
    )
