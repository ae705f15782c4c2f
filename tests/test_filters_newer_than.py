"""``--newer-than``: images by the time of their last change."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from commands import Ran
from pictures import save_picture

from tagger.cli.options.images import moment
from tagger.errors import UsageError

Run = Callable[..., Ran]


def picture_of(file: Path, when: str | float) -> Path:
    """Save an image that was changed at a time, in UTC where it is a text."""
    save_picture(file)
    if isinstance(when, str):
        when = datetime.fromisoformat(when).replace(tzinfo=UTC).timestamp()
    os.utime(file, (when, when))
    return file


@pytest.fixture
def in_zone(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that moves this process to a time zone."""

    def move(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


def listed(ran: Ran) -> list[str]:
    assert ran.code == 0, ran.stderr
    return ran.stdout.decode("utf-8").splitlines()


def test_only_images_changed_later_are_tagged(tag: Run, folder: Path) -> None:
    picture_of(folder / "p" / "at.png", "2024-01-31T12:00:00")
    picture_of(folder / "p" / "later.png", "2024-01-31T12:00:01")
    picture_of(folder / "p" / "older.png", "2024-01-31T11:59:59")

    ran = tag("p", "--layout", "list", "--newer-than", "2024-01-31T12:00:00Z")

    assert (ran.code, ran.stdout) == (0, b"path,tags,error\np/later.png,red,\n")
    assert "1 tagged, 0 failed" in ran.stderr


def test_a_date_begins_at_midnight_here(tagger: Run, folder: Path, in_zone: Run) -> None:
    picture_of(folder / "p" / "a.png", "2024-01-30T18:59:00")  # 23:59 in Karachi
    picture_of(folder / "p" / "b.png", "2024-01-30T19:01:00")  # 00:01 there

    in_zone("XXX-5")

    assert listed(tagger("tag", "p", "--dry-run", "--newer-than", "2024-01-31")) == ["p/b.png"]


@pytest.mark.parametrize(
    "text", ["2024-01-31T18:00+05:00", "20240131T130000Z", " 2024-01-31 13:00Z"]
)
def test_a_zone_is_heeded(text: str, in_zone: Run) -> None:
    in_zone("XXX+3")

    assert moment(text) == datetime(2024, 1, 31, 13, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(("age", "found"), [("1h", ["p/a.png"]), ("2D", ["p/a.png", "p/b.png"])])
def test_an_age_counts_back_from_now(age: str, found: list[str], tagger: Run, folder: Path) -> None:
    now = time.time()
    picture_of(folder / "p" / "a.png", now - 60)
    picture_of(folder / "p" / "b.png", now - 47 * 3600)
    picture_of(folder / "p" / "c.png", now - 49 * 3600)

    assert listed(tagger("tag", "p", "--dry-run", "--newer-than", age)) == found


def test_files_that_are_named_and_listed_are_filtered_too(tagger: Run, folder: Path) -> None:
    for place in ("p", "q", "r"):
        picture_of(folder / place / "new.png", "2024-02-01")
        picture_of(folder / place / "old.png", "2023-02-01")

    ran = tagger(
        *("tag", "p", "q/new.png", "q/old.png", "-", "--dry-run", "--newer-than", "2024-01-31"),
        stdin=b"r/new.png\nr/old.png\n",
    )

    assert listed(ran) == ["p/new.png", "q/new.png", "r/new.png"]


def test_a_link_is_as_old_as_what_it_leads_to(tagger: Run, folder: Path) -> None:
    picture_of(folder / "old.png", "2023-02-01")
    (folder / "p").mkdir()
    (folder / "p" / "link.png").symlink_to("../old.png")

    assert listed(tagger("tag", "p", "--dry-run", "--newer-than", "2024-01-31")) == []


def test_what_has_no_age_fails_by_its_name(tag: Run, folder: Path) -> None:
    (folder / "p").mkdir()
    (folder / "p" / "broken.png").symlink_to("nowhere")

    ran = tag("p", "-", "--layout", "list", "--newer-than", "1d", stdin=b"gone.png\np/broken.png\n")

    assert ran.code == 1
    assert [row.split(",")[0] for row in ran.rows()] == ["gone.png", "p/broken.png"]


def test_an_image_is_taken_once_whatever_else_was_left_out(tagger: Run, folder: Path) -> None:
    picture_of(folder / "p" / "a.png", "2024-02-01")

    ran = tagger("tag", "p", "p/a.png", "./p", "--dry-run", "--newer-than", "2024-01-31")

    assert listed(ran) == ["p/a.png"]


@pytest.mark.parametrize("text", ["999999999w", "9999999999999999d", "9" * 5000 + "d"])
def test_an_age_that_no_calendar_holds_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="give a date such as"):
        moment(text)


def test_a_date_to_come_is_a_slip(tagger: Run, folder: Path) -> None:
    ran = tagger("tag", ".", "--newer-than", "2999-01-31")

    assert (ran.code, ran.stdout) == (2, b"")
    assert re.fullmatch(
        r"tagger: --newer-than 2999-01-31 is in the future: it is now "
        r"\d{4}-\d\d-\d\dT\d\d:\d\d here\.\n",
        ran.stderr,
    )


def test_the_file_may_hold_a_date_of_toml(tagger: Run, folder: Path) -> None:
    picture_of(folder / "p" / "new.png", "2024-02-02")
    picture_of(folder / "p" / "old.png", "2024-01-30")
    Path("tagger.toml").write_text("[tag]\nnewer-than = 2024-02-01\n", encoding="utf-8")

    assert listed(tagger("tag", "p", "--dry-run")) == ["p/new.png"]
