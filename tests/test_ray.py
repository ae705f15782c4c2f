"""Runs on a Ray cluster: the same bytes as on one machine, whatever becomes of its nodes."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray_cluster
from commands import (
    PATIENCE,
    Ran,
    children,
    command_line,
    environment,
    is_running,
    python_path,
    run_tagger,
    wait_until,
)
from pictures import save_picture
from PIL import Image

from tagger import __version__

pytestmark = [pytest.mark.slow, ray_cluster.NEEDS_RAY]

Tag = Callable[..., Ran]

_SAME = "install the same version on all nodes."


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Return a cluster of two nodes with a core each, called one and two."""
    with ray_cluster.cluster(ray_cluster.node("one"), ray_cluster.node("two")) as started:
        yield started


@pytest.fixture
def tag(folder: Path, tiny_model: Path) -> Tag:
    """Return a function that runs ``tagger tag ARGUMENTS`` in a process of its own."""

    def run(*arguments: str | Path) -> Ran:
        return run_tagger("tag", *arguments, "--model", tiny_model, cwd=folder)

    return run


@pytest.fixture
def on_ray(tag: Tag, cluster: Any) -> Tag:
    """Return the same on the cluster."""
    return lambda *arguments: tag(*arguments, "--engine", "ray", "--ray-address", cluster.address)


def fill(folder: Path) -> None:
    """Put images and what fails into ``p`` in a folder."""
    for place in range(40):
        save_picture(folder / f"p/{place:02}.png", (place, 2 * place, 255 - place))
    (folder / "p/07.png").write_text("no image")
    (folder / "p/08.png").write_bytes(b"")
    (folder / "p/strange, \udcff.png").write_bytes((folder / "p/01.png").read_bytes())
    (folder / "p/lost.png").symlink_to("nowhere.png")


@pytest.fixture(scope="module")
def slow_posters(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """Return a folder with images in ``p`` that take a core about five seconds, and their table."""
    root = tmp_path_factory.mktemp("slow")
    (root / "p").mkdir()
    random = np.random.default_rng(1)
    for kind in range(4):
        noise = random.integers(60 * kind, 60 * kind + 60, (1800, 1800, 3), dtype=np.uint8)
        Image.fromarray(noise).save(root / f"kind{kind}.png", compress_level=1)
    for place in range(80):
        os.link(root / f"kind{place % 4}.png", root / f"p/{place:03}.png")
    assert run_tagger("tag", "p", "-o", "whole.csv", "--model", tiny_model, cwd=root).code == 0
    return root


@pytest.fixture
def slow(folder: Path, slow_posters: Path) -> bytes:
    """Put these images into ``p``; return their table."""
    shutil.copytree(slow_posters / "p", folder / "p", copy_function=os.link)
    return (slow_posters / "whole.csv").read_bytes()


def test_table_and_sidecars_are_those_of_one_machine(folder: Path, tag: Tag, on_ray: Tag) -> None:
    fill(folder)
    columns = ("--columns", "name,width,height,bytes,sha256")
    local = tag("p", "-o", "local.csv", "--sidecar", "json", "--sidecar-dir", "l", *columns)

    ran = on_ray("p", "-o", "ray.csv", "--sidecar", "json", "--sidecar-dir", "r", *columns)
    isolated = on_ray("p", "-f", "csv", *columns, "--gpus-per-worker", "0", "--isolate")

    assert (ran.code, ran.stdout) == (local.code, b"") == (1, b"")
    assert "Running on cpu (Ray: 2 nodes, 2 CPUs)." in ran.stderr.splitlines()
    assert (folder / "ray.csv").read_bytes() == (folder / "local.csv").read_bytes()
    assert contents(folder / "r") == contents(folder / "l") != {}
    assert isolated.stdout == (folder / "local.csv").read_bytes()


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_decoding_on_cores_for_networks_on_gpus_gives_the_same(
    folder: Path, tag: Tag, cluster: Any
) -> None:
    """GPUs in name: Ray hands them out, and the network runs on a core all the same."""
    fill(folder)
    tag("p", "-o", "local.csv")
    added = cluster.add_node(**ray_cluster.node("gpus", num_gpus=2))

    ran = tag(
        *("p", "-o", "ray.csv", "--device", "cpu", "--gpus-per-worker", "0.5"),
        *("--batch-size", "4", "--engine", "ray", "--ray-address", cluster.address),
    )
    cluster.remove_node(added)

    assert ran.code == 1, ran.stderr
    assert (folder / "ray.csv").read_bytes() == (folder / "local.csv").read_bytes()


def test_members_of_archives_urls_and_shards_are_those_of_one_machine(
    folder: Path, tag: Tag, on_ray: Tag
) -> None:
    """URLs are of what fsspec, which Ray Data brings, reads from this machine alone."""
    fill(folder)
    with zipfile.ZipFile("p/a.zip", "w") as packed, tarfile.open("t.tar", "w") as tar:
        for place in range(10):
            packed.write(folder / f"p/{place:02}.png", f"in/{place}.png")
            tar.add(folder / f"p/{place:02}.png", f"{place}.png")
        packed.writestr("../up.png", b"")
    (folder / "list").write_text("".join(f"local://{folder}/p/{n:02}.png\n" for n in range(5, 20)))
    arguments = ("p", "t.tar", "--files-from", "list", "--archives", "--shard", "2/2")
    local = tag(*arguments, "-o", "local.csv")

    ran = on_ray(*arguments, "-o", "ray.csv")

    assert (ran.code, local.code) == (1, 1), ran.stderr
    files = [folder / f"{name}.csv.run.json" for name in ("local", "ray")]
    notes = [json.loads(file.read_bytes()) for file in files]
    assert notes[0]["input"] == notes[1]["input"]
    table = (folder / "ray.csv").read_bytes()
    assert all(start in table for start in (b"\np/a.zip/in/", b"\nt.tar/", b"\nlocal:///"))
    assert table == (folder / "local.csv").read_bytes()


def test_workers_that_always_die_end_the_run(folder: Path, tag: Tag) -> None:
    """An image kills its decoder, and with it the worker; alone where it is isolated."""
    for place in range(6):
        save_picture(folder / f"p/{place}.png", (40 * place, 0, 200))
    save_picture(folder / "p/5 deadly.png")
    (folder / "other").mkdir()
    (folder / "other/sitecustomize.py").write_text(
        "import os, sys\n"
        "def hook(event, arguments):\n"
        "    if event == 'open' and str(arguments[0]).endswith('deadly.png'):\n"
        "        os._exit(1)\n"
        "sys.addaudithook(hook)\n"
    )
    there = {"env_vars": {"PYTHONPATH": python_path(folder / "other")}}
    with ray_cluster.cluster(ray_cluster.node("only", **there)) as own:
        on = ("p", "-o", "tags.csv", "--engine", "ray", "--ray-address", own.address)
        ran = tag(*on, "--batch-size", "1")
        alone = tag(*on, "--isolate", "--resume")

    assert (ran.code, ran.stdout) == (3, b"")
    assert re.fullmatch(
        r"tagger: Workers of the Ray cluster end again and again at p/\d.*\.png or an image after "
        r"it \(.+\): with --isolate, an image that crashes its decoder fails alone\.",
        ran.stderr.splitlines()[-1],
    )
    assert alone.code == 1, alone.stderr
    rows = (folder / "tags.csv").read_text().splitlines()[1:]
    assert len(rows) == 7
    assert [row.split(",")[0] for row in rows if row.split(",")[2]] == ["p/5 deadly.png"]


def test_titles_and_names_are_known_on_every_node(
    folder: Path, cluster: Any, tiny_text_model: Path
) -> None:
    for name in ("green (1995)", "Heat (1995)", "red"):
        save_picture(folder / f"p/{name}/poster.jpg")
    (folder / "films.csv").write_text("path,title,year\np/red/poster.jpg,blue,1990\n")
    arguments = ("tag", "p", "--titles", "films.csv", "--columns", "text", "--model")
    local = run_tagger(*arguments, tiny_text_model, cwd=folder)

    on = ("--engine", "ray", "--ray-address", cluster.address)
    ran = run_tagger(*arguments, tiny_text_model, *on, cwd=folder)

    assert b"table: blue (1990)" in local.stdout
    assert (ran.code, ran.stdout) == (0, local.stdout)
    assert "A title was found for 3 of 3 images." in ran.stderr.splitlines()


def test_a_run_of_one_machine_is_resumed_on_a_cluster(folder: Path, tag: Tag, on_ray: Tag) -> None:
    fill(folder)
    tag("p", "-o", "whole.csv")
    (folder / "list").write_text("".join(f"p/{place:02}.png\n" for place in range(14)))
    tag("--files-from", "list", "-o", "tags.csv")

    ran = on_ray("p", "-o", "tags.csv", "--resume")

    assert (
        "14 kept from an earlier run, 2 of them failed (--retry-failed retries them)."
        in ran.stderr.splitlines()
    )
    assert (folder / "tags.csv").read_bytes() == (folder / "whole.csv").read_bytes()


@contextmanager
def seen_here_alone(folder: Path) -> Iterator[Path]:
    """Return a path of a folder for processes that inherit a descriptor, and for no others."""
    opened = os.open(folder, os.O_RDONLY)
    number = fcntl.fcntl(opened, fcntl.F_DUPFD, 700)
    try:
        yield Path(f"/proc/self/fd/{number}")
    finally:
        os.close(number)
        os.close(opened)


def tag_seeing(place: Path, *arguments: str | Path, cwd: Path) -> Ran:
    """Run ``tagger tag ARGUMENTS`` where :func:`seen_here_alone` holds."""
    done = subprocess.run(
        command_line("tag", *arguments),
        cwd=cwd,
        capture_output=True,
        env=environment(),
        check=False,
        pass_fds=(int(place.name),),
    )
    return Ran(done.returncode, done.stdout, done.stderr.decode())


def test_a_folder_that_a_node_does_not_see_is_named(
    folder: Path, tiny_model: Path, cluster: Any
) -> None:
    save_picture(folder / "p/a.png")
    on = ("--engine", "ray", "--ray-address", cluster.address, "--model", tiny_model)

    with seen_here_alone(folder / "p") as place:
        ran = tag_seeing(place, place, *on, "-o", "tags.csv", cwd=folder)

    assert (ran.code, ran.stdout) == (3, b"")
    assert ran.stderr.startswith("tagger: Node ")
    assert ran.stderr.endswith(
        f" does not see {place}: all nodes must see the images by the same path as this machine, "
        "such as on a shared file system.\n"
    )
    assert not (folder / "tags.csv").exists()


def test_an_image_that_a_node_does_not_see_has_a_row_that_names_the_node(
    folder: Path, tiny_model: Path, cluster: Any
) -> None:
    save_picture(folder / "q/red.png")
    save_picture(folder / "p/a.png")
    (folder / "p/c.png").symlink_to("nowhere.png")
    on = ("--engine", "ray", "--ray-address", cluster.address, "--model", tiny_model)

    with seen_here_alone(folder / "q") as place:
        (folder / "p/b.png").symlink_to(place / "red.png")
        ran = tag_seeing(place, "p", "--layout", "list", *on, cwd=folder)

    first, second, third = ran.rows()
    assert (ran.code, first) == (1, "p/a.png,red,")
    assert re.fullmatch(
        r'p/b.png,,"node (one|two) \(\S+\) does not see it, but this machine does"', second
    )
    assert third == "p/c.png,,no such file or directory"


@pytest.mark.parametrize(
    ("package", "ending"),
    [
        ("", f"has no poster-tagger: install version {__version__} on all nodes."),
        ("0.0.1", f"has poster-tagger 0.0.1, this machine {__version__}: {_SAME}"),
    ],
)
def test_a_node_without_this_version_is_named(
    folder: Path, on_ray: Tag, cluster: Any, package: str, ending: str
) -> None:
    save_picture(folder / "p/a.png")
    other = folder / "other"
    (other / "tagger").mkdir(parents=True)
    version = "raise ImportError" if not package else f"__version__ = {package!r}"
    (other / "tagger/__init__.py").write_text(version)
    odd = cluster.add_node(**ray_cluster.node("odd", env_vars={"PYTHONPATH": python_path(other)}))

    ran = on_ray("p")
    cluster.remove_node(odd)

    assert (ran.code, ran.stdout) == (3, b"")
    assert re.fullmatch(rf"tagger: Node odd \(\S+\) {re.escape(ending)}\n", ran.stderr)


def test_an_address_where_no_cluster_answers_is_named(folder: Path, tiny_model: Path) -> None:
    """Nobody listens, or somebody who says nothing; at the same time, as it takes 10 s."""
    save_picture(folder / "p/a.png")
    with socket.socket() as unused, socket.create_server(("127.0.0.1", 0)) as mute:
        unused.bind(("127.0.0.1", 0))
        found = [f"127.0.0.1:{one.getsockname()[1]}" for one in (unused, mute)]
        options = ("p", "--engine", "ray", "--model", tiny_model, "--ray-address")
        running = [start(folder, *options, address) for address in found]
        said = [one.communicate(timeout=PATIENCE) for one in running]

    assert [one.returncode for one in running] == [3, 3]
    for address, (stdout, stderr) in zip(found, said, strict=True):
        assert stdout == b""
        assert stderr.decode().splitlines()[-1] == (
            f"tagger: --ray-address {address}: no Ray cluster answers there. Check the address, "
            "and that the cluster runs ('ray status')."
        )


def test_the_table_is_the_same_when_a_node_dies(
    folder: Path, slow: bytes, cluster: Any, tiny_model: Path
) -> None:
    """On standard output, where Ray itself would report the death."""
    begin = time.monotonic()
    running = start(
        folder,
        *("p", "-o", "-", "--sidecar", "txt", "--sidecar-dir", "s", "--model", tiny_model),
        *("--engine", "ray", "--ray-address", cluster.address),
    )
    wait_until(lambda: (folder / "s").is_dir() or running.poll() is not None)

    cluster.remove_node(cluster.named["two"], allow_graceful=False)
    assert running.poll() is None, "it was too quick to be disturbed"
    stdout, stderr = running.communicate(timeout=PATIENCE)

    assert running.returncode == 0, stderr.decode()
    assert stdout == slow
    assert len(list((folder / "s").iterdir())) == 80
    assert time.monotonic() - begin < PATIENCE / 3


def test_the_death_of_the_head_is_one_sentence_and_the_run_is_resumed(
    folder: Path, tag: Tag, slow: bytes, tiny_model: Path
) -> None:
    arguments = ("p", "-o", "tags.csv", "--model", tiny_model)
    with ray_cluster.cluster(ray_cluster.node("only")) as own:
        address = own.address
        running = start(folder, *arguments, "--engine", "ray", "--ray-address", address)
        part = folder / "tags.csv.part"
        wait_until(
            lambda: (part.is_file() and part.stat().st_size > 40) or running.poll() is not None
        )

        own.head_node.kill_all_processes(check_alive=False, allow_graceful=False, wait=True)
        stdout, stderr = running.communicate(timeout=PATIENCE / 5)

    assert (running.returncode, stdout) == (3, b""), stderr.decode()
    said = stderr.decode().splitlines()
    assert said[-1] == (
        f"tagger: The head of the Ray cluster, {address}, does not answer any more: start the "
        "cluster again, then continue with --resume."
    )
    ran = tag(*arguments, "--resume")
    assert "kept from an earlier run" in ran.stderr
    assert (folder / "tags.csv").read_bytes() == slow


def start(folder: Path, *arguments: str | Path) -> subprocess.Popen[bytes]:
    """Start ``tagger tag ARGUMENTS``."""
    return subprocess.Popen(
        command_line("tag", *arguments),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )


def temporary(process: int) -> list[Path]:
    """Return the folders that Ray has for a process."""
    return list(Path("/tmp").glob(f"tagger-ray-{process}-*"))


@pytest.mark.parametrize("when", ["ray begins", "images are tagged"])
def test_ctrl_c_ends_ray_on_this_machine_and_the_run_is_resumed(
    folder: Path, tag: Tag, slow: bytes, tiny_model: Path, when: str
) -> None:
    arguments = ("p", "-o", "tags.csv", "--sidecar", "txt", "--sidecar-dir", "s")
    running = start(
        folder, *arguments, "--model", tiny_model, "--engine", "ray", "--concurrency", "2"
    )
    begun = {
        "ray begins": lambda: bool(temporary(running.pid) and children(running.pid)),
        "images are tagged": (folder / "s").is_dir,
    }[when]
    wait_until(lambda: begun() or running.poll() is not None)
    own = children(running.pid)
    assert own

    running.send_signal(signal.SIGINT)
    stdout, stderr = running.communicate(timeout=PATIENCE)

    assert (running.returncode, stdout) == (130, b""), stderr.decode()
    assert stderr.decode().splitlines()[-1] == "tagger: Interrupted."
    assert not any(is_running(process) for process in own)
    assert temporary(running.pid) == []
    ran = tag(*arguments, "--resume")
    assert ran.code == 0, ran.stderr
    assert (folder / "tags.csv").read_bytes() == slow
