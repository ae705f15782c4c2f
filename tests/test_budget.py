"""Memory that images share: whoever waits for it goes on as soon as there is enough."""

from __future__ import annotations

import threading

from commands import wait_until

from tagger.decode.budget import Memory

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
