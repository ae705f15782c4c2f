"""Fuzzes one target, guided by which lines it reaches: ``fuzz.py xmp -runs=1000``.

What follows the target is libFuzzer's: folders (new inputs go to the first), ``-runs``,
``-max_total_time``, ``-seed``; its page is llvm.org/docs/LibFuzzer.html. Needs the 'fuzz' extra,
and ``tests`` on the path: ``run.py`` sees to that, and runs all targets.
"""

from __future__ import annotations

import random
import sys

import atheris
from mutations import MUTATIONS

# Decoders are C and are not watched, but what they are given is: Pillow reads most headers itself.
with atheris.instrument_imports(include=["tagger", "PIL", "openpyxl", "targets"]):
    from targets import TARGETS

# An input that takes longer, or more memory, is a finding.
_LIMITS = ("-timeout=10", "-rss_limit_mb=2048", "-max_len=16384", "-print_final_stats=1")


def mutate(data: bytes, longest: int, seed: int) -> bytes:
    """Change an input as libFuzzer does, or in ways that keep more of a file's structure."""
    choice = random.Random(seed)
    if choice.random() < 0.5 or not data:
        return bytes(atheris.Mutate(data, longest))
    content = bytearray(data)
    MUTATIONS[choice.choice(list(MUTATIONS))](choice, content, data)
    return bytes(content[:longest])


def main() -> None:
    """Fuzz the target that the first argument names."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: fuzz.py {'|'.join(TARGETS)} [libFuzzer's arguments]")
    name = sys.argv.pop(1)
    atheris.Setup([*sys.argv[:1], *_LIMITS, *sys.argv[1:]], TARGETS[name], custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
