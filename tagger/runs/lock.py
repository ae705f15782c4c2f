"""Two runs never write the same output at the same time."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator

from tagger.errors import OutputError, os_reason
from tagger.text import printable

# What systems say where a folder's file system has no locks (some network shares and FUSE); EINVAL
# is Windows.
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)


@contextlib.contextmanager
def locked(
    file: str, what: str, unsupported: Callable[[str], None], *, needed: bool = True
) -> Iterator[None]:
    """Hold a lock that the system takes back when the process ends, however it ends.

    Args:
        file: the lock file; one that is left over means nothing.
        what: is locked, for messages.
        unsupported: called with a sentence where the folder has no locks; the run continues.
        needed: whether a lock file that cannot be made ends the run; the output is elsewhere where
            it does not.

    Raises:
        OutputError: another run holds it, or its file cannot be made.
    """
    from filelock import FileLock, Timeout

    # A marker that stands for a lock would outlive a killed run: better none.
    lock = FileLock(file, timeout=0, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise OutputError(
            f"Another run is writing {what}: wait until it ends, or choose another output."
        ) from None
    except OSError as error:
        has_none = error.errno in _NO_LOCKS
        if needed and not has_none:
            raise OutputError(f"{what} cannot be written: {os_reason(error)}.") from None
        with contextlib.suppress(OSError):
            os.unlink(file)
        reason = (
            f"The folder of {printable(file)} does not support locks"
            if has_none
            else f"{printable(file)} cannot be locked ({os_reason(error)})"
        )
        unsupported(f"{reason}: do not start a second run on {what}.")
        yield
        return
    try:
        yield
    finally:
        # Still held: whoever waits for this very file finds that it has no name any more, and tries
        # again. Windows removes no open file; there the library does, behind the release.
        with contextlib.suppress(OSError):
            os.unlink(file)
        lock.release()
