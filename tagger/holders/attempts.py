"""Changes to files, one by one: what fails is reported, and ends nothing unless the disk does."""

from __future__ import annotations

from collections.abc import Callable

from tagger.errors import CannotChange, OutputError, os_reason, spoils_the_rest
from tagger.text import printable


class Attempts:
    """Tries changes, and counts.

    Args:
        failed: called with a file that cannot be changed, and why.

    Attributes:
        written: how many files were changed.
        unchanged: how many were already as they should be.
    """

    def __init__(self, failed: Callable[[str, str], None]) -> None:
        self._failed = failed
        self.written = 0
        self.unchanged = 0

    def attempt(self, target: str, change: Callable[[], bool]) -> None:
        """Try to change a file.

        Args:
            target: its path.
            change: does it; returns whether there was anything to do.

        Raises:
            OutputError: the disk is full or read-only.
        """
        try:
            changed = change()
        except CannotChange as error:
            self._failed(target, f"{error}, so it was left alone")
        except OSError as error:
            reason = os_reason(error)
            if spoils_the_rest(error):
                raise OutputError(f"{printable(target)} cannot be written: {reason}.") from None
            self._failed(target, reason)
        else:
            self.written += changed
            self.unchanged += not changed
