"""The documentation as a site: opened and searched from disk, it asks nobody for anything."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from browser import Page, browser
from commands import TREE

import tagger

SITE = TREE / "build/site"

pytestmark = [
    pytest.mark.slow,  # a browser
    pytest.mark.skipif(
        not SITE.is_dir() and not os.environ.get("TAGGER_TEST_READERS"),
        reason="there is no site: make site",
    ),
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def test_it_is_searched_from_disk_and_asks_nobody(page: Page) -> None:
    page.open(SITE / "programs/kodi.html")

    page.type("[data-md-component=search-query]", "thumbnail")
    page.press("s")
    page.wait("document.querySelectorAll('.md-search-result__link').length > 2")

    found = page.run("[...document.querySelectorAll('.md-search-result__link')].map(a => a.href)")
    assert any(link.startswith((SITE / "formats.html").as_uri()) for link in found)
    assert [asked for asked in page.requests if not asked.startswith("file:")] == []
    assert page.problems == []


def test_no_page_names_a_file_of_another_machine() -> None:
    pages = list(SITE.rglob("*.html"))
    loaded = [
        (file.name, address)
        for file in pages
        for address in re.findall(
            r"<(?:script|img|link|iframe)[^>]*?(?:src|href)=\"?(https?:[^\"> ]+)",
            file.read_text(encoding="utf-8"),
        )
    ]
    assert len(pages) > 30
    assert loaded == []


def test_the_reference_has_every_public_name() -> None:
    text = (SITE / "reference.html").read_text(encoding="utf-8")
    named = set(re.findall(r'id="tagger\.(\w+)"', text))

    assert named == set(tagger.__all__) - {"__version__"}
    assert {"Tagger.run", "Tagger.tag"} <= set(re.findall(r'id="tagger\.([\w.]+)"', text))


def test_old_links_to_programs_lead_somewhere() -> None:
    text = (SITE / "programs.html").read_text(encoding="utf-8")
    names = (
        "digikam", "darktable", "lightroom", "immich", "photoprism", "kodi-jellyfin-emby", "plex",
        "excel", "libreoffice", "pandas", "duckdb",
    )  # fmt: skip

    assert [name for name in names if f'id="{name}"' not in text] == []
