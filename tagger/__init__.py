"""Tag images with genres, offline: everything that runs at tagging time.

From Python: :class:`tagger.Tagger`, which yields :class:`tagger.Tagged` and :class:`tagger.Failed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "1.0.0"

__all__ = [
    "Failed",
    "Listener",
    "Result",
    "Summary",
    "Tag",
    "Tagged",
    "Tagger",
    "TaggerError",
    "__version__",
]

if TYPE_CHECKING:
    from tagger.api import Tagger
    from tagger.errors import TaggerError
    from tagger.results import Failed, Result, Tag, Tagged
    from tagger.runs.report import Listener, Summary
else:
    _HOMES = {
        "Tagger": "tagger.api",
        "TaggerError": "tagger.errors",
        "Failed": "tagger.results",
        "Listener": "tagger.runs.report",
        "Result": "tagger.results",
        "Summary": "tagger.runs.report",
        "Tag": "tagger.results",
        "Tagged": "tagger.results",
    }

    def __getattr__(name):  # noqa: ANN001, ANN202 (types are above)
        """Load what is asked for: numpy and the runtime must not burden ``tagger --help``."""
        if name not in _HOMES:
            raise AttributeError(f"module 'tagger' has no attribute '{name}'")
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)

    def __dir__():  # noqa: ANN202
        """List what is loaded when asked for, too."""
        return sorted({*globals(), *__all__})
