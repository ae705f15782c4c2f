"""Images on other machines: an S3-compatible server, a web server, and connections that are cut."""

from __future__ import annotations

import contextlib
import functools
import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from commands import PATIENCE, Ran, command_line, environment, wait_until
from pictures import save_picture

PACKAGES = Path(sys.prefix) / "stores"
SERVER = Path(__file__).with_name("s3_server.py")

PIP = "pip installs it."

pytestmark = pytest.mark.skipif(
    not PACKAGES.is_dir() and not os.environ.get("TAGGER_TEST_READERS"),
    reason="fsspec, s3fs and moto are not installed beside the others",
)


class Proxy:
    """Passes connections on to a port, until it is cut, or stalls."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._ends: list[socket.socket] = []
        self.is_cut = False
        self._flows = threading.Event()
        self._flows.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self.is_cut:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._target))
                self._ends += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                self._flows.wait()
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def stall(self) -> None:
        """Take connections and what they bring as before, and give no answer any more."""
        self._flows.clear()

    def cut(self) -> None:
        """End all connections in the middle of whatever they carry, and let no other one be."""
        self.is_cut = True
        self._flows.set()
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End for good."""
        self.cut()
        self._listener.close()


@contextlib.contextmanager
def s3_server(folder: Path) -> Iterator[int]:
    """Serve a folder's files in the bucket ``films``; yield the port."""
    running = subprocess.Popen(
        [sys.executable, SERVER, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=with_store(0),
    )
    try:
        assert running.stdout is not None
        yield int(running.stdout.readline())
    finally:
        running.kill()
        running.communicate()


def with_store(port: int) -> dict[str, str]:
    """Return the environment of a process that reads an S3-compatible server at a port."""
    return {
        **environment(PACKAGES),
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
        "FSSPEC_S3_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }


def tag(folder: Path, model: Path, port: int, *arguments: str, stdin: bytes = b"") -> Ran:
    """Run ``tagger tag`` with a store at a port."""
    done = subprocess.run(
        command_line("tag", *arguments, "--model", model, "--device", "cpu"),
        cwd=folder,
        env=with_store(port),
        input=stdin,
        capture_output=True,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr.decode())


@pytest.fixture(scope="module")
def posters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a few posters, and files that are none."""
    root = tmp_path_factory.mktemp("store")
    for name, colour in (
        ("a.png", "red"),
        ("q/b.png", "green"),
        ("q.png", "blue"),
        ("é.png", "red"),
    ):
        save_picture(root / "p" / name, colour)
    (root / "p/notes.txt").write_text("no image")
    (root / "p/bad.jpg").write_text("a text, not an image")
    (root / "p/q/@eaDir").mkdir()
    save_picture(root / "p/q/@eaDir/a.png")
    return root


@pytest.fixture(scope="module")
def store(posters: Path) -> Iterator[int]:
    """Serve these posters; return the port."""
    with s3_server(posters) as port:
        yield port


@pytest.mark.parametrize("decode", ["threads", "processes"])
def test_a_bucket_gives_the_rows_of_the_folder(
    posters: Path, store: int, tiny_model: Path, decode: str
) -> None:
    columns = ("--columns", "width,height,bytes,sha256", "-f", "csv")

    local = tag(posters, tiny_model, store, "p", *columns)
    remote = tag(posters, tiny_model, store, "s3://films/p/", *columns, "--decode", decode)

    assert local.code == remote.code == 1
    assert len(local.rows()) == 5
    assert remote.stdout.replace(b"s3://films/p/", b"p/") == local.stdout
    assert [line for line in remote.stderr.splitlines() if ":" in line][-2:] == [
        line for line in local.stderr.splitlines() if ":" in line
    ][-2:]


def test_filters_lists_and_spellings(posters: Path, store: int, tiny_model: Path) -> None:
    listed = b"s3://films/p/q/b.png\ns3://films/p/none.png\ns3://films/p/q\n"

    filtered = tag(
        posters, tiny_model, store, "s3://films/p", "--exclude", "q", "--exclude", "bad.jpg",
        "--absolute", "-f", "csv", "--layout", "list", "-q",
    )  # fmt: skip
    of_list = tag(
        posters, tiny_model, store, "-", "-f", "csv", "--layout", "list", "-q", stdin=listed
    )

    assert filtered.rows() == [
        "s3://films/p/a.png,red,", "s3://films/p/q.png,blue,", "s3://films/p/é.png,red,",
    ]  # fmt: skip
    assert of_list.rows() == [
        "s3://films/p/none.png,,no such file or directory",
        's3://films/p/q,,"a folder, not an image"',
        "s3://films/p/q/b.png,green,",
    ]


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("s3://films/none", 2, "No such file or folder: 's3://films/none'."),
        ("s3://nobucket/p", 2, "No such file or folder: 's3://nobucket/p'."),
        ("nope://films/p", 2, "nope://films/p cannot be read: Protocol not known: nope."),
        (
            "gs://films/p",
            3,
            f"gs://films/p cannot be read: Please install gcsfs to access Google Storage; {PIP}",
        ),
    ],
)
def test_what_cannot_be_found_is_one_sentence(
    posters: Path, store: int, tiny_model: Path, url: str, code: int, said: str
) -> None:
    ran = tag(posters, tiny_model, store, url, "-o", "t.csv")

    assert (ran.code, ran.stderr) == (code, f"tagger: {said}\n")
    assert not (posters / "t.csv").exists()


def test_a_store_that_is_gone_is_one_sentence(posters: Path, tiny_model: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    ran = tag(posters, tiny_model, port, "s3://films/p", "-f", "csv")

    assert ran.code == 3
    assert ran.stderr.startswith("tagger: s3://films/p cannot be read: no answer from its store (")


def test_nothing_is_written_beside_remote_images(
    posters: Path, store: int, tiny_model: Path
) -> None:
    for wish in (("--sidecar", "txt"), ("--embed",)):
        assert tag(posters, tiny_model, store, "s3://films/p", *wish).code == 2


def test_an_update_tags_what_was_changed_alone(
    posters: Path, tiny_model: Path, tmp_path: Path
) -> None:
    for name in ("a.png", "b.png"):
        save_picture(tmp_path / "in" / name)
    for change in (False, True):
        if change:
            save_picture(tmp_path / "in/b.png", "blue")
        with s3_server(tmp_path / "in") as port:
            ran = tag(tmp_path, tiny_model, port, "s3://films", "-o", "t.csv", "--update")
            assert ran.code == 0

    rows = (tmp_path / "t.csv").read_text().splitlines()[1:]
    assert [row.split(",")[:2] for row in rows] == [
        ["s3://films/a.png", "red"],
        ["s3://films/b.png", "blue"],
    ]


class _Web(SimpleHTTPRequestHandler):
    """A web server with a file that lies about its size, and one that is denied."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if self.path == "/denied.png":
            self.send_error(403)
        elif self.path == "/endless.png":
            self._endless()
        else:
            super().do_GET()

    def do_HEAD(self) -> None:
        if self.path == "/endless.png":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
        elif self.path == "/denied.png":
            self.send_error(403)
        else:
            super().do_HEAD()

    def _endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(bytes(65536))


def test_a_list_of_web_addresses(posters: Path, tiny_model: Path) -> None:
    web = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(_Web, directory=str(posters / "p"))
    )
    threading.Thread(target=web.serve_forever, daemon=True).start()
    root = f"http://127.0.0.1:{web.server_port}"
    names = ("a.png", "q/b.png", "none.png", "denied.png", "endless.png", "bad.jpg")
    (posters / "urls.txt").write_text("".join(f"{root}/{name}\n" for name in names))

    ran = tag(
        posters, tiny_model, 0, "--files-from", "urls.txt", "-f", "csv", "--layout", "list", "-q"
    )
    web.shutdown()

    assert [row.removeprefix(f"{root}/") for row in ran.rows()] == [
        "a.png,red,",
        'bad.jpg,,"a text file, not an image"',
        "denied.png,,access is denied",
        "endless.png,,it was changed while it was read",
        "none.png,,no such file or directory",
        "q/b.png,green,",
    ]


def test_local_paths_load_nothing_of_it(posters: Path, tiny_model: Path) -> None:
    code = (
        "import sys\nfrom tagger.cli import run\n"
        f"run(['tag', 'p', '-f', 'csv', '--model', {str(tiny_model)!r}])\n"
        "names = {'fsspec', 'aiohttp', 'tarfile', 'tagger.stores.remote', 'tagger.stores.archive'}"
        "\nfound = names & set(sys.modules)\nsys.exit(f'loaded: {found}' if found else 0)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=posters,
        env=with_store(0),
        capture_output=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_without_the_extra_it_is_named(posters: Path, tiny_model: Path) -> None:
    hidden = posters / "hidden"
    (hidden / "fsspec").mkdir(parents=True, exist_ok=True)
    (hidden / "fsspec/__init__.py").write_text("raise ImportError('hidden by the test')")

    done = subprocess.run(
        command_line("tag", "s3://films/p", "--model", tiny_model),
        cwd=posters,
        env=environment(hidden),
        capture_output=True,
        check=False,
    )

    assert done.returncode == 3
    assert done.stderr.decode() == (
        "tagger: Reading s3://films/p needs the 'remote' extra (fsspec is not installed): pip "
        "install 'poster-tagger[remote]'\n"
    )


LOST = {"cut": "no answer from its store", "stall": "takes longer than 3 s"}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """Serve 2,000 posters in ten folders; return where these lie, and the port."""
    root, chance = tmp_path_factory.mktemp("films"), random.Random(5)
    for number in range(2_000):
        colour = tuple(chance.choices(range(256), k=3))
        save_picture(root / f"films/{number % 10}/{number:05}.png", colour, size=(8, 12))
    with s3_server(root / "films") as port:
        yield root, port


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "decode"),
    [("cut", "threads"), ("cut", "processes"), ("stall", "threads")],
)
def test_a_connection_that_is_lost_loses_nothing(
    films: tuple[Path, int], tiny_model: Path, how: str, decode: str
) -> None:
    """Some posters have rows, some a reason, and the rest none; then all have rows."""
    (root, port), proxy = films, Proxy(films[1])
    # All of them once. Of a list, since a folder that is not listed in that time is passed over.
    found = sorted((root / "films").glob("*/*" if (how, decode) == ("cut", "threads") else "0/*"))
    (root / "list").write_text("".join(f"s3://{file.relative_to(root)}\n" for file in found))
    output = f"{how} {decode}.csv"
    options = ("--files-from", "list", "-o", output, "--batch-size", "8", "--decode", decode)
    first = subprocess.Popen(
        command_line(
            *("tag", *options, "--model", tiny_model, "--device", "cpu", "--workers", "4"),
            *("--image-timeout", "3" if how == "stall" else "60"),
        ),
        cwd=root,
        env=with_store(proxy.port),
        stderr=subprocess.PIPE,
    )
    part = root / f"{output}.part"
    wait_until(
        lambda: first.poll() is not None or (part.exists() and part.read_bytes().count(b"\n") > 50)
    )
    getattr(proxy, how)()
    said = first.communicate(timeout=PATIENCE)[1].decode()
    assert first.returncode == 3, said
    rows = [row.split(",") for row in part.read_text().splitlines()[1:]]
    proxy.close()

    mended = tag(root, tiny_model, port, *options, "--resume", "--retry-failed")

    assert said.endswith("with --resume --retry-failed.\n")
    reasons = [row[2] for row in rows if row[2]]
    assert 50 < len(rows) < len(found)
    assert reasons
    assert all(LOST[how] in reason for reason in reasons)
    assert mended.code == 0
    (root / "local").write_text("".join(f"{file.relative_to(root)}\n" for file in found))
    local = tag(root, tiny_model, 0, "--files-from", "local", "-f", "csv", "-q")
    assert (root / output).read_bytes().replace(b"s3://films/", b"films/") == local.stdout
