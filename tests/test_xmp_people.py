"""A sidecar between our runs belongs to people and their programs."""

from __future__ import annotations

import os
import stat
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ran
from foreign_sidecars import DARKTABLE, DIGIKAM, LIGHTROOM
from holding import merge, new_packet, take_out, wish_for
from pictures import save_picture
from readers import reader

from tagger.errors import CannotChange
from tagger.files.write import rewrite_whole
from tagger.holders.change import change_in_place
from tagger.holders.holder import Edit, State, Wish

Run = Callable[..., Ran]

RED_BLUE, GREEN = (204, 51, 153), (20, 200, 20)


def wish(*tags: str, root: tuple[str, ...] = (), model: str = "m 1", day: int = 1) -> Wish:
    """Return a wish for tags."""
    given = ((name, 0.9 - place / 10) for place, name in enumerate(tags))
    return wish_for(*given, root=root, model=model, date=f"2026-01-{day:02}")


def keywords(content: bytes) -> dict[str, list[str]]:
    """Return the keywords of each field, as the standard library's parser reads them."""
    from xml.etree import ElementTree as Et

    rdf = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
    found: dict[str, list[str]] = {}
    for node in Et.fromstring(content).iter():
        name = node.tag.rpartition("}")[2]
        if name in ("subject", "hierarchicalSubject", "TagsList") and "poster" not in node.tag:
            found.setdefault(name, []).extend(li.text or "" for li in node.iter(f"{rdf}li"))
    return found


def test_a_keyword_of_a_person_is_never_taken_for_ours() -> None:
    # darktable's has red in both of its fields already
    content = merge(DARKTABLE.encode(), wish("red", "blue"))

    assert keywords(content) == {
        "subject": ["holiday", "red", "blue"],
        "hierarchicalSubject": ["places|Rome", "red", "blue"],
        "TagsList": ["places/Rome", "red", "holiday", "blue"],
    }
    assert keywords(merge(content, wish("green"))) == {
        "subject": ["holiday", "red", "green"],
        "hierarchicalSubject": ["places|Rome", "red", "green"],
        "TagsList": ["places/Rome", "red", "holiday", "green"],
    }


def test_the_same_keyword_with_decomposed_accents_is_the_same() -> None:
    content = DIGIKAM.replace("<rdf:li>Rome</rdf:li>", "<rdf:li>E\u0301te\u0301</rdf:li>").encode()

    assert keywords(merge(content, wish("Été")))["subject"] == ["Anna", "E\u0301te\u0301"]


def test_a_root_comes_and_goes() -> None:
    content = merge(DIGIKAM.encode(), wish("red", root=("Movies", "Genre")))

    assert keywords(content) == {
        "subject": ["Anna", "Rome", "red"],
        "hierarchicalSubject": ["People|Anna", "places|Rome", "Movies|Genre|red"],
        "TagsList": ["People/Anna", "places/Rome", "Movies/Genre/red"],
    }
    content = merge(content, wish("red"))
    assert keywords(content)["hierarchicalSubject"] == ["People|Anna", "places|Rome", "red"]
    assert keywords(content)["TagsList"] == ["People/Anna", "places/Rome", "red"]


def test_a_slash_in_a_tag_is_no_level() -> None:
    assert keywords(new_packet(wish("War/Peace", root=("Genre",)))) == {
        "subject": ["War/Peace"],
        "hierarchicalSubject": ["Genre|War/Peace"],
        "TagsList": ["Genre/War\\Peace"],
    }


def test_a_tag_that_a_person_took_out_stays_out() -> None:
    content = merge(LIGHTROOM.encode(), wish("red", "blue"))
    content = content.replace(b"     <rdf:li>red</rdf:li>\n", b"", 1)  # of dc:subject

    content = merge(content, wish("red", "blue"))
    for again in (content, merge(content, wish("green", "red"))):
        assert all("red" not in texts for texts in keywords(again).values())
    assert keywords(content)["subject"] == ["Travel", "Italy", "blue"]
    assert merge(content, wish("red", "blue")) is content
    assert take_out(content).content == LIGHTROOM.encode()


def test_a_tag_that_a_person_put_back_is_theirs() -> None:
    content = merge(LIGHTROOM.encode(), wish("red"))
    content = merge(content.replace(b"     <rdf:li>red</rdf:li>\n", b"", 1), wish("red"))
    mine = b"<rdf:li>Italy</rdf:li>\n     <rdf:li>red</rdf:li>"
    content = content.replace(b"<rdf:li>Italy</rdf:li>", mine, 1)

    assert keywords(take_out(merge(content, wish("red"))).content)["subject"] == [
        "Travel",
        "Italy",
        "red",
    ]


def test_the_date_stays_while_the_tags_stay() -> None:
    content = merge(DIGIKAM.encode(), wish("red", "blue"))

    later = merge(content, wish("red", "blue", day=2))
    assert later is content
    other_model = merge(content, wish("blue", "red", model="m 2", day=2))
    assert b"<tagger:model>m 2</tagger:model>" in other_model
    assert b"<tagger:date>2026-01-01</tagger:date>" in other_model
    assert b"<tagger:date>2026-01-02</tagger:date>" in merge(content, wish("red", day=2))


def test_no_tags_leave_a_foreign_sidecar_as_it_is() -> None:
    content = DIGIKAM.encode()
    assert merge(content, wish()) is content
    assert merge(merge(content, wish("red")), wish()) == content


@pytest.mark.parametrize("form", [DARKTABLE, DIGIKAM, LIGHTROOM])
@pytest.mark.parametrize("program", ["exiftool", "exiv2"])
def test_our_record_survives_other_programs(tmp_path: Path, program: str, form: str) -> None:
    file = tmp_path / "a.xmp"
    commands = {
        "exiftool": ["-q", "-overwrite_original", "-XMP:City=Rome", file],
        "exiv2": ["-Mset Xmp.photoshop.City Rome", file],
    }
    command = [reader(program), *commands[program]]
    file.write_bytes(merge(form.encode(), wish("red", "blue", root=("Genre",))))
    subprocess.run(command, check=True)
    rewritten = file.read_bytes()
    assert rewritten != form.encode()

    assert merge(rewritten, wish("red", "blue", root=("Genre",))) is rewritten
    changed = merge(rewritten, wish("green"))
    assert keywords(changed)["TagsList"][-1] == "green"
    left = take_out(changed).content

    file.write_bytes(form.encode())
    subprocess.run(command, check=True)
    assert keywords(left) == keywords(file.read_bytes())
    assert b"Rome" in left
    assert b"poster-tagger" not in left


@pytest.mark.parametrize("program", ["exiftool", "exiv2"])
def test_a_new_sidecar_that_others_rewrote_still_goes(tmp_path: Path, program: str) -> None:
    file = tmp_path / "a.xmp"
    file.write_bytes(new_packet(wish("red")))
    add = {
        "exiftool": ["-q", "-overwrite_original", "-XMP:City=Rome", file],
        "exiv2": ["-Mset Xmp.photoshop.City Rome", file],
    }
    subprocess.run([reader(program), *add[program]], check=True)
    left = take_out(file.read_bytes()).content
    assert keywords(left) == {}
    assert b"Rome" in left

    remove = ["-q", "-overwrite_original", "-XMP:City=", file]
    subprocess.run([reader("exiftool"), *remove], check=True)
    assert take_out(file.read_bytes()).content is None


def test_a_rating_in_our_own_sidecar_is_kept(folder: Path, tag: Run, tagger: Run) -> None:
    save_picture(folder / "a.png")
    tag("a.png", "--sidecar", "xmp")
    sidecar = folder / "a.png.xmp"
    added = b' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="5">\n   <dc:subject>'
    sidecar.write_bytes(sidecar.read_bytes().replace(b">\n   <dc:subject>", added))

    ran = tagger("untag", "a.png")

    assert ran == Ran(0, b"", "1 sidecar changed, 0 removed, 0 failed.\n")
    assert b'xmp:Rating="5"' in sidecar.read_bytes()
    assert b"<dc:subject>" not in sidecar.read_bytes()


REFUSED = {
    "no XML": (b"<x:xmpmeta", "not valid XML (line 1, column 1: unclosed token)"),
    "torn": (DIGIKAM.encode()[:900], "not valid XML (line 21, column 25: no element found)"),
    "binary": (b"\xff\xd8\xff\xe0", "not valid XML (its text is not utf-8)"),
    "HTML": (b"<html><body/></html>", "XML, but no XMP (its outermost element is html)"),
    "no RDF": (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>',
        "no XMP that can be changed (no rdf:RDF inside)",
    ),
    "DOCTYPE": (
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        "not safe to read (it has a DOCTYPE)",
    ),
    "bomb": (
        b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>',
        "not safe to read (it has a DOCTYPE)",
    ),
    "structure": (
        LIGHTROOM.replace("<dc:subject>", '<dc:subject rdf:parseType="Literal">').encode(),
        "XMP whose dc:subject is not a list of keywords",
    ),
    "two images": (
        DARKTABLE.replace(
            " </rdf:RDF>",
            ' <rdf:Description rdf:about="a"/><rdf:Description rdf:about="b"/></rdf:RDF>',
        ).encode(),
        "no XMP of one image (its descriptions are about different things)",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_xmp_is_left_alone_and_reported(folder: Path, tag: Run, name: str) -> None:
    content, reason = REFUSED[name]
    for image in ("p/a.png", "p/b.png"):
        save_picture(folder / image)
    (folder / "p/a.png.xmp").write_bytes(content)

    ran = tag("p", "--sidecar", "xmp", "--backup")

    assert ran.code == 1
    assert f"failed: p/a.png.xmp: {reason}, so it was left alone" in ran.stderr.splitlines()
    assert (folder / "p/a.png.xmp").read_bytes() == content
    assert sorted(file.name for file in (folder / "p").iterdir()) == [
        "a.png", "a.png.xmp", "b.png", "b.png.xmp",
    ]  # fmt: skip


def test_a_deep_file_is_refused_or_read_but_never_crashes() -> None:
    deep = b"<a>" * 300_000 + b"</a>" * 300_000
    with pytest.raises(CannotChange, match="not safe to read"):
        merge(deep, wish("red"))
    inside = b"<q>" * 100_000 + b"</q>" * 100_000
    content = LIGHTROOM.encode().replace(b"<crs:Look>", b"<crs:Look>" + inside)
    assert take_out(merge(content, wish("red"))).content == content


#: A sidecar that does not say whose it is.
OF_ANY_FILE = LIGHTROOM.replace('   photoshop:SidecarForExtension="NEF"\n', "")
assert OF_ANY_FILE != LIGHTROOM


@pytest.mark.parametrize(
    ("name", "there", "written"),
    [
        ("append", [], {"a.png.xmp"}),
        ("append", ["a.png.xmp", "a.xmp"], {"a.png.xmp", "a.xmp"}),
        ("append", ["a.xmp"], {"a.xmp"}),
        ("append", ["a.png.xmp"], {"a.png.xmp"}),
        ("replace", [], {"a.xmp"}),
        ("replace", ["a.png.xmp", "a.xmp"], {"a.png.xmp", "a.xmp"}),
        ("replace", ["a.png.xmp"], {"a.png.xmp", "a.xmp"}),
    ],
)
def test_sidecars_of_both_names_are_updated(
    folder: Path, tag: Run, tagger: Run, name: str, there: list[str], written: set[str]
) -> None:
    save_picture(folder / "a.png", "red")
    for file in there:
        (folder / file).write_text(OF_ANY_FILE)

    ran = tag("a.png", "--sidecar", "xmp", "--sidecar-name", name)

    assert ran.code == 0
    assert {file.name for file in folder.glob("*.xmp")} == written
    for file in written:
        assert keywords((folder / file).read_bytes())["TagsList"][-1] == "red"
    tagger("untag", ".")
    assert {file.name for file in folder.glob("*.xmp")} == set(there)
    assert all((folder / file).read_text() == OF_ANY_FILE for file in there)


def test_a_sidecar_that_two_images_share_is_neither_s(folder: Path, tag: Run) -> None:
    for image in ("a.png", "a.bmp", "b.png"):
        save_picture(folder / image)
    for file in ("a.xmp", "b.xmp", "a.png.xmp"):
        (folder / file).write_text(OF_ANY_FILE)

    tag(".", "--sidecar", "xmp")

    assert (folder / "a.xmp").read_text() == OF_ANY_FILE
    assert {file.name for file in folder.glob("*.xmp")} == {
        "a.xmp", "b.xmp", "a.png.xmp", "a.bmp.xmp",
    }  # fmt: skip


def test_a_backup_is_kept_when_asked_and_never_overwritten(
    folder: Path, tag: Run, tagger: Run
) -> None:
    save_picture(folder / "a.png")
    sidecar = folder / "a.png.xmp"
    sidecar.write_text(LIGHTROOM)

    tag("a.png", "--sidecar", "xmp", "--backup")
    tag("a.png", "--sidecar", "xmp", "--backup")  # nothing changes: no backup
    tagged = sidecar.read_bytes()
    tagger("untag", "a.png", "--backup")

    assert (folder / "a.png.xmp.bak").read_text() == LIGHTROOM
    assert (folder / "a.png.xmp.bak2").read_bytes() == tagged
    assert len(list(folder.iterdir())) == 4


def test_without_backup_nothing_else_is_left(folder: Path, tag: Run) -> None:
    save_picture(folder / "a.png")
    (folder / "a.png.xmp").write_text(LIGHTROOM)

    tag("a.png", "--sidecar", "xmp")

    assert {file.name for file in folder.iterdir()} == {"a.png", "a.png.xmp"}


def test_a_link_stays_and_its_file_is_changed(folder: Path, tag: Run, tagger: Run) -> None:
    save_picture(folder / "p/a.png")
    (folder / "real.xmp").write_text(LIGHTROOM)
    (folder / "p/a.png.xmp").symlink_to("../real.xmp")

    tag("p", "--sidecar", "xmp")

    assert os.readlink(folder / "p/a.png.xmp") == "../real.xmp"
    assert "red" in keywords((folder / "real.xmp").read_bytes())["subject"]
    tagger("untag", "p")
    assert os.readlink(folder / "p/a.png.xmp") == "../real.xmp"
    assert (folder / "real.xmp").read_text() == LIGHTROOM


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_is_no_file_is_not_waited_for(folder: Path, tag: Run) -> None:
    for image in ("a.png", "b.png", "c.png"):
        save_picture(folder / image)
    os.mkfifo(folder / "a.png.xmp")
    (folder / "b.png.xmp").mkdir()
    (folder / "c.png.xmp").symlink_to("nowhere")

    ran = tag(".", "--sidecar", "xmp")

    assert ran.code == 1
    assert [line for line in ran.stderr.splitlines() if line.startswith("failed")] == [
        "failed: ./a.png.xmp: not a regular file, so it was left alone",
        "failed: ./b.png.xmp: not a regular file, so it was left alone",
        "failed: ./c.png.xmp: no such file or directory",
    ]


def test_permissions_stay(folder: Path, tag: Run, tagger: Run) -> None:
    save_picture(folder / "a.png")
    sidecar = folder / "a.png.xmp"
    sidecar.write_text(LIGHTROOM)
    sidecar.chmod(0o664)

    former = os.umask(0o077)
    try:
        tag("a.png", "--sidecar", "xmp")
        assert stat.S_IMODE(sidecar.stat().st_mode) == 0o664
        tagger("untag", "a.png")
    finally:
        os.umask(former)

    assert stat.S_IMODE(sidecar.stat().st_mode) == 0o664


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="root's alone")
def test_owner_and_group_stay(folder: Path, tag: Run, tagger: Run) -> None:
    save_picture(folder / "a.jpg")
    (folder / "a.jpg.xmp").write_text(LIGHTROOM)
    (folder / "movie.nfo").write_text("<movie><title>A</title></movie>\n")
    (folder / "a.jpg").rename(folder / "poster.jpg")
    (folder / "a.jpg.xmp").rename(folder / "poster.jpg.xmp")
    owned = {name: (folder / name) for name in ("poster.jpg", "poster.jpg.xmp", "movie.nfo")}
    for file in owned.values():
        os.chown(file, 12_345, 54_321)
    before = {name: file.read_bytes() for name, file in owned.items()}
    kinds = ("--sidecar", "xmp", "--sidecar", "nfo", "--embed")

    assert tag("poster.jpg", *kinds).code == 0
    assert [name for name, file in owned.items() if file.read_bytes() == before[name]] == []
    assert {(file.stat().st_uid, file.stat().st_gid) for file in owned.values()} == {
        (12_345, 54_321)
    }
    assert tagger("untag", ".").code == 0
    assert {name: file.read_bytes() for name, file in owned.items()} == before
    assert {(file.stat().st_uid, file.stat().st_gid) for file in owned.values()} == {
        (12_345, 54_321)
    }


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="root's alone")
@pytest.mark.parametrize(("mode", "content"), [(0o664, b"new"), (0o644, LIGHTROOM.encode())])
def test_owner_and_group_stay_where_another_user_writes(
    folder: Path, mode: int, content: bytes
) -> None:
    """A shared folder: whoever may not give a file away writes into it, if the file lets them."""
    folder.chmod(0o777)
    Path("a.xmp").write_text(LIGHTROOM)
    os.chown("a.xmp", 0, 54_321)
    Path("a.xmp").chmod(mode)

    child = os.fork()
    if child == 0:
        try:
            os.setgroups([54_321])
            os.setgid(12_345)
            os.setuid(12_345)
            rewrite_whole("a.xmp", b"new")
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    state = Path("a.xmp").stat()
    assert Path("a.xmp").read_bytes() == content
    assert (state.st_uid, state.st_gid, stat.S_IMODE(state.st_mode)) == (0, 54_321, mode)
    assert os.listdir() == ["a.xmp"]


def test_what_another_program_writes_meanwhile_is_not_lost(tmp_path: Path) -> None:
    file = tmp_path / "a.xmp"
    file.write_text(LIGHTROOM)
    seen = []

    def change(content: bytes) -> Edit:
        if not seen:
            file.write_text(DIGIKAM)
        seen.append(content)
        return Edit(State.CHANGED, merge(content, wish("red")))

    change_in_place(str(file), change, backup=False)
    assert seen == [LIGHTROOM.encode(), DIGIKAM.encode()]
    assert file.read_bytes() == merge(DIGIKAM.encode(), wish("red"))


def test_a_file_that_others_keep_writing_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.xmp"

    def change(content: bytes) -> Edit:
        file.write_bytes(content + b"\n")
        return Edit(State.CHANGED, merge(content, wish("red")))

    file.write_text(LIGHTROOM)
    with pytest.raises(CannotChange, match="being written by another program"):
        change_in_place(str(file), change, backup=False)
    assert file.read_text() == LIGHTROOM + "\n" * 3


def test_a_reader_never_sees_a_torn_sidecar(folder: Path, tag: Run) -> None:
    sidecar = folder / "a.png.xmp"
    sidecar.write_text(LIGHTROOM)
    stop = threading.Event()
    ends = set()

    def watch() -> None:
        while not stop.is_set():
            ends.add(sidecar.read_bytes()[-14:])

    watcher = threading.Thread(target=watch)
    watcher.start()
    for colour in ("red", "lime") * 3:
        save_picture(folder / "a.png", colour)
        tag("a.png", "--sidecar", "xmp")
    stop.set()
    watcher.join()
    assert ends == {b"\n</x:xmpmeta>\n"[-14:]}
