"""Who decodes images."""

from __future__ import annotations

from enum import StrEnum


class Decode(StrEnum):
    """Threads of this process, or processes; auto chooses by what is measured in a run."""

    AUTO = "auto"
    THREADS = "threads"
    PROCESSES = "processes"
