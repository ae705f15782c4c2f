"""``tagger tag --embed``: tags inside images, which other programs read, and no pixel touched."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ran
from embeddable import WITH_IPTC, pixels, save, save_all, streams
from pictures import save_picture
from readers import reader

Run = Callable[..., Ran]

#: A tag that breaks XML written carelessly, and one that is not ASCII.
ODD, FOREIGN = 'R&B <live> "5\'s"', "Où 🎬"
RENAMED = (
    *("--rename", f"red={ODD}", "--rename", f"green={FOREIGN}"),
    *("--threshold", "0.2", "--ignore", "blue"),
)


def exiftool(*files: Path) -> dict[str, dict[str, object]]:
    """Return what exiftool reads: name of a file → what is in it."""
    command = [reader("exiftool"), "-j", "-G1", "-struct", "-validate", "-warning", "-a", "-all"]
    done = subprocess.run([*command, *map(str, files)], capture_output=True, check=True)
    return {Path(read["SourceFile"]).name: read for read in json.loads(done.stdout)}


def exiv2(*files: Path) -> dict[str, dict[str, list[str]]]:
    """Return the keywords that exiv2 reads: name of a file → field → keywords."""
    command = [reader("exiv2"), "-PXIkt", *map(str, files)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    found: dict[str, dict[str, list[str]]] = {}
    for line in done.stdout.splitlines():
        name, key, *text = line.split(maxsplit=2)
        field = key.rpartition(".")[2]
        if field in ("Keywords", "TagsList", "subject") and "tagger" not in key:
            found.setdefault(Path(name).name, {}).setdefault(field, []).extend(text)
    return found


def subjects(file: Path) -> object:
    """Return the keywords of dc:subject."""
    return exiftool(file)[file.name]["XMP-dc:Subject"]


@pytest.fixture
def images(folder: Path) -> list[Path]:
    """Return an image of every kind."""
    return save_all(folder)


def test_other_programs_read_every_tag(images: list[Path], tag: Run) -> None:
    before = exiftool(*images)

    ran = tag(".", "--embed", "--xmp-root", "Genre", *RENAMED)

    assert (ran.code, ran.stdout) == (0, b"")
    names = [ODD, FOREIGN]
    after = exiftool(*images)
    for name, read in after.items():
        assert read["XMP-dc:Subject"] == names
        assert read["XMP-lr:HierarchicalSubject"] == [f"Genre|{tag}" for tag in names]
        assert read["XMP-digiKam:TagsList"] == [f"Genre/{tag}" for tag in names]
        assert read.get("IPTC:Keywords") == (names if name in WITH_IPTC else None)
        for complaint in ("ExifTool:Validate", "ExifTool:Warning", "ExifTool:Error"):
            assert read.get(complaint) == before[name].get(complaint)
    seen = exiv2(*images)
    assert seen.keys() == after.keys() - {"big.tif"}  # BigTIFF is beyond exiv2 0.27
    for name, fields in seen.items():
        assert fields.get("Keywords", []) == (names if name in WITH_IPTC else [])
        assert fields["subject"] == [", ".join(names)]
        assert fields["TagsList"] == [", ".join(f"Genre/{tag}" for tag in names)]


def test_no_pixel_is_touched(images: list[Path], tag: Run) -> None:
    before = {file: (streams(file), pixels(file)) for file in images}

    assert tag(".", "--embed").code == 0

    for file, (compressed, decoded) in before.items():
        assert b"poster-tagger:ns" in file.read_bytes()
        assert compressed
        assert streams(file) == compressed
        assert pixels(file) == decoded


def test_a_second_run_changes_nothing(images: list[Path], tag: Run) -> None:
    tag(".", "--embed", *RENAMED)
    before = [(file.read_bytes(), file.stat().st_mtime_ns) for file in images]

    ran = tag(".", "--embed", *RENAMED)

    assert ran.code == 0
    assert ran.stderr.splitlines()[-2:] == [
        "Tags written into 0 images.",
        f"{len(images)} images already up to date.",
    ]
    assert [(file.read_bytes(), file.stat().st_mtime_ns) for file in images] == before


def test_untag_gives_files_back_to_the_byte(images: list[Path], tag: Run, tagger: Run) -> None:
    before = [file.read_bytes() for file in images]
    for options in (RENAMED, ("--xmp-root", "A|B"), ("--max-tags", "0"), RENAMED):
        assert tag(".", "--embed", *options).code == 0

    ran = tagger("untag", ".")

    changed = f"{len(images)} images changed"
    assert ran == Ran(0, b"", f"0 sidecars changed, 0 removed, {changed}, 0 failed.\n")
    assert [file.read_bytes() for file in images] == before


def test_other_tags_take_the_place_of_ours(images: list[Path], tag: Run) -> None:
    only_red = ("--ignore", "green", "--ignore", "blue")
    sizes = []
    for name in ("one", "two", "six"):
        assert tag(".", "--embed", *only_red, "--rename", f"red={name}").code == 0
        sizes.append([file.stat().st_size for file in images])

    for name, read in exiftool(*images).items():
        assert read["XMP-dc:Subject"] == ["six"]
        assert read.get("IPTC:Keywords") == ("six" if name in WITH_IPTC else None)
    assert sizes[0] == sizes[1] == sizes[2]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.gif", "a GIF"), ("a.bmp", "a BMP"), ("a.avif", "an AVIF"), ("gif.jpg", "a GIF")],
)
def test_a_format_without_a_place_for_tags_fails_by_name(
    folder: Path, tag: Run, name: str, kind: str
) -> None:
    file = folder / name
    save_picture(file, format="GIF" if name.startswith("gif") else None)
    before = file.read_bytes()

    ran = tag(".", "--embed")

    assert ran.code == 1
    assert ran.stderr.splitlines()[1] == (
        f"failed: ./{name}: {kind} into which no tags can be embedded (use --sidecar xmp), so it "
        "was left alone"
    )
    assert file.read_bytes() == before
    assert os.listdir(folder) == [name]


def test_an_image_that_failed_is_never_written_to(folder: Path, tag: Run, tagger: Run) -> None:
    torn = save(folder, "plain.jpg").read_bytes()[:-300]
    (folder / "plain.jpg").write_bytes(torn)

    ran = tag(".", "--embed", "-o", "t.csv")

    assert ran.code == 1
    assert (folder / "plain.jpg").read_bytes() == torn
    # Nor by a table that tells of its failure.
    assert tagger("retag", "t.csv", "--model", folder / "none.onnx", "--embed").code == 3
    assert (folder / "plain.jpg").read_bytes() == torn


def test_with_embed_alone_there_is_no_table(folder: Path, tag: Run) -> None:
    save(folder, "plain.jpg")

    assert tag(".", "--embed").stdout == b""
    assert tag(".", "--embed", "-o", "-", "--layout", "list").stdout == (
        b"path,tags,error\n./plain.jpg,red,\n"
    )


def test_it_goes_with_sidecars_of_any_kind(folder: Path, tag: Run) -> None:
    save(folder, "plain.jpg")

    ran = tag(".", "--embed", "--sidecar", "xmp", "--sidecar", "txt", "--existing", "error")

    assert ran.code == 0
    assert sorted(os.listdir(folder)) == ["plain.jpg", "plain.jpg.txt", "plain.jpg.xmp"]
    assert subjects(folder / "plain.jpg") == ["red"]
    # What --existing says is for sidecars: images are always merged.
    ran = tag(".", "--embed", "--sidecar", "txt", "--existing", "skip", "--rename", "red=new")
    assert subjects(folder / "plain.jpg") == ["new"]
    assert (folder / "plain.jpg.txt").read_text() == "red\n"


def test_an_image_without_tags_is_not_written_to(folder: Path, tag: Run) -> None:
    file = save(folder, "plain.jpg")
    before = file.read_bytes()

    assert tag(".", "--embed", "--max-tags", "0", "--min-tags", "0").code == 0
    assert file.read_bytes() == before


def test_retag_embeds_what_tag_would(folder: Path, tag: Run, tagger: Run, tiny_model: Path) -> None:
    save(folder, "plain.jpg")
    tag(".", "-o", "t.csv")
    save_picture(folder / "gone.png")
    tag(".", "-o", "t.csv")
    (folder / "gone.png").unlink()

    ran = tagger("retag", "t.csv", "--model", tiny_model, "--embed", "--rename", "red=Drama")

    assert ran.code == 1
    assert "failed: ./gone.png: no such file or directory" in ran.stderr.splitlines()
    by_retag = (folder / "plain.jpg").read_bytes()
    assert subjects(folder / "plain.jpg") == ["Drama"]
    save(folder, "plain.jpg")
    tag(".", "--embed", "--rename", "red=Drama")
    assert (folder / "plain.jpg").read_bytes() == by_retag


def test_a_dry_run_says_what_untag_would_do(folder: Path, tag: Run, tagger: Run) -> None:
    file = save(folder, "plain.jpg")
    tag(".", "--embed", "--sidecar", "xmp")
    before = file.read_bytes()

    ran = tagger("untag", ".", "--dry-run")

    assert ran == Ran(
        0,
        b"./plain.jpg: would be changed (red)\n./plain.jpg.xmp: would be removed (red)\n",
        "0 sidecars would be changed, 1 would be removed, 1 image would be changed, 0 failed.\n",
    )
    assert file.read_bytes() == before


def test_untag_leaves_images_alone_when_asked(folder: Path, tag: Run, tagger: Run) -> None:
    file = save(folder, "plain.jpg")
    tag(".", "--embed", "--sidecar", "xmp")
    before = file.read_bytes()

    assert tagger("untag", ".", "--no-embed").stderr == (
        "0 sidecars changed, 1 removed, 0 failed.\n"
    )
    assert file.read_bytes() == before


def test_untag_minds_no_image_of_others(folder: Path, tagger: Run) -> None:
    for name in ("a.gif", "b.jpg"):
        save_picture(folder / name)
    (folder / "torn.jpg").write_bytes((folder / "b.jpg").read_bytes()[:40])
    (folder / "no.png").write_text("no image")
    (folder / "empty.tif").touch()
    (folder / "link.webp").symlink_to("nowhere")

    assert tagger("untag", ".") == Ran(0, b"", "0 sidecars changed, 0 removed, 0 failed.\n")


def test_a_torn_image_of_ours_is_reported(folder: Path, tag: Run, tagger: Run) -> None:
    file = save(folder, "plain.png")
    tag(".", "--embed")
    torn = file.read_bytes()[:-40]
    file.write_bytes(torn)

    assert tagger("untag", ".") == Ran(
        1,
        b"",
        "failed: ./plain.png: damaged (it ends in the middle), so it was left alone\n"
        "0 sidecars changed, 0 removed, 1 failed.\n",
    )
    assert file.read_bytes() == torn


def test_the_date_is_now_or_kept(folder: Path, tag: Run, tagger: Run) -> None:
    file = save(folder, "plain.jpg")
    then = 1_000_000_000_123_456_789

    os.utime(file, ns=(then, then))
    tag(".", "--embed", "--keep-time")
    assert file.stat().st_mtime_ns == then
    tagger("untag", ".", "--keep-time")
    assert file.stat().st_mtime_ns == then
    tag(".", "--embed")
    assert file.stat().st_mtime_ns > then


def test_a_backup_is_kept_when_asked(folder: Path, tag: Run, tagger: Run) -> None:
    file = save(folder, "plain.jpg")
    os.utime(file, (1e9, 1e9))
    before = file.read_bytes()

    tag(".", "--embed", "--backup")
    tag(".", "--embed", "--backup")  # nothing changes: no backup
    tagged = file.read_bytes()
    tagger("untag", ".", "--backup")

    assert (folder / "plain.jpg.bak").read_bytes() == before
    assert (folder / "plain.jpg.bak").stat().st_mtime == 1e9
    assert (folder / "plain.jpg.bak2").read_bytes() == tagged
    assert len(os.listdir(folder)) == 3


def test_a_link_stays_and_its_file_is_changed(folder: Path, tag: Run) -> None:
    (folder / "p").mkdir()
    real = save(folder, "plain.jpg")
    (folder / "p/a.jpg").symlink_to("../plain.jpg")

    assert tag("p", "--embed").code == 0

    assert os.readlink(folder / "p/a.jpg") == "../plain.jpg"
    assert subjects(real) == ["red"]


def test_another_name_of_the_file_keeps_the_former_content(folder: Path, tag: Run) -> None:
    (folder / "p").mkdir()
    file = save(folder / "p", "plain.jpg")
    before = file.read_bytes()
    (folder / "other").hardlink_to(file)

    assert tag("p", "--embed").code == 0

    assert (folder / "other").read_bytes() == before
    assert file.read_bytes() != before


def test_permissions_and_attributes_stay(folder: Path, tag: Run) -> None:
    file = save(folder, "plain.jpg")
    file.chmod(0o640)
    if hasattr(os, "setxattr"):
        os.setxattr(file, "user.note", b"mine")
    former = os.umask(0o077)
    try:
        tag(".", "--embed")
    finally:
        os.umask(former)

    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    if hasattr(os, "getxattr"):
        assert os.getxattr(file, "user.note") == b"mine"


def test_a_read_only_image_is_left_alone(folder: Path, tag: Run) -> None:
    file = save(folder, "plain.jpg")
    file.chmod(0o444)
    before = file.read_bytes()

    ran = tag(".", "--embed")

    assert ran.code == 1
    assert ran.stderr.splitlines()[1] == ("failed: ./plain.jpg: read-only, so it was left alone")
    assert file.read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="no such names on Windows")
def test_names_that_are_no_text_or_look_like_options(folder: Path, tag: Run, tagger: Run) -> None:
    names = [b"-k.jpg", b"\xff.jpg", b"a\nb.jpg"]
    content = save(folder, "plain.jpg").read_bytes()
    (folder / "plain.jpg").unlink()
    for name in names:
        (folder / os.fsdecode(name)).write_bytes(content)

    assert tag(".", "--embed").code == 0

    assert sorted(os.listdir(os.fsencode(folder))) == sorted(names)
    for name in names:
        assert b"poster-tagger:ns" in (folder / os.fsdecode(name)).read_bytes()
    assert tagger("untag", ".").code == 0
    assert {(folder / os.fsdecode(name)).read_bytes() for name in names} == {content}


def test_a_configuration_that_just_lies_here_changes_no_image(folder: Path, tag: Run) -> None:
    file = save(folder, "plain.jpg")
    before = file.read_bytes()
    (folder / "tagger.toml").write_text("[tag]\nembed = true\n")

    ran = tag(".")

    assert ran == Ran(
        2,
        b"",
        "tagger: ./tagger.toml: embed: this modifies images, which is only allowed on the command "
        "line, in your own configuration or in a file given by --config.\n",
    )
    assert file.read_bytes() == before
    assert tag(".", "--config", "tagger.toml").code == 0
    assert subjects(file) == ["red"]


def test_images_of_ours_can_be_left_out(folder: Path, tag: Run) -> None:
    save(folder, "plain.jpg")
    tag(".", "--embed")

    ran = tag(".", "--embed", "--skip-tagged")

    assert ran.code == 0
    assert "1 already tagged and skipped." in ran.stderr.splitlines()
