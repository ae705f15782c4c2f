"""Harm: a file that was made read-only, or is another user's, is replaced, or changes its owner.

Renaming a new file into another's place asks only the folder, and the new file is the user's.
Where root tests, what another user may do is tried as another user.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import TREE, Ran, run_tagger
from embeddable import save
from pictures import save_picture
from readers import reader
from tagger_training.run_folder import RunFolder

from tagger.files.rights import make_folders
from tagger.files.write import (
    opener,
    replacing,
    rewrite_whole,
    take_place,
    write_synced,
    write_whole,
)
from tagger.holders.change import keep_backup

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has other owners and rights")

Run = Callable[..., Ran]

NFO = "<movie>\n  <title>Heat</title>\n</movie>\n"
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>sea</rdf:li>'
    "</rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
)

#: A user and group that own nothing else, another user of that group, and a group of both.
OWNER, OTHER, SHARED = 61_001, 61_002, 61_003

is_root = hasattr(os, "geteuid") and os.geteuid() == 0


def facts(file: Path) -> tuple[int, int, int]:
    """Return owner, group and permissions."""
    state = file.lstat()
    return state.st_uid, state.st_gid, stat.S_IMODE(state.st_mode)


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def make_film(folder: Path) -> dict[str, Path]:
    """Make a poster with its sidecars and a film's .nfo; return what a run would change."""
    save_picture(folder / "poster.jpg")
    files = {name: folder / name for name in ("movie.nfo", "poster.jpg.xmp", "poster.jpg.txt")}
    files["movie.nfo"].write_text(NFO)
    files["poster.jpg.xmp"].write_text(XMP)
    files["poster.jpg.txt"].write_text("mine\n")
    return files


# Read-only means read-only, for whoever runs it


def test_a_read_only_sidecar_or_nfo_is_left_alone(folder: Path, tag: Run) -> None:
    files = make_film(folder / "p")
    for file in files.values():
        file.chmod(0o444)
    before = {file: (file.read_bytes(), facts(file)) for file in files.values()}

    ran = tag("p", "--sidecar", "nfo", "--sidecar", "xmp", "--backup")

    assert ran.code == 1
    assert ran.stderr.splitlines()[1:3] == [
        "failed: p/movie.nfo: read-only, so it was left alone",
        "failed: p/poster.jpg.xmp: read-only, so it was left alone",
    ]
    assert {file: (file.read_bytes(), facts(file)) for file in files.values()} == before
    assert names(folder / "p") == sorted([*files, "poster.jpg"])  # no backup of what stays


@pytest.mark.parametrize("kind", ["txt", "json", "xmp"])
@pytest.mark.parametrize("content", ["mine\n", ""])
def test_overwriting_asks_the_file(folder: Path, tag: Run, kind: str, content: str) -> None:
    save_picture(folder / "a.png")
    file = folder / f"a.png.{kind}"
    file.write_text(content)
    file.chmod(0o400)

    ran = tag("a.png", "--sidecar", kind, "--existing", "overwrite", "--backup")

    assert ran.code == 1
    assert ran.stderr.splitlines()[1] == (f"failed: a.png.{kind}: read-only, so it was left alone")
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == (content, 0o400)
    assert names(folder) == ["a.png", f"a.png.{kind}"]


def test_apply_and_untag_ask_the_file(folder: Path, tag: Run, tagger: Run) -> None:
    save_picture(folder / "a.png")
    save_picture(folder / "b.png")
    (folder / "b.png.xmp").write_text(XMP)
    tag(".", "--sidecar", "xmp")
    sidecars = [folder / "a.png.xmp", folder / "b.png.xmp"]
    for file in sidecars:
        file.chmod(0o444)
    before = [file.read_bytes() for file in sidecars]
    (folder / "t.csv").write_text("path,tags\na.png,noir\n")

    for dry_run, to_write, would_be in (
        (["--dry-run"], "would be written", " would be"),
        ([], "to write", ""),
    ):
        applied = tagger("apply", "t.csv", "--yes", *dry_run)
        untagged = tagger("untag", ".", *dry_run)

        assert applied.stderr.splitlines() == [
            "failed: a.png.xmp: read-only, so it was left alone",
            (
                f"0 files {to_write} (0 with other tags, 0 only marked as settled), "
                "0 already up to date, 1 failed."
            ),
        ]
        assert untagged.stderr.splitlines() == [
            "failed: ./a.png.xmp: read-only, so it was left alone",
            "failed: ./b.png.xmp: read-only, so it was left alone",
            f"0 sidecars{would_be} changed, 0{would_be} removed, 2 failed.",
        ]
        assert (applied.code, untagged.code) == (1, 1)
    assert [file.read_bytes() for file in sidecars] == before


def test_what_says_the_right_tags_already_is_not_asked(folder: Path, tag: Run) -> None:
    save_picture(folder / "a.png")
    tag("a.png", "--sidecar", "xmp")
    (folder / "a.png.xmp").chmod(0o444)

    ran = tag("a.png", "--sidecar", "xmp")

    assert ran.code == 0
    assert ran.stderr.splitlines()[-1] == "1 sidecar already up to date."


def test_the_file_behind_a_link_is_asked(folder: Path, tag: Run) -> None:
    save_picture(folder / "a.png")
    (folder / "real.xmp").write_text(XMP)
    (folder / "real.xmp").chmod(0o444)
    (folder / "a.png.xmp").symlink_to("real.xmp")

    ran = tag("a.png", "--sidecar", "xmp")

    assert ran.code == 1
    assert "failed: a.png.xmp: read-only, so it was left alone" in ran.stderr
    assert (folder / "real.xmp").read_text() == XMP
    assert (folder / "a.png.xmp").is_symlink()


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet", "t.xlsx"])
def test_a_read_only_table_stays_and_is_asked_before_the_work(
    folder: Path, tag: Run, tagger: Run, tiny_model: Path, name: str
) -> None:
    save_picture(folder / "a.png")
    assert tag("a.png", "-o", name, "--summary", "s.json").code == 0
    before = names(folder)
    (folder / "s.json").chmod(0o444)
    summary = tag("a.png", "-o", "new.csv", "--summary", "s.json")
    (folder / name).chmod(0o444)
    content = (folder / name).read_bytes()

    again = tag("a.png", "-o", name)
    retagged = tagger("retag", name, "--model", tiny_model, "-o", name)

    refused = f"tagger: {name} cannot be written: it is read-only.\n"
    assert (again.code, again.stderr) == (3, refused)
    assert (retagged.code, retagged.stderr) == (3, refused)
    assert (summary.code, summary.stderr) == (
        3,
        "tagger: s.json cannot be written: it is read-only.\n",
    )
    assert (folder / name).read_bytes() == content
    assert names(folder) == before


def test_whatever_replaces_a_file_asks_it(tmp_path: Path) -> None:
    file = tmp_path / "a.xmp"
    file.write_bytes(b"old")
    file.chmod(0o444)
    beside = tmp_path / "a.xmp.new"
    beside.write_bytes(b"new")

    for replace in (
        lambda: write_whole(file, b"new"),
        lambda: rewrite_whole(file, b"new"),
        lambda: take_place(os.fspath(beside), os.fspath(file)),
    ):
        with pytest.raises(PermissionError, match="it is read-only"):
            replace()

    assert file.read_bytes() == b"old"
    assert names(tmp_path) == ["a.xmp", "a.xmp.new"]


# What changes keeps whose it is, and who may do what


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_a_file_that_is_replaced_keeps_its_permissions(folder: Path, tag: Run, mode: int) -> None:
    files = make_film(folder / "p")
    assert tag("p", "-o", "t.csv").code == 0
    for file in (*files.values(), folder / "t.csv"):
        file.chmod(mode)

    former = os.umask(0o022)
    try:
        kinds = ("--sidecar", "nfo", "--sidecar", "xmp")
        merged = tag("p", *kinds, "--backup", "-o", "t.csv")
        written = tag("p", "--sidecar", "txt", "--existing", "overwrite", "--backup")
    finally:
        os.umask(former)

    assert (merged.code, written.code) == (0, 0)
    backups = [f"{name}.bak" for name in files]
    assert names(folder / "p") == sorted([*files, *backups, "poster.jpg"])
    for name in (*(f"p/{name}" for name in (*files, *backups)), "t.csv"):
        assert facts(folder / name)[2] == mode, name
    assert (folder / "p/poster.jpg.txt").read_text() == "red\n"
    assert (folder / "p/poster.jpg.txt.bak").read_text() == "mine\n"


def test_a_file_that_is_replaced_keeps_attributes_and_access_list(folder: Path, tag: Run) -> None:
    setfacl, getfacl = reader("setfacl"), reader("getfacl")
    files = list(make_film(folder / "p").values())
    save(folder / "p", "plain.jpg")
    files.append(folder / "p/plain.jpg")

    def access(file: Path) -> str:
        done = subprocess.run([getfacl, "-cn", file], capture_output=True, check=True, text=True)
        return done.stdout

    for file in files:
        subprocess.run([setfacl, "-m", f"u:{OTHER}:rw", file], check=True)
        os.setxattr(file, "user.note", b"mine")
    before = [access(file) for file in files]
    # New files get this list from the folder; one that is replaced by such a file must not.
    subprocess.run([setfacl, "-dm", f"u:{OWNER}:rw", folder / "p"], check=True)

    kinds = ("--sidecar", "nfo", "--sidecar", "xmp", "--embed", "--backup")
    assert tag("p", *kinds, "--exclude", "poster.jpg").code == 0
    assert tag("p", *kinds).code == 0
    assert tag("p", "--sidecar", "txt", "--existing", "overwrite").code == 0

    assert all(f"user:{OTHER}:rw-" in text for text in before)
    assert [access(file) for file in files] == before
    assert [os.getxattr(file, "user.note") for file in files] == [b"mine"] * len(files)
    assert b"poster-tagger" in files[-1].read_bytes()
    assert access(folder / "p/plain.jpg.bak") == before[-1]


def test_what_another_may_not_read_is_never_readable_while_it_is_replaced(tmp_path: Path) -> None:
    secret = tmp_path / "a.xmp"
    secret.write_text("secret")
    secret.chmod(0o600)

    with replacing(secret) as beside:
        write_synced(beside, [b"new"])
        assert facts(beside)[2] == 0o600
    keep_backup(os.fspath(secret), b"new")

    assert (secret.read_text(), facts(secret)[2]) == ("new", 0o600)
    assert facts(tmp_path / "a.xmp.bak")[2] == 0o600


# Another user's


@pytest.fixture
def shared() -> Iterator[Path]:
    """Return a folder that others may enter: OWNER's, where root tests."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "p").mkdir()
    yield folder
    shutil.rmtree(folder)


def give(path: Path, mode: int, *, file_mode: int) -> None:
    """Give a folder and all in it to OWNER and the group of both."""
    for file in (path, *path.rglob("*")):
        if is_root:
            os.chown(file, OWNER, SHARED)
        file.chmod(file_mode if file.is_file() else mode)


@pytest.fixture
def as_other(shared: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Return a function that runs ``tagger tag ARGUMENTS`` there, as OTHER if root tests."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(shared / "none"))
    monkeypatch.setenv("XDG_STATE_HOME", str(shared / "none"))
    shutil.copy(tiny_model, shared / "model.onnx")
    (shared / "model.onnx").chmod(0o644)
    options = ("--model", "model.onnx", "--device", "cpu")
    if not is_root:
        return lambda *arguments: run_tagger("tag", *arguments, *options, cwd=shared)
    become = [reader("setpriv"), "--reuid", str(OTHER), "--regid", str(OTHER)]
    become += ["--groups", str(SHARED)]
    # Where this tree, or Python, lies in a home of root, it takes a right to read, no other.
    reads = ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
    for under in (become, [*become, *reads]):
        probe = [*under, sys.executable, "-c", "import os, numpy; os.listdir(os.sys.argv[1])"]
        if subprocess.run([*probe, TREE], capture_output=True, check=False).returncode == 0:
            return lambda *arguments, under=under: run_tagger(
                "tag", *arguments, *options, cwd=shared, under=under
            )
    pytest.skip("another user may read neither this tree nor Python")


def test_what_another_user_may_not_write_is_left_alone(shared: Path, as_other: Run) -> None:
    files = make_film(shared / "p")
    give(shared / "p", 0o2775, file_mode=0o644 if is_root else 0o444)
    before = {file: (file.read_bytes(), facts(file)) for file in files.values()}

    merged = as_other("p", "--sidecar", "nfo", "--sidecar", "xmp", "--embed")
    written = as_other("p", "--sidecar", "txt", "--existing", "overwrite")

    assert (merged.code, written.code) == (1, 1), merged.stderr
    said = [line for line in merged.stderr.splitlines() if line.startswith("failed: ")]
    said += [line for line in written.stderr.splitlines() if line.startswith("failed: ")]
    assert said == [
        f"failed: p/{name}: read-only, so it was left alone"
        for name in ("movie.nfo", "poster.jpg.xmp", "poster.jpg", "poster.jpg.txt")
    ]
    assert {file: (file.read_bytes(), facts(file)) for file in files.values()} == before
    assert names(shared / "p") == sorted([*files, "poster.jpg"])


def test_what_another_user_may_write_keeps_its_owner(shared: Path, as_other: Run) -> None:
    files = list(make_film(shared / "p").values())
    give(shared / "p", 0o2775, file_mode=0o664)
    before = [facts(file) for file in files]
    image = (shared / "p/poster.jpg").read_bytes()

    merged = as_other("p", "--sidecar", "nfo", "--sidecar", "xmp")
    written = as_other("p", "--sidecar", "txt", "--existing", "overwrite")
    embedded = as_other("p", "--embed")

    assert (merged.code, written.code) == (0, 0)
    assert [facts(file) for file in files] == before
    assert "<genre>red</genre>" in files[0].read_text()
    assert "<rdf:li>red</rdf:li>" in files[1].read_text()
    assert files[2].read_text() == "red\n"
    kept = "poster.jpg.txt.bak"
    assert names(shared / "p") == sorted([*(file.name for file in files), kept, "poster.jpg"])
    if is_root:  # an image is never written into, since a kill would leave half of it
        reason = "a file whose owner or access rights would change, so it was left alone"
        assert f"failed: p/poster.jpg: {reason}" in embedded.stderr.splitlines()
        assert (shared / "p/poster.jpg").read_bytes() == image
    else:
        assert embedded.code == 0
        assert (shared / "p/poster.jpg").read_bytes() != image


@pytest.mark.parametrize(("old", "new"), [(b"long content", b"short"), (b"", b"x" * 99_999)])
def test_a_file_that_must_stay_the_same_one_gets_the_content(
    tmp_path: Path, old: bytes, new: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(old)
    (tmp_path / "link").hardlink_to(file)
    beside = tmp_path / "t.csv.new"
    beside.write_bytes(new)
    # As another user finds it.
    monkeypatch.setattr("tagger.files.write.take_after", lambda *_: False)

    take_place(os.fspath(beside), os.fspath(file))

    assert file.read_bytes() == (tmp_path / "link").read_bytes() == new
    assert names(tmp_path) == ["link", "t.csv"]


@pytest.mark.skipif(not is_root, reason="only root may give files away")
def test_a_group_that_cannot_be_kept_opens_a_backup_to_nobody(shared: Path) -> None:
    secret, copy = shared / "p/a.xmp", shared / "p/copy"
    secret.write_text("secret")
    give(shared / "p", 0o2777, file_mode=0o664)
    secret.chmod(0o660)
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path; from tagger.files.rights import take_after\n"
        f"os.setgroups([]); os.setgid({OTHER}); os.setuid({OTHER})\n"
        "os.close(os.open('p/copy', os.O_CREAT, 0o600))\n"
        "print(take_after(Path('p/copy'), 'p/a.xmp'))\n"
    )
    (shared / "p").chmod(0o777)  # new files get the group of their user
    done = subprocess.run(
        [sys.executable, "-c", code, TREE], cwd=shared, capture_output=True, check=True
    )

    assert done.stdout == b"False\n"
    assert facts(copy) == (OTHER, OTHER, 0o600)


# Root's new files


def test_what_root_makes_belongs_to_the_owner_of_the_folder(
    shared: Path, tiny_model: Path, tag: Run, tagger: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_film(shared / "p")
    save_picture(shared / "p/q/b.png")
    give(shared / "p", 0o755, file_mode=0o640)
    monkeypatch.chdir(shared)
    everything = [word for kind in ("txt", "json", "xmp", "nfo") for word in ("--sidecar", kind)]

    first = tag("p", *everything, "--embed", "--backup", "-o", "p/t.csv", "--summary", "p/s.json")
    again = tag("p", "--sidecar", "txt", "--existing", "overwrite", "--backup", "-o", "p/t.xlsx")
    mirrored = tag("p", "--sidecar", "txt", "--sidecar-dir", "p/tags/all")
    (shared / "p/q/b.png.txt").write_text("other")
    stopped = tag("p", "-o", "p/u.csv", "--sidecar", "txt", "--existing", "error")

    assert (first.code, again.code, mirrored.code, stopped.code) == (0, 0, 0, 3)
    found = names(shared / "p")
    assert {"poster.jpg.json", "poster.jpg.bak", "movie.nfo.bak", "t.csv.run.journal", "tags"} < {
        *found
    }
    owner = (OWNER, SHARED) if is_root else facts(shared)[:2]
    others = {str(file): facts(file) for file in (shared / "p").rglob("*")}
    assert {name: of for name, of in others.items() if of[:2] != owner} == {}
    assert facts(shared / "p/poster.jpg.bak")[2] == 0o640


def test_so_does_what_libraries_write_for_it(shared: Path) -> None:
    give(shared / "p", 0o755, file_mode=0o644)
    run = RunFolder(shared / "p/runs/new")

    run.create()
    run.write(run.model, lambda beside: beside.write_bytes(b"as Keras does"))
    run.write_json(run.state, {})
    with replacing(shared / "p/model.onnx") as beside:
        beside.write_bytes(b"as an export does")

    owner = (OWNER, SHARED) if is_root else facts(shared)[:2]
    assert {facts(file)[:2] for file in (shared / "p").rglob("*")} == {owner}
    assert len(list((shared / "p").rglob("*"))) == 5


@pytest.mark.skipif(not is_root, reason="only root may give files away")
def test_root_gives_nobody_a_file_that_was_not_made_just_now(shared: Path) -> None:
    theirs = shared / "theirs"
    theirs.write_text("root's own")
    give(shared / "p", 0o755, file_mode=0o644)
    (shared / "p/link").symlink_to(theirs)
    (shared / "p/hard").hardlink_to(theirs)

    for name in ("link", "hard"):
        with open(shared / "p" / name, "ab", opener=opener):
            pass
    with open(shared / "p/new", "wb", opener=opener):
        pass

    assert facts(theirs)[:2] == (0, 0)
    assert facts(shared / "p/new")[:2] == (OWNER, SHARED)


def test_a_file_in_the_way_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").touch()

    with pytest.raises(NotADirectoryError):
        make_folders(os.fspath(tmp_path / "a/b"))
    with pytest.raises(FileExistsError):
        make_folders(os.fspath(tmp_path / "a"))
