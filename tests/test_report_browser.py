"""The page of a training run in a real browser: no errors, no requests, every chart drawn."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from commands import PATIENCE
from PIL import Image
from readers import reader

pytest.importorskip("matplotlib", reason="the 'train' extra is not installed")
pytest.importorskip("sklearn", reason="the 'train' extra is not installed")

from report_fixtures import made_up_report
from tagger_training.report import render_page

pytestmark = pytest.mark.slow  # a browser

LABELS = ("Drama", '<b>&"', "$x$", "ドラマ", "N/A")


@dataclass(frozen=True)
class Shown:
    """What a browser made of a page: its console, the addresses it asked for, a picture."""

    console: list[str]
    requests: set[str]
    picture: Path


def show(page: Path, *options: str) -> Shown:
    folder = Path(tempfile.mkdtemp(dir=page.parent))
    log, picture = folder / "net.json", folder / "page.png"
    done = subprocess.run(
        [
            reader("chromium"), "--headless", "--no-sandbox", "--disable-gpu",
            "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={folder / 'profile'}",
            "--enable-logging=stderr", f"--log-net-log={log}", "--window-size=1100,3000",
            f"--screenshot={picture}", *options, page.as_uri(),
        ],
        capture_output=True, text=True, timeout=PATIENCE, check=True,
    )  # fmt: skip
    # The browser asks for things of its own; a page's requests say that they come from a file.
    events = [event.get("params", {}) for event in json.loads(log.read_text())["events"]]
    asked = {
        event["url"] for event in events if "file://" in event.get("network_isolation_key", "")
    }
    console = [line for line in done.stderr.splitlines() if ":CONSOLE:" in line]
    return Shown(console, asked, picture)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    reader("chromium")
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(render_page(made_up_report(LABELS, never=("N/A",))), encoding="utf-8")
    return file


def colours(picture: Path) -> dict[tuple[int, ...], int]:
    with Image.open(picture, formats=["PNG"]) as image:
        found = image.convert("RGB").getcolors(maxcolors=10_000_000)
        return {colour: count for count, colour in found}


def test_the_page_shows_without_errors_or_requests(page: Path):
    shown = show(page)
    assert (shown.console, shown.requests) == ([], set())


def test_an_error_or_a_request_would_be_noticed(tmp_path: Path):
    page = tmp_path / "bad.html"
    page.write_text('<img src="http://127.0.0.1:9/x.png"><script>console.error("no")</script>')
    shown = show(page)
    assert len(shown.console) == 1
    assert shown.requests == {"http://127.0.0.1:9/x.png"}


def test_the_page_forbids_requests_of_its_own(page: Path, tmp_path: Path):
    broken = tmp_path / "broken.html"
    text = page.read_text(encoding="utf-8")
    image = '<img src="http://127.0.0.1:9/x.png">'
    broken.write_text(text.replace("</main>", f"{image}</main>"), encoding="utf-8")
    shown = show(broken)
    assert "Content Security Policy" in "".join(shown.console)
    assert shown.requests == set()


SCRIPTS = (
    '<script>console.error("ran")</script>',
    '"><img src="http://127.0.0.1:9/x.png" onerror="console.error(1)">',
    "'><svg onload='console.error(2)'><style>@import url(http://127.0.0.1:9/x.css)</style>",
    "</title></style></text></svg><iframe src='javascript:console.error(3)'></iframe>",
    "$\\href{http://127.0.0.1:9/}{x}$",
)


def with_scripts(value: object) -> object:
    """Put markup into every text of a table, and into its keys."""
    if isinstance(value, dict):
        return {key: with_scripts(item) for key, item in value.items()} | {SCRIPTS[0]: SCRIPTS[1]}
    if isinstance(value, list):
        return [*value, *SCRIPTS]
    return "".join(SCRIPTS) if isinstance(value, str) else value


def test_no_name_is_markup_wherever_it_stands(tmp_path: Path):
    report = made_up_report((*SCRIPTS, "N/A"), never=("N/A",))
    card = dataclasses.replace(
        report.card,
        name="".join(SCRIPTS),
        version=SCRIPTS[0],
        provenance=with_scripts(report.card.provenance),
    )
    ids = tuple(SCRIPTS[place % len(SCRIPTS)] for place, _ in enumerate(report.validation.ids))
    page = tmp_path / "report.html"
    page.write_text(
        render_page(
            dataclasses.replace(
                report,
                card=card,
                description=with_scripts(report.description),
                validation=dataclasses.replace(report.validation, ids=ids),
            )
        ),
        encoding="utf-8",
    )

    shown = show(page)

    assert (shown.console, shown.requests) == ([], set())
    assert "console.error" in page.read_text(encoding="utf-8")  # as text


def test_charts_are_drawn_in_the_colours_of_light_and_dark(page: Path):
    light = colours(show(page).picture)
    dark = colours(show(page, "--blink-settings=preferredColorScheme=0").picture)
    assert max(light, key=lambda colour: light[colour]) == (0xFD, 0xFD, 0xFE)
    assert max(dark, key=lambda colour: dark[colour]) == (0x14, 0x18, 0x1E)
    assert light[0x2F, 0x6D, 0xB5] > 5000  # the bars
    assert dark[0x77, 0xB0, 0xEF] > 5000
