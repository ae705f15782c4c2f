"""A real browser that tests drive by Playwright: Debian's Chromium, not one that is downloaded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from commands import PATIENCE
from playwright.sync_api import ConsoleMessage, Error, Request, sync_playwright
from playwright.sync_api import Page as Shown
from readers import reader

_MILLISECONDS = PATIENCE * 1000


class Page:
    """A page in the browser.

    Attributes:
        problems: what the console said, and exceptions.
        requests: addresses that were asked for, other than the page's own and ``data:``.
    """

    def __init__(self, page: Shown, downloads: Path) -> None:
        self._page = page
        self._opened: set[str] = set()
        self._asked: list[str] = []
        self.problems: list[str] = []
        self.downloads = downloads
        page.set_default_timeout(_MILLISECONDS)
        page.on("console", self._said)
        page.on("pageerror", self._failed)
        page.on("request", self._ask)
        self.resize(1280, 900)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type != "debug":
            self.problems.append(message.text)

    def _failed(self, error: Error) -> None:
        self.problems.append(str(error))

    def _ask(self, request: Request) -> None:
        self._asked.append(request.url)

    def open(self, file: Path | str) -> None:
        """Open a file, and wait until it is shown."""
        address = file if isinstance(file, str) else file.as_uri()
        self._opened.add(address)
        self._page.goto(address)

    def reload(self) -> None:
        """Open the same file again."""
        self._page.reload()

    def run(self, script: str) -> Any:
        """Return the value of an expression, or of a promise."""
        return self._page.evaluate(script)

    def wait(self, condition: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + PATIENCE
        while not self.run(f"Boolean({condition})"):  # the page forbids what Playwright would do
            assert time.monotonic() < end, condition
            self._page.wait_for_timeout(20)

    def text(self, selector: str) -> str:
        """Return the text of an element as it is shown."""
        return self._page.locator(selector).first.inner_text()

    def texts(self, selector: str) -> list[str]:
        """Return the texts of all elements that are shown."""
        return [
            one.inner_text().strip()
            for one in self._page.locator(selector).all()
            if one.is_visible()
        ]

    def click(self, selector: str, *, shift: bool = False) -> None:
        """Click the middle of an element."""
        self._page.locator(selector).first.click(modifiers=["Shift"] if shift else [])

    def press(self, key: str, *, ctrl: bool = False, shift: bool = False) -> None:
        """Press a key."""
        self._page.keyboard.press("Control+" * ctrl + "Shift+" * shift + key)

    def type(self, selector: str, text: str) -> None:
        """Replace what stands in a field."""
        self._page.locator(selector).fill(text)

    def choose(self, selector: str, value: str) -> None:
        """Choose an option of a list, or set a slider."""
        element = self._page.locator(selector)
        if element.evaluate("one => one.tagName") == "SELECT":
            element.select_option(value)
        else:
            element.fill(value)

    def resize(self, width: int, height: int) -> None:
        """Give the window another size, in CSS pixels."""
        self._page.set_viewport_size({"width": width, "height": height})

    def prefer(self, scheme: str) -> None:
        """Say that the person likes it light or dark."""
        self._page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")

    def picture(self, file: Path) -> Path:
        """Save what is shown as PNG."""
        self._page.screenshot(path=file)
        return file

    def pdf(self, file: Path) -> Path:
        """Print the page."""
        self._page.pdf(path=file)
        return file

    def downloaded(self, selector: str) -> Path:
        """Click an element, and return the file that is saved."""
        with self._page.expect_download() as saved:
            self.click(selector)
        file = self.downloads / saved.value.suggested_filename
        saved.value.save_as(file)
        return file

    def forget(self) -> None:
        """Forget what went wrong, and what was asked for."""
        self.problems.clear()
        self._asked.clear()

    @property
    def requests(self) -> list[str]:
        """Addresses that were asked for."""
        return [
            one for one in self._asked if one not in self._opened and not one.startswith("data:")
        ]


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """Open a browser with one page; what it saves lies in a folder."""
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=reader("chromium"), args=["--no-sandbox", "--disable-gpu"]
        ) as chromium,
    ):
        yield Page(chromium.new_page(), folder)
