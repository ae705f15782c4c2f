"""No command opens a socket, starts a program, or writes where it was not told to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from commands import PATIENCE, Argument, environment
from foreign_sidecars import LISTS
from pictures import save_picture
from system_calls import FILES, NETWORK, PROGRAMS, Traced, trace_program, trace_tagger

pytestmark = pytest.mark.slow  # whole runs under strace

# What a process without a user's settings finds at home: nothing.
_HOME = "home"


@pytest.fixture
def posters(folder: Path) -> Path:
    """Save images in several formats, broken ones, and a sidecar of another program."""
    for name, options in {
        "a.jpg": {},
        "b.png": {"mode": "RGBA"},
        "c.webp": {},
        "d.tif": {"mode": "CMYK"},
        "e.gif": {"mode": "P"},
        "f.avif": {},
        "g.bmp": {},
    }.items():
        colour = 7 if options.get("mode") == "P" else "red"
        save_picture(folder / "posters" / name, colour, **options)
    (folder / "posters" / "a.jpg.xmp").write_bytes(LISTS["digiKam"])
    (folder / "posters" / "h.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    (folder / "posters" / "i.svg.png").write_text('<svg><image href="http://127.0.0.1:9/"/></svg>')
    (folder / _HOME).mkdir()
    return folder / "posters"


def trace(*arguments: Argument, posters: Path, calls: str = f"{NETWORK},{PROGRAMS}") -> Traced:
    home = posters.parent / _HOME
    env = {
        **environment(),
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(home / "cache"),
        # Set by the command itself, whatever is set here.
        "ORT_DISABLE_TELEMETRY": "0",
    }
    return trace_tagger(*arguments, calls=calls, cwd=posters.parent, env=env)


def assert_keeps_to_itself(traced: Traced, code: int) -> None:
    """Hold that there was no socket, and no program but the command and its decoders."""
    assert traced.ran.code == code, traced.ran.stderr
    decoder = f'["{sys.executable}", "-P", "-m", "tagger.decode.process"]'
    # A call that another one interrupts in the trace has a second line, without its arguments.
    calls = [call for call in traced.named(PROGRAMS) if "resumed>" not in call]
    programs = [call for call in calls if decoder not in call]
    assert len(programs) == 1
    assert traced.others(PROGRAMS) == []


def test_a_socket_or_a_program_would_be_noticed(tmp_path: Path) -> None:
    code = (
        "import socket, subprocess\n"
        "subprocess.run(['true'])\n"
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 9))\n"
        "open('new', 'w')"
    )

    traced = trace_program(
        sys.executable, "-c", code, calls=f"{NETWORK},{PROGRAMS},{FILES}", cwd=tmp_path
    )

    assert traced.ran.code == 0
    assert any('"true"' in call for call in traced.named(PROGRAMS))
    assert [call for call in traced.others(f"{PROGRAMS},{FILES}") if "AF_INET" in call]
    assert "new" in traced.changed_paths()


@pytest.mark.parametrize("device", ["cpu", "openvino"])
def test_tagging_keeps_to_itself(posters: Path, tiny_model: Path, device: str) -> None:
    traced = trace(
        "tag", "posters", "-o", "t.parquet", "--sidecar", "xmp", "--sidecar", "json", "--model",
        tiny_model, "--device", device, "--summary", "s.json", posters=posters,
    )  # fmt: skip

    assert_keeps_to_itself(traced, code=1)  # two of the files are no images


def test_all_that_follows_tagging_keeps_to_itself(posters: Path, tiny_model: Path) -> None:
    model = ("--model", tiny_model)
    for arguments, code in (
        (("tag", "posters", "-o", "t.csv", *model, "--sidecar", "xmp"), 1),
        (("retag", "t.csv", "-o", "t.xlsx", *model), 1),
        (("retag", "t.xlsx", "-o", "t.parquet", *model), 1),
        (("untag", "posters"), 0),
        (("info", tiny_model), 0),
    ):
        assert_keeps_to_itself(trace(*arguments, posters=posters), code)


def test_measuring_keeps_to_itself(posters: Path, tiny_model: Path) -> None:
    traced = trace(
        "bench", "posters", "--model", tiny_model, "--device", "cpu", "--rounds", "1",
        posters=posters,
    )  # fmt: skip

    assert_keeps_to_itself(traced, code=0)


def test_the_bundled_model_keeps_to_itself(posters: Path) -> None:
    # The device is chosen, so the libraries of GPUs are looked for.
    assert_keeps_to_itself(trace("tag", "posters/a.jpg", posters=posters), code=0)


def test_the_doctor_opens_no_socket(posters: Path) -> None:
    traced = trace("doctor", posters=posters, calls=NETWORK)

    assert (traced.ran.code, traced.calls) == (0, ())


def test_an_evaluation_opens_no_socket(posters: Path, tiny_model: Path) -> None:
    pytest.importorskip("sklearn", reason="the 'train' extra is not installed")
    (posters.parent / "l.csv").write_text("id,red,green\na,1,0\nb,1,0\nc,0,1\n")

    traced = trace(
        "evaluate", tiny_model, "--images", "posters", "--labels", "l.csv", "--device", "cpu",
        posters=posters, calls=NETWORK,
    )  # fmt: skip

    assert (traced.ran.code, traced.calls) == (0, ()), traced.ran.stderr


def test_tagging_writes_where_it_was_told_and_nowhere_else(posters: Path, tiny_model: Path) -> None:
    (posters.parent / "out").mkdir()
    traced = trace(
        "tag", "posters", "-o", "out/t.csv", "--sidecar", "xmp", "--sidecar-dir", "out/sidecars",
        "--model", tiny_model, "--device", "cpu",
        posters=posters, calls=FILES,
    )  # fmt: skip

    # What a run notes of itself lies in the state folder; Python may write compiled modules.
    home = posters.parent / _HOME
    elsewhere = {
        path
        for path in traced.changed_paths()
        if not path.startswith(("out", str(posters.parent / "out"), str(home / "state")))
        and "__pycache__" not in path
        and path not in ("/dev/null", str(home))
    }
    assert traced.ran.code == 1
    assert elsewhere == set()
    assert sorted(file.name for file in posters.parent.iterdir()) == ["home", "out", "posters"]


# Where there is no strace: what Python itself sees, on any system.

_GUARDED = """
import sys

def guard(event, arguments):
    if event.startswith(("socket.", "subprocess.", "os.fork", "os.posix_spawn", "os.exec",
                         "os.system", "urllib.", "http.", "ftplib.", "smtplib.")):
        raise SystemExit(f"{event} {arguments}")

sys.addaudithook(guard)
from tagger.cli import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize("device", ["cpu", "openvino"])
def test_no_python_code_opens_a_socket_or_starts_a_program(
    posters: Path, tiny_model: Path, device: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _GUARDED, "tag", "posters", "-o", "t.xlsx", "--sidecar", "xmp",
         "--model", tiny_model, "--device", device],
        cwd=posters.parent, capture_output=True, env=environment(), timeout=PATIENCE, check=False,
    )  # fmt: skip

    assert done.returncode == 1, done.stderr.decode()
    assert (posters.parent / "t.xlsx").exists()
