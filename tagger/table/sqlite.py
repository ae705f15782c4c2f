"""Tables as an SQLite database: images, tags, scores and runs, and the wide table as a view."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from typing import Final

from tagger.errors import OutputError, TableError, UsageError
from tagger.table.book import Book
from tagger.table.columns import Cell, Column, Kind, Row
from tagger.table.plan import TablePlan
from tagger.table.rows import Cells, TableRows
from tagger.table.sink import SinkFile, is_stream
from tagger.text import TAG_SEPARATOR, printable

#: ``PRAGMA application_id`` of a database that is ours: "ptag".
_OURS: Final = 0x70746167
_VERSION: Final = 1

_TYPES: Final = {Kind.TEXT: "TEXT", Kind.PROBABILITY: "REAL", Kind.INTEGER: "INTEGER"}

#: Columns that have a place of their own in the tables; all others but labels are the images'.
_KNOWN: Final = ("path", "tags", "tag", "score", "error")

#: Columns of a result that SQLite gives at most.
_MOST_COLUMNS: Final = 2000

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY,
    facts TEXT NOT NULL,    -- JSON: what the run was, by name
    columns TEXT NOT NULL   -- JSON: names and types of the table's columns, in order
);
CREATE TABLE images (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    error TEXT{extra}
);
CREATE TABLE tags (
    image INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    place INTEGER NOT NULL, -- 1 is the most probable tag
    tag TEXT NOT NULL,
    score REAL,
    PRIMARY KEY (image, place)
) WITHOUT ROWID;
CREATE TABLE scores (
    image INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    score REAL NOT NULL,
    PRIMARY KEY (image, label)
) WITHOUT ROWID;
"""
# Made at the end: rows are written in half the time.
_INDEXES: Final = """
CREATE INDEX tags_by_tag ON tags (tag);
CREATE INDEX scores_by_label ON scores (label, score);
"""
_REMOVED: Final = """
DROP VIEW IF EXISTS wide;
DROP TABLE IF EXISTS tags;
DROP TABLE IF EXISTS scores;
DROP TABLE IF EXISTS images;
"""


class SqliteBook(Book):
    """A database file.

    One that an earlier run made is brought up to date: its images keep their numbers, and tables,
    views and indexes that others added stay. Readers see the former one until it is replaced.
    """

    group = 1024

    def __init__(
        self, columns: Sequence[Column], plan: TablePlan, facts: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(columns, plan, facts)
        names = [column.name for column in columns]
        self._places = {name: names.index(name) for name in _KNOWN if name in names}
        first = names.index("error") + 1
        self._extra = range(first, first + len(plan.columns))
        self._labels = range(first + len(plan.columns), len(names))
        self._former = plan.output if plan.output and not is_stream(plan.output) else None
        self._database: sqlite3.Connection | None = None
        self._scratch: str | None = None
        self._image: tuple[Cell, int] | None = None
        self._check_free()

    def start(self, file: SinkFile, beside: str | None) -> None:
        """Make the tables, empty; what others added to a former database is copied first."""
        self._file = file
        if beside is None:  # a stream: the database is written there when it is finished
            self._scratch = tempfile.mkdtemp(prefix="poster-tagger-")
        name = beside or os.path.join(str(self._scratch), "table.db")
        self._check_free()
        with _errors(self.plan):
            # Written in the thread of the table, released in another.
            self._database = sqlite3.connect(name, isolation_level=None, check_same_thread=False)
            made = self._database
            self._copy_former(made)
            # The file has no name yet: after a crash it is made again from the rows. A copy may be
            # in another mode, which is ended first.
            for mode in ("journal_mode = DELETE", "journal_mode = OFF", "synchronous = OFF"):
                made.execute(f"PRAGMA {mode}")
            made.execute("BEGIN")
            made.execute("CREATE TEMP TABLE former (path TEXT PRIMARY KEY, id INTEGER)")
            if _is_ours(made):
                made.execute("INSERT INTO former SELECT path, id FROM images")
            self._next = 1 + (made.execute("SELECT max(id) FROM former").fetchone()[0] or 0)
            for statement in _REMOVED.split(";"):
                made.execute(statement)
            made.execute(f"PRAGMA application_id = {_OURS}")
            made.execute(f"PRAGMA user_version = {_VERSION}")
            extra = "".join(
                f",\n    {_quoted(one.name)} {_TYPES[one.kind]}"
                for one in (self.columns[place] for place in self._extra)
            )
            for statement in _TABLES.format(extra=extra).split(";\n"):
                made.execute(statement)
            kinds = [(column.name, column.kind.name.lower()) for column in self.columns]
            made.execute(
                "INSERT INTO runs (facts, columns) VALUES (?, ?)",
                (
                    json.dumps(dict(self.facts), ensure_ascii=False),
                    json.dumps(kinds, ensure_ascii=False),
                ),
            )

    def write_rows(self, rows: list[Row]) -> None:
        """Write a group of rows; those of an image follow each other."""
        assert self._database is not None
        with _errors(self.plan):
            for row in rows:
                self._write(self._database, row)

    def finish(self) -> None:
        """Make indexes and view, and close the database."""
        assert self._database is not None
        with _errors(self.plan):
            for statement in _INDEXES.split(";\n"):
                self._database.execute(statement)
            if len(self.columns) <= _MOST_COLUMNS:
                self._database.execute(self._view())
            self._database.execute("DROP TABLE former")
            self._database.execute("COMMIT")
            self._database.close()
        self._database = None
        if self._scratch is not None:
            with open(os.path.join(self._scratch, "table.db"), "rb") as made:
                shutil.copyfileobj(made, self._file)

    def release(self) -> None:
        """Close the database, and remove a temporary one."""
        if self._database is not None:
            self._database.close()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    @staticmethod
    def read(file: str, name: str, *, edited: bool) -> TableRows:
        """Open a database; see :meth:`Book.read`."""
        try:
            database = _opened(file)
            try:
                if not _is_ours(database):
                    raise TableError(f"{name} is not a database written by 'tagger tag'.")
                if (found := _pragma(database, "user_version")) != _VERSION:
                    raise TableError(
                        f"{name} has format {found}, but this version reads format {_VERSION}: "
                        "update poster-tagger."
                    )
                text = database.execute(_LAST_RUN).fetchone()[0]
                columns = [str(column) for column, _ in json.loads(text)]
            except BaseException:
                database.close()
                raise
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise _damage(name, error) from None
        except OSError:
            raise UsageError(f"{name} cannot be read.") from None
        return TableRows(name, columns, _rows(database, columns, name), database.close)

    def _check_free(self) -> None:
        """Raise OutputError while another program writes the former database."""
        for end in ("-wal", "-journal"):
            # Whoever only reads leaves an empty one.
            if self._former is not None and _size(self._former + end):
                raise OutputError(
                    f"{printable(self._former)} cannot be written: another program has it open "
                    f"(there is {printable(os.path.basename(self._former) + end)}); close it there."
                )

    def _copy_former(self, made: sqlite3.Connection) -> None:
        if self._former is None or not os.path.exists(self._former):
            return
        with _closed(_opened(self._former)) as former:
            try:
                if _is_ours(former):
                    former.backup(made)
            except sqlite3.OperationalError:  # in use
                raise
            except sqlite3.DatabaseError:  # of another kind, or damaged
                return

    def _write(self, made: sqlite3.Connection, row: Row) -> None:
        path = row[self._places["path"]]
        if self._image is None or self._image[0] != path:
            self._begin_image(made, path, row)
        assert self._image is not None
        number = self._image[1]
        if "tag" in self._places:  # one row per tag
            tags = [(row[self._places["tag"]], row[self._places["score"]])]
        else:
            joined = str(row[self._places["tags"]] or "")
            scores = {self.columns[place].name: row[place] for place in self._labels}
            tags = [(tag, scores.get(tag)) for tag in joined.split(TAG_SEPARATOR)]
        for tag, score in tags:
            if tag:
                self._tags += 1
                made.execute(
                    "INSERT INTO tags VALUES (?, ?, ?, ?)", (number, self._tags, tag, score)
                )

    def _begin_image(self, made: sqlite3.Connection, path: Cell, row: Row) -> None:
        known = made.execute("SELECT id FROM former WHERE path = ?", (path,)).fetchone()
        number = known[0] if known else self._next
        self._next += not known
        self._image, self._tags = (path, number), 0
        cells = [number, path, row[self._places["error"]], *(row[place] for place in self._extra)]
        marks = ",".join("?" * len(cells))
        made.execute(f"INSERT INTO images VALUES ({marks})", cells)  # noqa: S608 (only marks)
        made.executemany(
            "INSERT INTO scores VALUES (?, ?, ?)",
            (
                (number, self.columns[place].name, row[place])
                for place in self._labels
                if row[place] is not None
            ),
        )

    def _view(self) -> str:
        """Return the statement that makes the wide table as a view."""
        cells = ["path", _JOINED, "error"]
        cells += [_quoted(self.columns[place].name) for place in self._extra]
        labels = [self.columns[place].name for place in self._labels]
        cells += [f"{_SCORE_OF} = {_literal(label)}) AS {_quoted(label)}" for label in labels]
        return f"CREATE VIEW wide AS SELECT {', '.join(cells)} FROM images ORDER BY id"  # noqa: S608 (quoted)


FORMAT = SqliteBook

_LAST_RUN: Final = "SELECT columns FROM runs ORDER BY id DESC LIMIT 1"

_SCORE_OF: Final = "(SELECT score FROM scores WHERE image = images.id AND label"
_JOINED: Final = (
    "coalesce((SELECT group_concat(tag, '|') FROM (SELECT tag FROM tags WHERE image = images.id "
    "ORDER BY place)), '') AS tags"
)


def _rows(database: sqlite3.Connection, columns: list[str], name: str) -> Iterator[Cells]:
    a_row_a_tag = "tag" in columns
    try:
        names = [one[1] for one in database.execute("PRAGMA table_info(images)")]
        for number, *cells in database.execute("SELECT * FROM images ORDER BY id"):
            row: dict[str, object] = dict(zip(names[1:], cells, strict=True))
            tags = database.execute(
                "SELECT tag, score FROM tags WHERE image = ? ORDER BY place", (number,)
            ).fetchall()
            if a_row_a_tag:
                for tag, score in tags or [("", None)]:
                    yield [{**row, "tag": tag, "score": score}.get(column) for column in columns]
                continue
            row["tags"] = TAG_SEPARATOR.join(str(tag) for tag, _ in tags)
            found = database.execute("SELECT label, score FROM scores WHERE image = ?", (number,))
            # A label may be called like a column of the images, which come first.
            row = {**dict(found), **row}
            yield [row.get(column) for column in columns]
    except sqlite3.Error as error:
        raise _damage(name, error) from None


def _size(file: str) -> int:
    try:
        return os.path.getsize(file)
    except OSError:  # it is not there
        return 0


def _opened(file: str) -> sqlite3.Connection:
    """Open a database to be read only."""
    uri = f"file:{_uri(os.path.abspath(file))}?mode=ro"
    return sqlite3.connect(uri, uri=True, check_same_thread=False)


def _uri(path: str) -> str:
    from urllib.parse import quote

    text = quote(os.fsencode(path.replace(os.sep, "/")))
    return text if text.startswith("/") else f"/{text}"  # a drive of Windows


@contextlib.contextmanager
def _closed(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    try:
        yield database
    finally:
        database.close()


def _is_ours(database: sqlite3.Connection) -> bool:
    return _pragma(database, "application_id") == _OURS


def _pragma(database: sqlite3.Connection, name: str) -> int:
    return int(database.execute(f"PRAGMA {name}").fetchone()[0])


@contextlib.contextmanager
def _errors(plan: TablePlan) -> Iterator[None]:
    """Turn what SQLite says into an error of the system, or a sentence."""
    try:
        yield
    except sqlite3.Error as error:
        if "full" in str(error):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from None
        raise OutputError(f"{printable(str(plan.output))} cannot be written: {error}.") from None


def _damage(name: str, error: Exception) -> TableError:
    return TableError(f"{name} is damaged: {error}.")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
