"""A real browser that tests drive over the DevTools protocol, through a pipe."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from commands import PATIENCE
from readers import reader

# The browser reads descriptor 3 and writes 4.
_WITH_PIPE = """
import os, sys
taken, given = os.dup(int(sys.argv[1])), os.dup(int(sys.argv[2]))
os.dup2(taken, 3)
os.dup2(given, 4)
os.set_inheritable(3, True)  # a copy that had the number already is not
os.set_inheritable(4, True)
os.execv(sys.argv[3], sys.argv[3:])
"""

_KEYS = {
    "Enter": 13, "Escape": 27, " ": 32, "PageDown": 34, "End": 35, "Home": 36, "ArrowLeft": 37,
    "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Tab": 9,
}  # fmt: skip


# The former document answers until the new one has replaced it.
_IS_NEW = "document.readyState === 'complete' && !window.isFormer"


class Page:
    """A page in the browser.

    Attributes:
        problems: what the console said that is wrong, and exceptions.
        requests: addresses that were asked for, other than the page's own and ``data:``.
    """

    def __init__(self, send: Any, events: list[dict[str, Any]], downloads: Path) -> None:
        self._send = send
        self._events = events
        self._opened: set[str] = set()
        self.downloads = downloads
        for domain in ("Page", "Runtime", "Network", "Log"):
            send(f"{domain}.enable")
        self.resize(1280, 900)

    def open(self, file: Path | str) -> None:
        """Open a file, and wait until it is shown."""
        address = file if isinstance(file, str) else file.as_uri()
        self._opened.add(address)
        self.run("window.isFormer = true")
        self._send("Page.navigate", url=address)
        self._wait_for_new()

    def reload(self) -> None:
        """Open the same file again."""
        self.run("window.isFormer = true")
        self._send("Page.reload")
        self._wait_for_new()

    def _wait_for_new(self) -> None:
        """Wait for another document; on the way to it there is none to be asked."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with contextlib.suppress(AssertionError):
                if self.run(_IS_NEW):
                    return
            time.sleep(0.02)
        raise AssertionError("no other document came")

    def run(self, script: str) -> Any:
        """Return the value of an expression, or of a promise."""
        done = self._send(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in done:
            details = done["exceptionDetails"]
            raise AssertionError(details.get("exception", details).get("description", details))
        return done["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + PATIENCE
        while not self.run(f"Boolean({condition})"):
            assert time.monotonic() < end, condition
            time.sleep(0.02)

    def text(self, selector: str) -> str:
        """Return the text of an element as it is shown."""
        return str(self.run(f"document.querySelector({selector!r}).innerText"))

    def texts(self, selector: str) -> list[str]:
        """Return the texts of all elements that are shown."""
        return list(
            self.run(
                f"[...document.querySelectorAll({selector!r})]"
                ".filter(one => one.checkVisibility()).map(one => one.innerText.trim())"
            )
        )

    def click(self, selector: str, *, shift: bool = False) -> None:
        """Click the middle of an element."""
        found = json.dumps(selector)
        where = self.run(
            f"(() => {{ const one = document.querySelector({found});"
            "one.scrollIntoView({block: 'center'}); const box = one.getBoundingClientRect();"
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self._send(
                "Input.dispatchMouseEvent", type=kind, x=where[0], y=where[1], button="left",
                clickCount=1, modifiers=8 if shift else 0,
            )  # fmt: skip

    def press(self, key: str, *, ctrl: bool = False, shift: bool = False) -> None:
        """Press a key."""
        code = _KEYS.get(key, ord(key.upper()[0]))
        modifiers = 2 * ctrl + 8 * shift
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        typed = {"text": text} if text and not ctrl else {}
        for kind in ("keyDown" if typed else "rawKeyDown", "keyUp"):
            self._send(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code,
                modifiers=modifiers, **(typed if kind != "keyUp" else {}),
            )  # fmt: skip

    def type(self, selector: str, text: str) -> None:
        """Put the focus into a field and type."""
        self.run(f"document.querySelector({selector!r}).select()")
        self.run(f"document.querySelector({selector!r}).focus()")
        self._send("Input.insertText", text=text)

    def choose(self, selector: str, value: str) -> None:
        """Choose an option of a list, or set a slider."""
        self.run(
            f"(() => {{ const one = document.querySelector({selector!r}); one.value = {value!r};"
            "one.dispatchEvent(new Event('input', {bubbles: true}));"
            "one.dispatchEvent(new Event('change', {bubbles: true})); })()"
        )

    def resize(self, width: int, height: int) -> None:
        """Give the window another size, in CSS pixels."""
        self._send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
            mobile=False,
        )  # fmt: skip

    def prefer(self, scheme: str) -> None:
        """Say that the person likes it light or dark."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._send("Emulation.setEmulatedMedia", features=features)

    def picture(self, file: Path) -> Path:
        """Save what is shown as PNG."""
        shot = self._send("Page.captureScreenshot", format="png")
        file.write_bytes(base64.b64decode(shot["data"]))
        return file

    def pdf(self, file: Path) -> Path:
        """Print the page."""
        file.write_bytes(base64.b64decode(self._send("Page.printToPDF")["data"]))
        return file

    def downloaded(self, name: str) -> Path:
        """Wait for a file that was saved."""
        end = time.monotonic() + PATIENCE
        while not (self.downloads / name).exists():
            assert time.monotonic() < end, name
            time.sleep(0.02)
        return self.downloads / name

    def forget(self) -> None:
        """Forget what went wrong, and what was asked for."""
        self._events.clear()

    @property
    def problems(self) -> list[str]:
        """What went wrong in the page."""
        found = []
        for event in self._events:
            told = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                found.append(json.dumps(told["exceptionDetails"]))
            elif event["method"] == "Log.entryAdded" and told["entry"]["level"] != "verbose":
                found.append(told["entry"]["text"])
            elif event["method"] == "Runtime.consoleAPICalled":
                found.append(json.dumps(told["args"]))
        return found

    @property
    def requests(self) -> list[str]:
        """Addresses that were asked for."""
        asked = [
            event["params"]["request"]["url"]
            for event in self._events
            if event["method"] == "Network.requestWillBeSent"
        ]
        return [one for one in asked if one not in self._opened and not one.startswith("data:")]


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """Open a browser with one page; what it keeps and saves lies in a folder."""
    to_read, to_browser = os.pipe()
    from_browser, to_write = os.pipe()
    command = [
        reader("chromium"), "--headless", "--no-sandbox", "--disable-gpu",
        "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
        f"--user-data-dir={folder / 'profile'}", "about:blank",
    ]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", _WITH_PIPE, str(to_read), str(to_write), *command],
        pass_fds=(to_read, to_write),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_read)
    os.close(to_write)
    try:
        yield _page(to_browser, from_browser, folder)
    finally:
        process.terminate()
        process.wait(PATIENCE)
        os.close(to_browser)


def _page(to_browser: int, from_browser: int, folder: Path) -> Page:
    answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    events: list[dict[str, Any]] = []
    numbers = itertools.count(1)
    session: dict[str, str] = {}

    def listen() -> None:
        rest = b""
        while block := os.read(from_browser, 1 << 20):
            *messages, rest = (rest + block).split(b"\0")
            for message in map(json.loads, messages):
                if "id" in message:
                    answers.put(message)
                else:
                    events.append(message)
        os.close(from_browser)
        answers.put({"error": "the browser ended"})

    def send(method: str, **params: Any) -> Any:
        number = next(numbers)
        message = {"id": number, "method": method, "params": params, **session}
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(to_browser, data) :]
        answer = answers.get(timeout=PATIENCE)
        assert "error" not in answer, answer
        assert answer["id"] == number
        return answer["result"]

    threading.Thread(target=listen, daemon=True).start()
    target = send("Target.createTarget", url="about:blank")["targetId"]
    session["sessionId"] = send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    downloads = folder / "downloads"
    downloads.mkdir(exist_ok=True)
    page = Page(send, events, downloads)
    send("Page.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
    return page
