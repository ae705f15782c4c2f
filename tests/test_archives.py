"""Archives as folders: the same tags as of files, and hostile members as rows with a reason."""

from __future__ import annotations

import csv
import io
import os
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from commands import TREE, Ran, run_tagger
from pictures import save_picture

from tagger.find.scan import WalkOptions, scan
from tagger.find.titles import title_and_year
from tagger.stores.archive import member, members

#: Samples that lie in the folder itself.
SAMPLES = sorted(
    file
    for file in (TREE / "samples").iterdir()
    if file.suffix in (".jpg", ".png", ".webp", ".gif")
)


def picture(colour: str = "red", format: str = "PNG") -> bytes:
    """Return an image of one colour."""
    stream = io.BytesIO()
    from PIL import Image

    Image.new("RGB", (16, 24), colour).save(stream, format)
    return stream.getvalue()


RED = picture()


def write_zip(file: Path, *names: str, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write an archive of red images."""
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name, (2020, 5, 6, 7, 8, 10)), RED, compression)
    return file


def write_tar(file: Path, *names: str, format: int = tarfile.PAX_FORMAT) -> Path:
    """Write an archive of red images."""
    with tarfile.open(file, "w", format=format) as archive:
        for name in names:
            add(archive, name)
    return file


def add(archive: tarfile.TarFile, name: str, data: bytes = RED, **fields: object) -> None:
    """Add a file to an archive."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    archive.addfile(info, io.BytesIO(data))


def change_entry(file: Path, name: str, offset: int, layout: str, value: int) -> None:
    """Change a field of a member in the directory of a ZIP archive; offset as in the APPNOTE."""
    data = bytearray(file.read_bytes())
    at = data.index(b"PK\1\2")
    while data[at + 46 : at + 46 + len(name)] != name.encode():
        at = data.index(b"PK\1\2", at + 1)
    struct.pack_into(layout, data, at + offset, value)
    file.write_bytes(data)


FLAGS, METHOD, CRC, PACKED, SIZE, MODE, START = 8, 10, 16, 20, 24, 40, 42


def reasons(table: str) -> dict[str, str]:
    """Return why images of a table failed; "" for the others, which must be red."""
    rows = list(csv.DictReader(table.splitlines()))
    assert all(row["tags"] == "red" for row in rows if not row["error"])
    return {row["path"]: row["error"] for row in rows}


def found(*arguments: str, **options: object) -> list[str]:
    """Return what a scan finds; what cannot be listed fails the test."""
    return list(scan(arguments, WalkOptions(**options)).paths(lambda *_: pytest.fail("unreadable")))


@pytest.mark.parametrize("ending", ["zip", "cbz", "tar"])
@pytest.mark.parametrize("decode", ["threads", "processes"])
def test_samples_in_an_archive_have_the_scores_of_the_files(
    folder: Path, ending: str, decode: str
) -> None:
    (folder / "films").mkdir()
    with (
        zipfile.ZipFile("films.cbz", "w") as stored,
        zipfile.ZipFile("films.zip", "w", zipfile.ZIP_DEFLATED) as deflated,
        tarfile.open("films.tar", "w") as tar,
    ):
        for file in SAMPLES:
            (folder / "films" / file.name).symlink_to(file)
            deflated.write(file, file.name)
            stored.write(file, file.name)
            tar.add(file, f"./{file.name}")
    columns = ("--columns", "width,height,bytes,sha256,text")

    plain = run_tagger("tag", "films", *columns, "-f", "csv", cwd=folder)
    packed = run_tagger(
        "tag", f"films.{ending}", *columns, "-f", "csv", "--decode", decode, cwd=folder
    )

    assert plain.code == packed.code == 0
    assert len(plain.rows()) == len(SAMPLES)
    spelled = packed.stdout.replace(f"films.{ending}/".encode(), b"films/")
    assert spelled == plain.stdout


def test_members_are_sorted_with_all_else_and_come_once(folder: Path) -> None:
    write_zip(folder / "b.zip", "z.png", "a.png", "q/a.png", "q.png", "é.png", "sub/", "notes.txt")
    for name in ("b.png", "b.zipper.png", "a.png"):
        save_picture(folder / name)

    spelled = [
        "a.png", "b.png", "b.zip/a.png", "b.zip/q.png", "b.zip/q/a.png", "b.zip/z.png",
        "b.zip/é.png", "b.zipper.png",
    ]  # fmt: skip
    assert found("b.zip", "a.png", "b.zipper.png", "b.png") == spelled
    assert found("b.zip", "b.zip/a.png", "./b.zip", "./b.zip/q.png") == spelled[2:7]
    assert found("b.zip/q/a.png", "./b.zip/q/a.png") == ["b.zip/q/a.png"]


def test_archives_in_folders_are_entered_only_when_asked(folder: Path) -> None:
    (folder / "p").mkdir()
    save_picture(folder / "p/z.png")
    write_zip(folder / "p/a.ZIP", "x.png")
    write_tar(folder / "p/y.tar", "x.png")
    (folder / "p/a.zip").mkdir()  # a folder called so
    save_picture(folder / "p/a.zip/n.png")

    assert found("p") == ["p/a.zip/n.png", "p/z.png"]
    assert found("p", archives=True) == [
        "p/a.ZIP/x.png", "p/a.zip/n.png", "p/y.tar/x.png", "p/z.png",
    ]  # fmt: skip
    assert found("p", archives=True, exclude=("*.tar",)) == [
        "p/a.ZIP/x.png", "p/a.zip/n.png", "p/z.png",
    ]  # fmt: skip
    assert found("p", "p/y.tar") == ["p/a.zip/n.png", "p/y.tar/x.png", "p/z.png"]
    assert found("p", "p/y.tar", archives=True) == found("p", archives=True)


def test_filters_hold_for_members(folder: Path) -> None:
    write_zip(folder / "a.zip", "x.png", "s/y.png", "s/t/z.png", "@eaDir/x.png", "__MACOSX/._x.png")

    assert found("a.zip") == ["a.zip/s/t/z.png", "a.zip/s/y.png", "a.zip/x.png"]
    assert found("a.zip", recursive=False) == ["a.zip/x.png"]
    assert found("a.zip", exclude=("t",)) == ["a.zip/s/y.png", "a.zip/x.png"]
    assert found("a.zip", include=("s/*",)) == ["a.zip/s/t/z.png", "a.zip/s/y.png"]
    assert found("a.zip", newer_than=1_588_000_000.0) == found("a.zip")
    assert found("a.zip", newer_than=1_600_000_000.0) == []


def test_what_is_not_taken_of_an_archive_is_counted(folder: Path, tag: Callable[..., Ran]) -> None:
    write_zip(folder / "a.zip", "x.png", "b.zip", "c.txt", "@eaDir/x.png", "@eaDir/y.png")

    ran = tag("a.zip", "-f", "csv")

    assert reasons(ran.stdout.decode()) == {"a.zip/x.png": ""}
    assert "Passed over: 2 other files (1 .txt, 1 .zip)." in ran.stderr
    assert "Left out: 1 entry of trash, thumbnails or other programs (1 @eaDir)" in ran.stderr


def test_lists_may_name_members(folder: Path, tag: Callable[..., Ran]) -> None:
    write_tar(folder / "a.tar", "x.png", "y.png")

    ran = tag("-", "-f", "csv", stdin=b"a.tar/y.png\na.tar/none.png\n")

    assert reasons(ran.stdout.decode()) == {
        "a.tar/none.png": "no such file in its archive",
        "a.tar/y.png": "",
    }


#: name in the archive → (how it is spelled, why it is refused).
NAMES = {
    "../up.png": ("%2E%2E/up.png", "its name leads out of its archive (..)"),
    "a/../../up.png": ("a/%2E%2E/%2E%2E/up.png", "its name leads out of its archive (..)"),
    "/etc/root.png": ("%2Fetc/root.png", "its name is an absolute path"),
    "C:/disk.png": ("C%3A/disk.png", "its name begins with a drive letter"),
    "./a//fine.png": ("a/fine.png", ""),
    "..fine.png": ("..fine.png", ""),
    "esc\x1b[2J.png": ("esc\x1b[2J.png", ""),
}


def test_a_hostile_zip_has_a_row_for_each_member(folder: Path, tag: Callable[..., Ran]) -> None:
    names = ("encrypted", "lzma", "link", "device", "fifo", "short", "long", "sum", "cut", "method")
    file = write_zip(folder / "h.zip", *(f"{name}.png" for name in names), "dir\\back.png", *NAMES)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("twice.png", RED)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("twice.png", RED)
        archive.writestr("text.png", b"not an image at all")
        archive.writestr("empty.png", b"")
        archive.writestr(zipfile.ZipInfo("nul_.png"), RED)
    file.write_bytes(file.read_bytes().replace(b"nul_.png", b"nul\0.png"))
    change_entry(file, "encrypted.png", FLAGS, "<H", 1)
    change_entry(file, "lzma.png", METHOD, "<H", 14)
    change_entry(file, "method.png", METHOD, "<H", 77)
    for name, mode in (("link", 0o120777), ("device", 0o060600), ("fifo", 0o010600)):
        change_entry(file, f"{name}.png", 5, "B", 3)
        change_entry(file, f"{name}.png", MODE, "<H", mode)
    change_entry(file, "short.png", SIZE, "<L", len(RED) + 1)
    change_entry(file, "long.png", SIZE, "<L", len(RED) - 1)
    change_entry(file, "sum.png", CRC, "<L", 0)
    change_entry(file, "cut.png", START, "<L", 10**9)
    before = sorted(os.listdir(folder))

    ran = tag("h.zip", "-f", "csv")

    damaged = "its archive is damaged: "
    assert reasons(ran.stdout.decode()) == {
        "h.zip/encrypted.png": "it is encrypted",
        "h.zip/lzma.png": "its archive compresses it by LZMA, which is not supported",
        "h.zip/method.png": "its archive compresses it by method 77, which is not supported",
        "h.zip/link.png": "a link in an archive, not an image",
        "h.zip/device.png": "not a regular file",
        "h.zip/fifo.png": "not a regular file",
        "h.zip/short.png": f"{damaged}it is shorter than its directory says",
        "h.zip/long.png": f"{damaged}it is longer than its directory says",
        "h.zip/sum.png": f"{damaged}its checksum is wrong",
        "h.zip/cut.png": "its archive ends before it does",
        "h.zip/dir/back.png": "",
        "h.zip/twice.png": "its archive has several files of this name",
        "h.zip/text.png": "a text file, not an image",
        "h.zip/empty.png": "the file is empty",
        "h.zip/nul%00.png": "its name contains a NUL character",
        **{f"h.zip/{path}": why for path, why in NAMES.values()},
    }
    assert ran.code == 1
    assert "\x1b" not in ran.stderr
    assert sorted(os.listdir(folder)) == before


def test_a_hostile_tar_has_a_row_for_each_member(folder: Path, tag: Callable[..., Ran]) -> None:
    with tarfile.open("h.tar", "w") as archive:
        for name in NAMES:
            add(archive, name)
        add(archive, "link.png", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        add(archive, "hard.png", b"", type=tarfile.LNKTYPE, linkname="a.png")
        for name, kind in (("disk", tarfile.BLKTYPE), ("tty", tarfile.CHRTYPE)):
            add(archive, f"{name}.png", b"", type=kind)
        add(archive, "fifo.png", b"", type=tarfile.FIFOTYPE)
        add(archive, "dir.png", b"", type=tarfile.DIRTYPE)
        add(archive, "strange.png", type=b"Z")
        add(archive, "sparse.png", pax_headers={"GNU.sparse.major": "1"})
        add(archive, "twice.png")
        add(archive, "./twice.png")
        add(archive, f"{'n' * 300}.png")
        add(archive, os.fsdecode(b"latin\xe9.png"))
        add(archive, "..\\up.png")
        add(archive, "\\\\server\\up.png")
        add(archive, "back\\slash.png")

    ran = tag("h.tar", "-f", "csv")

    assert reasons(ran.stdout.decode()) == {
        "h.tar/link.png": "a link in an archive, not an image",
        "h.tar/hard.png": "a link in an archive, not an image",
        "h.tar/disk.png": "not a regular file",
        "h.tar/tty.png": "not a regular file",
        "h.tar/fifo.png": "not a regular file",
        "h.tar/strange.png": "not a regular file",
        "h.tar/sparse.png": "a sparse file, which is not supported",
        "h.tar/twice.png": "its archive has several files of this name",
        f"h.tar/{'n' * 300}.png": "",
        "h.tar/latin\\xe9.png": "",
        "h.tar/%2E%2E\\up.png": "its name leads out of its archive (..)",
        "h.tar/%5C\\server\\up.png": "its name is an absolute path",
        "h.tar/back\\slash.png": "",
        **{f"h.tar/{path}": why for path, why in NAMES.values()},
    }
    assert ran.code == 1


def test_what_follows_a_sparse_file_is_read(folder: Path, tag: Callable[..., Ran]) -> None:
    """GNU tar puts more of a sparse file's map into blocks between its header and its bytes."""
    write_tar(folder / "s.tar", "sparse.png", "fine.png", format=tarfile.GNU_FORMAT)
    data = (folder / "s.tar").read_bytes()
    header = bytearray(data[:512])
    header[156:157], header[482] = tarfile.GNUTYPE_SPARSE, 1
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    more, last = bytearray(512), bytearray(512)
    more[504] = 1
    (folder / "s.tar").write_bytes(header + more + last + data[512:])

    ran = tag("s.tar", "-f", "csv")

    assert reasons(ran.stdout.decode()) == {
        "s.tar/sparse.png": "a sparse file, which is not supported",
        "s.tar/fine.png": "",
    }


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_kind_of_tar_is_read(folder: Path, format: int) -> None:
    long = f"{'d' * 90}/{'n' * 90}.png"
    write_tar(folder / "a.tar", long, "b.png", format=format)

    assert found("a.tar") == ["a.tar/b.png", f"a.tar/{long}"]
    assert member("a.tar", long).load(lambda size: None) == RED


@pytest.mark.parametrize("decode", ["threads", "processes"])
def test_a_declared_bomb_is_refused_before_it_is_unpacked(
    folder: Path, tag: Callable[..., Ran], decode: str
) -> None:
    with zipfile.ZipFile("bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.bmp", bytes(80 * 2**20))
        archive.writestr("fine.png", RED)

    ran = tag("bomb.zip", "-f", "csv", "--image-memory", "64MB", "--decode", decode)

    assert reasons(ran.stdout.decode()) == {
        "bomb.zip/bomb.bmp": "its 80 MB are above the limit of 64 MB of memory",
        "bomb.zip/fine.png": "",
    }


def test_an_undeclared_bomb_is_not_unpacked_further_than_it_says(folder: Path) -> None:
    with zipfile.ZipFile("bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", bytes(64 * 2**20))
    change_entry(folder / "bomb.zip", "bomb.png", SIZE, "<L", 1000)
    item = member("bomb.zip", "bomb.png")

    tracemalloc.start()
    with pytest.raises(Exception, match="it is longer than its directory says"):
        item.load(lambda size: None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 2 * 2**20


def test_overlapping_members_are_refused(folder: Path, tag: Callable[..., Ran]) -> None:
    """As in a zip bomb of quoted files: 46 MB that unpack to 4.5 PB."""
    file = write_zip(folder / "o.zip", "a.png", "b.png", "c.png", "d.png")
    first = file.read_bytes().index(b"PK\3\4")
    change_entry(file, "b.png", START, "<L", first)

    ran = tag("o.zip", "-f", "csv")

    why = "it overlaps another file of its archive, as in a zip bomb"
    assert reasons(ran.stdout.decode()) == {
        "o.zip/a.png": why, "o.zip/b.png": why, "o.zip/c.png": "", "o.zip/d.png": "",
    }  # fmt: skip


def test_a_slow_bomb_is_given_up(folder: Path, tag: Callable[..., Ran]) -> None:
    with zipfile.ZipFile("slow.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("slow.png", bytes(200 * 2**20))
        archive.writestr("fine.png", RED)

    ran = tag("slow.zip", "-f", "csv", "--image-timeout", "0.02", "--decode", "threads")

    assert reasons(ran.stdout.decode())["slow.zip/slow.png"].endswith("takes longer than 0.02 s")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.zip", b"", "not a ZIP archive, or one that was cut short"),
        ("a.zip", RED, "not a ZIP archive, or one that was cut short"),
        ("a.tar", b"", "not a tar archive, or damaged"),
        ("a.tar", RED, "not a tar archive, or damaged"),
        ("a.zip", b"PK\5\6" + b"\xff" * 18, "a part of a ZIP archive that was split"),
        (
            "a.zip",
            b"PK\5\6" + bytes(8) + b"\1\0\0\0" + b"\xff" * 4 + bytes(2),
            "a damaged ZIP archive: its directory is not where it should be",
        ),
    ],
)
def test_what_is_no_archive_is_reported(
    folder: Path, tag: Callable[..., Ran], name: str, content: bytes, why: str
) -> None:
    (folder / name).write_bytes(content)
    save_picture(folder / "b.png")

    ran = tag(name, "b.png", "-f", "csv")

    assert ran.code == 1
    assert reasons(ran.stdout.decode()) == {"b.png": ""}
    assert f"failed: {name}/: {why}\n" in ran.stderr


def test_an_empty_archive_is_no_failure(folder: Path) -> None:
    write_zip(folder / "a.zip")
    write_tar(folder / "a.tar")
    (folder / "zeros.tar").write_bytes(bytes(1024))

    assert found("a.zip", "a.tar", "zeros.tar") == []


def test_members_before_a_cut_are_tagged(folder: Path, tag: Callable[..., Ran]) -> None:
    file = write_tar(folder / "a.tar", "a.png", "b.png", "c.png")
    whole = file.read_bytes()
    second = whole.index(b"b.png")

    file.write_bytes(whole[: second + 512 + 20])  # in its bytes
    in_data = tag("a.tar", "-f", "csv")
    file.write_bytes(whole[: second + 100])  # in its header
    in_header = tag("a.tar", "-f", "csv")

    assert reasons(in_data.stdout.decode()) == {
        "a.tar/a.png": "",
        "a.tar/b.png": "its archive ends before it does",
    }
    assert reasons(in_header.stdout.decode()) == {"a.tar/a.png": ""}
    assert "failed: a.tar/: a damaged tar archive: a header is broken\n" in in_header.stderr
    assert in_data.code == in_header.code == 1


def test_sizes_beyond_everything_end_nothing(folder: Path, tag: Callable[..., Ran]) -> None:
    file = write_zip(folder / "a.zip", "a.png", "b.png")
    data = bytearray(file.read_bytes())
    wide = struct.pack("<2HQQ", 1, 16, 2**64 - 1, 2**64 - 1)
    at = data.index(b"PK\1\2")
    data[at + 46 + 5 : at + 46 + 5] = wide
    struct.pack_into("<H", data, at + 30, len(wide))
    struct.pack_into("<LL", data, at + PACKED, 2**32 - 1, 2**32 - 1)
    end = data.rindex(b"PK\5\6")
    struct.pack_into("<L", data, end + 12, struct.unpack_from("<L", data, end + 12)[0] + len(wide))
    file.write_bytes(data)
    with tarfile.open("a.tar", "w") as archive:
        add(archive, "a.png")
        add(archive, "b.png")
    tar = bytearray((folder / "a.tar").read_bytes())
    size = tar.index(b"b.png") + 124
    tar[size : size + 12] = b"\x80" + b"\x7f" * 11  # base 256
    header = tar[size - 124 : size - 124 + 512]
    header[148:156] = b" " * 8
    tar[size + 24 : size + 32] = b"%06o\0 " % sum(header)
    (folder / "a.tar").write_bytes(tar)

    ran = tag("a.zip", "a.tar", "-f", "csv")

    assert reasons(ran.stdout.decode()) == {
        "a.tar/a.png": "",
        "a.tar/b.png": "its archive ends before it does",
        "a.zip/a.png": "its archive ends before it does",
        "a.zip/b.png": "",
    }


def test_a_zip_behind_a_program_is_read(folder: Path) -> None:
    file = write_zip(folder / "a.zip", "a.png")
    file.write_bytes(b"MZ program" * 100 + file.read_bytes())

    assert member("a.zip", "a.png").load(lambda size: None) == RED


def test_a_zip_with_more_members_than_16_bits_count_is_read(folder: Path) -> None:
    count = 66_000
    with zipfile.ZipFile("a.zip", "w") as archive:
        for number in range(count):
            archive.writestr(f"{number:06}.png", b"x")

    names, damage = members("a.zip")

    assert damage is None
    assert names == [f"{number:06}.png" for number in range(count)]
    assert member("a.zip", "065999.png").load(lambda size: None) == b"x"


def test_names_in_other_encodings_are_texts(folder: Path) -> None:
    file = write_zip(folder / "a.zip", "caf_.png", "b_.png")
    data = file.read_bytes().replace(b"caf_", b"caf\x82").replace(b"b_.png", "é.png".encode())
    file.write_bytes(data)

    assert found("a.zip") == ["a.zip/café.png", "a.zip/é.png"]
    assert member("a.zip", "café.png").load(lambda size: None) == RED


def test_nothing_is_written_into_archives(folder: Path, tag: Callable[..., Ran]) -> None:
    file = write_zip(folder / "a.zip", "q/a.png")
    before = file.read_bytes()

    mirrored = tag("a.zip", "--sidecar", "txt", "--sidecar-dir", "side")
    of_list = tag("-", "--sidecar", "txt", stdin=b"a.zip/q/a.png\n")

    assert mirrored.code == 0
    assert (folder / "side/q/a.png.txt").read_text() == "red\n"
    assert of_list.code == 2
    assert file.read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["a.zip", "side"]


def test_an_update_tags_only_members_that_were_changed(
    folder: Path, tag: Callable[..., Ran]
) -> None:
    for ending, write in (("zip", write_zip), ("tar", write_tar)):
        write(folder / f"a.{ending}", "a.png", "b.png")
        assert tag(f"a.{ending}", "-o", f"{ending}.csv").code == 0
    with zipfile.ZipFile("a.zip", "w") as archive:
        for name, data in (("a.png", RED), ("b.png", RED[:-12] + picture("red")[-12:-1] + b"!")):
            archive.writestr(zipfile.ZipInfo(name, (2020, 5, 6, 7, 8, 10)), data)
    with tarfile.open("a.tar", "w") as archive:
        add(archive, "a.png")
        add(archive, "b.png", mtime=5)

    for ending in ("zip", "tar"):
        ran = tag(f"a.{ending}", "-o", f"{ending}.csv", "--update")
        assert ran.code == 0
        assert "1 kept from an earlier run" in ran.stderr


def test_a_run_on_an_archive_is_resumed(folder: Path, tag: Callable[..., Ran]) -> None:
    write_tar(folder / "a.tar", "a.png", "b.png")
    tag("a.tar", "-o", "whole.csv")
    tag("a.tar/a.png", "-o", "t.csv")

    ran = tag("a.tar", "-o", "t.csv", "--resume")

    assert "1 kept from an earlier run" in ran.stderr
    assert (folder / "t.csv").read_bytes() == (folder / "whole.csv").read_bytes()


def test_an_archive_that_changes_gives_no_pixels_of_another_image(folder: Path) -> None:
    file = write_zip(folder / "a.zip", "a.png", "b.png")
    item = member("a.zip", "a.png")
    write_zip(file, "longer-name.png", "a.png")

    with pytest.raises(Exception, match="its archive was changed while it was read"):
        item.load(lambda size: None)


def test_folders_in_archives_and_archives_tell_titles() -> None:
    assert title_and_year("m.zip/Heat (1995)/poster.jpg") == ("Heat", 1995)
    assert title_and_year("films/Heat (1995).zip/poster.jpg") == ("Heat", 1995)
    assert title_and_year("s3://bucket/Heat (1995)/poster.jpg") == ("Heat", 1995)


def test_a_sniff_finds_images_in_archives(folder: Path) -> None:
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.writestr("poster", RED)
        archive.writestr("notes", b"text")

    assert found("a.zip", sniff=True) == ["a.zip/poster"]


def test_an_index_takes_few_bytes_of_each_member(folder: Path) -> None:
    count = 50_000
    with tarfile.open("a.tar", "w") as archive:
        for number in range(count):
            archive.addfile(tarfile.TarInfo(f"a/rather/long/name/of/a/member/{number:08}.jpg"))

    tracemalloc.start()
    assert member("a.tar", "none") is None
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept < 30 * count


@pytest.mark.parametrize("name", ["tag", "gallery"])
def test_a_gallery_shows_members(
    folder: Path, tag: Callable[..., Ran], tagger: Callable[..., Ran], name: str
) -> None:
    write_zip(folder / "films.zip", "a.png", "b.png")

    if name == "tag":
        ran = tag("films.zip", "-o", "page.html")
    else:
        tag("films.zip", "-o", "t.csv")
        ran = tagger("gallery", "t.csv", "-o", "page.html")

    assert ran.code == 0
    assert (folder / "page.html").read_text("utf-8").count("data:image/jpeg;base64,") == 2


def test_a_workbook_shows_members_without_links_that_lead_nowhere(
    folder: Path, tag: Callable[..., Ran]
) -> None:
    write_zip(folder / "films.zip", "a.png")
    save_picture(folder / "b.png")

    tag("films.zip", "b.png", "-o", "t.xlsx")

    sheet = openpyxl.load_workbook("t.xlsx").worksheets[0]
    links = [row[0].hyperlink and row[0].hyperlink.target for row in sheet.iter_rows(min_row=2)]
    assert links == ["b.png", None]
    assert len(sheet._images) == 2
