"""What was read off images before, so that no run reads a file twice that has not changed."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import sqlite3
import threading
from pathlib import Path

from platformdirs import user_state_path

from tagger.files.rights import make_folders
from tagger.results import Stamp

logger = logging.getLogger(__name__)

# Other processes write as well; each holds it for milliseconds.
_SECONDS_OF_WAITING = 5.0


def default_file() -> Path:
    """Return the file that all runs of a user share."""
    return user_state_path("poster-tagger") / "words.sqlite"


class WordCache:
    """Words by the path of their image, its stamp and the networks that read them.

    Each is kept on its own and at once: whenever a process is killed, the file is whole. Paths are
    stored as digests. The file may be deleted at any time. If it cannot be used, nothing is kept.

    Args:
        file: an SQLite database; made if it is missing, and again if it is damaged.
        reader: which networks read the words; those of others are not returned.
    """

    def __init__(self, file: Path, reader: str) -> None:
        self._file = file
        self._reader = reader
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        try:
            self._database = _opened(file)
        except (OSError, sqlite3.Error) as error:
            logger.info("words are not kept: %s: %s", file, error)

    def get(self, path: str, stamp: Stamp) -> str | None:
        """Return the words that were read off a file when it had this stamp."""
        with self._lock:
            if self._database is None:
                return None
            try:
                row = self._database.execute(
                    "SELECT words FROM words WHERE image = ? AND size = ? AND modified_ns = ?",
                    (self._key(path), stamp.size, stamp.modified_ns),
                ).fetchone()
            except sqlite3.Error as error:
                self._give_up(error)
                return None
        return None if row is None else str(row[0])

    def put(self, path: str, stamp: Stamp, words: str) -> None:
        """Keep the words of a file."""
        with self._lock:
            if self._database is None:
                return
            try:
                with self._database:
                    self._database.execute(
                        "INSERT OR REPLACE INTO words VALUES (?, ?, ?, ?)",
                        (self._key(path), stamp.size, stamp.modified_ns, words),
                    )
            except sqlite3.Error as error:
                self._give_up(error)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None

    def _key(self, path: str) -> bytes:
        place = f"{self._reader}\n{os.path.abspath(path)}"
        return hashlib.blake2b(place.encode("utf-8", "surrogateescape"), digest_size=16).digest()

    def _give_up(self, error: sqlite3.Error) -> None:
        """Keep nothing from now on: reading goes on without."""
        logger.info("words are no longer kept: %s: %s", self._file, error)
        assert self._database is not None
        with contextlib.suppress(sqlite3.Error):
            self._database.close()
        self._database = None


def _opened(file: Path) -> sqlite3.Connection:
    if not file.is_absolute():  # no home folder is known: it would lie in the current folder
        raise OSError("no home folder is known")
    make_folders(os.fspath(file.parent))
    try:
        return _connected(file)
    except sqlite3.OperationalError:  # locked, full or read-only: the file may be sound
        raise
    except sqlite3.DatabaseError:
        logger.info("%s is damaged and made again", file)
        file.unlink()
        return _connected(file)


def _connected(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(file, timeout=_SECONDS_OF_WAITING, check_same_thread=False)
    try:
        # A power cut may cost what was read last, and no more.
        database.execute("PRAGMA synchronous = NORMAL")
        with database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS words (image BLOB PRIMARY KEY, size INTEGER, "
                "modified_ns INTEGER, words TEXT) WITHOUT ROWID"
            )
    except BaseException:
        database.close()
        raise
    return database
