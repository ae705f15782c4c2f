"""What an image may cost: memory that all share, and time of its own."""

from __future__ import annotations

import platform
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from commands import wait_until
from pictures import save_picture

from tagger.decode.budget import Attempt, ImageError, ImageLimits, Memory

# Long enough for any machine, and short enough to see a hang.
_BOUND = 60


def waiting_for(memory: Memory, *sizes: int) -> list[threading.Thread]:
    """Start a thread for each size, and return them when all wait for their memory."""
    threads = [threading.Thread(target=memory.take, args=(size,), daemon=True) for size in sizes]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(memory._changed._waiters) == len(threads))
    return threads


def ended(threads: list[threading.Thread]) -> bool:
    """Say whether threads end."""
    for thread in threads:
        thread.join(_BOUND)
    return not any(thread.is_alive() for thread in threads)


def test_all_who_fit_go_on_at_once() -> None:
    memory = Memory(100)
    memory.take(100)
    threads = waiting_for(memory, 50, 50)

    memory.give_back(100)

    assert ended(threads)
    assert not memory.take_more(1)


def test_who_is_too_large_does_not_hold_up_who_fits() -> None:
    memory = Memory(100)
    memory.take(100)
    large, small = waiting_for(memory, 100, 20)

    memory.give_back(30)

    assert ended([small])
    memory.give_back(90)
    assert ended([large])


def test_what_comes_back_in_pieces_adds_up() -> None:
    memory = Memory(100)
    memory.take(100)
    threads = waiting_for(memory, 80)

    memory.give_back(50)
    memory.give_back(50)

    assert ended(threads)


def compute(seconds: float) -> None:
    """Use a core."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def begun(**limits: float | None) -> Attempt:
    """Return an attempt that begins now; limits that are not given are none."""
    return Attempt(ImageLimits(**{"seconds": None, "computing": None} | limits), Memory(100))


def test_computing_beyond_its_limit_ends_an_image() -> None:
    attempt = begun(computing=0.05)
    attempt.look(-1)

    compute(0.2)

    with pytest.raises(ImageError, match=r"^decoding it takes longer than 0\.05 s$"):
        attempt.look(-1)


@pytest.mark.skipif(not hasattr(time, "pthread_getcpuclockid"), reason="no clock of other threads")
def test_another_thread_sees_that_it_computes_for_too_long() -> None:
    attempt = begun(computing=0.05)
    said: list[str | None] = []

    compute(0.2)
    watcher = threading.Thread(target=lambda: said.append(attempt.overdue()))
    watcher.start()
    watcher.join()

    assert said == ["decoding it takes longer than 0.05 s"]


def test_what_was_computed_before_an_image_is_not_its_own() -> None:
    time.sleep(0.11)  # the clock is read again after that, and then shared for as long
    begun()
    compute(0.03)
    attempt = begun(computing=0.01)

    time.sleep(0.02)

    attempt.look(-1)
    assert attempt.overdue() is None


def test_waiting_beyond_its_limit_ends_an_image() -> None:
    attempt = begun(seconds=0.01, computing=100)

    time.sleep(0.02)

    with pytest.raises(ImageError, match=r"^reading it takes longer than 0\.01 s$"):
        attempt.look(-1)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="others keep memory by themselves")
def test_a_process_keeps_the_memory_of_an_image_for_the_next_one(tmp_path: Path) -> None:
    """Else each page of it comes from the system again, cleared: that shows as a fault."""
    image = save_picture(tmp_path / "a.jpg", size=(300, 444))
    code = """if True:
        import resource, sys
        from tagger.decode.budget import keep_freed_memory
        from tagger.decode.picture import load_picture

        def faults(images):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            for _ in range(images):
                load_picture(sys.argv[1], 336, 224)
            return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

        keep_freed_memory()
        faults(10)
        print(faults(100))
    """

    ran = subprocess.run(
        [sys.executable, "-c", code, str(image)], capture_output=True, check=True, text=True
    )

    assert int(ran.stdout) < 1000
