"""The command line. Only modules of this package print or exit.

Nothing heavy is imported at the top of any of them, so that ``tagger --help`` is quick and works
where an extra is missing.
"""

from tagger.cli.app import main, run

__all__ = ["main", "run"]
