"""Harm: an image's tags go nowhere, or into the sidecar of another file, and nothing says so."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ran
from foreign_sidecars import DARKTABLE
from holding import merge, take_out, wish_for
from pictures import save_picture
from readers import reader

from tagger.errors import CannotChange

Run = Callable[..., Ran]

KINDS = ("txt", "json", "xmp")


# Two images, one name


@pytest.mark.parametrize("existing", ["merge", "overwrite", "skip", "error"])
@pytest.mark.parametrize("kind", KINDS)
def test_images_that_would_share_a_sidecar_are_both_named(
    folder: Path, tag: Run, kind: str, existing: str
) -> None:
    save_picture(folder / "p/1.jpg", "red")
    save_picture(folder / "p/1.png", "blue")
    options = ("--sidecar", kind, "--sidecar-name", "replace", "--existing", existing)

    ran = tag("p", *options, "--summary", "s.json")

    assert ran.code == 1
    shared = "failed: p/1.png: it shares its sidecar with p/1.jpg, so it gets none"
    assert ran.stderr.splitlines()[1] == shared
    assert "left alone" not in ran.stderr
    assert '"failed": 1,' in (folder / "s.json").read_text()
    assert b"red" in (folder / f"p/1.{kind}").read_bytes()


def test_it_is_said_once_however_many_kinds_there_are(folder: Path, tag: Run) -> None:
    save_picture(folder / "p/1.jpg", "red")
    save_picture(folder / "p/1.png", "blue")
    kinds = [word for kind in KINDS for word in ("--sidecar", kind)]

    ran = tag("p", *kinds, "--sidecar-name", "replace", "--embed", "--keep-time")

    assert ran.stderr.count("it shares its sidecar with p/1.jpg") == 1
    assert "Tags written into 2 images." in ran.stderr.splitlines()  # inside there is room for both
    assert b"<tagger:tag>blue" in (folder / "p/1.png").read_bytes()


def test_an_nfo_is_the_films_and_shared_by_nobody(folder: Path, tag: Run) -> None:
    save_picture(folder / "p/Heat.jpg", "red")
    save_picture(folder / "p/Heat.png", "blue")
    (folder / "p/Heat.mkv").touch()
    (folder / "p/Heat.nfo").write_text("<movie/>")

    ran = tag("p", "--sidecar", "nfo", "--sidecar-name", "replace")

    assert ran.code == 0
    assert "1 left alone: the film has a better poster (p/Heat.png)." in ran.stderr.splitlines()


def test_an_image_that_failed_takes_no_sidecar_from_another(folder: Path, tag: Run) -> None:
    (folder / "p").mkdir()
    (folder / "p/1.jpg").write_bytes(b"\xff\xd8")
    save_picture(folder / "p/1.png", "blue")

    ran = tag("p", "--sidecar", "txt", "--sidecar-name", "replace")

    assert "shares" not in ran.stderr
    assert (folder / "p/1.txt").read_text() == "blue\n"


# photo.xmp beside photo.jpg: whose is it?

SAYS = {
    "attribute": ' photoshop:SidecarForExtension="{}"/>',
    "element": "><photoshop:SidecarForExtension> .{}\n</photoshop:SidecarForExtension>"
    "</rdf:Description>",
}


def sidecar(of: str | None = None, *, form: str = "attribute", derived_from: str = "") -> str:
    """Return a person's sidecar, which may say whose it is."""
    says = "/>" if of is None else SAYS[form].format(of)
    derived = f'<rdf:Description rdf:about="" xmpMM:DerivedFrom="{derived_from}"/>'
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" '
        'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"><rdf:Description rdf:about="">'
        "<dc:subject><rdf:Bag><rdf:li>sea</rdf:li></rdf:Bag></dc:subject></rdf:Description>"
        f'<rdf:Description rdf:about=""{says}{derived if derived_from else ""}</rdf:RDF>'
        "</x:xmpmeta>"
    )


def subjects(file: Path | str) -> list[str]:
    """Return the keywords that exiftool reads."""
    command = [reader("exiftool"), "-s3", "-sep", "|", "-XMP-dc:Subject", file]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return done.stdout.strip().split("|") if done.stdout.strip() else []


def xmps(folder: Path) -> list[str]:
    """Return the names of the XMP sidecars, in whatever case."""
    return sorted(name for name in os.listdir(folder) if name.lower().endswith(".xmp"))


@pytest.mark.parametrize("form", SAYS)
@pytest.mark.parametrize(("of", "sibling"), [("MOV", "MOV"), ("heic", "HEIC"), ("CR2", None)])
def test_a_sidecar_that_says_it_is_another_files_is_left_to_it(
    folder: Path, tag: Run, tagger: Run, form: str, of: str, sibling: str | None
) -> None:
    save_picture(folder / "p/a.jpg")
    if sibling:
        (folder / f"p/a.{sibling}").touch()
    (folder / "p/a.xmp").write_text(sidecar(of, form=form))

    ran = tag("p", "--sidecar", "xmp")

    assert ran.code == 0
    assert (folder / "p/a.xmp").read_text() == sidecar(of, form=form)
    assert subjects("p/a.jpg.xmp") == ["red"]
    assert tagger("untag", "p").code == 0
    assert xmps(folder / "p") == ["a.xmp"]


@pytest.mark.parametrize("sibling", ["a.MOV", "a.png", "a.dng", None])
def test_a_sidecar_that_says_it_is_the_images_gets_its_tags(
    folder: Path, tag: Run, sibling: str | None
) -> None:
    save_picture(folder / "p/a.jpg")
    if sibling == "a.png":
        save_picture(folder / "p" / sibling, "blue")
    elif sibling:
        (folder / "p" / sibling).touch()
    (folder / "p/a.xmp").write_text(sidecar("JPG"))

    assert tag("p", "--sidecar", "xmp").code == 0

    assert subjects("p/a.xmp") == ["sea", "red"]
    assert xmps(folder / "p") == (["a.png.xmp"] if sibling == "a.png" else []) + ["a.xmp"]


def test_two_images_of_the_ending_that_it_says_leave_it_alone(folder: Path, tag: Run) -> None:
    save_picture(folder / "p/a.jpg")
    save_picture(folder / "p/a.JPG")
    if len(os.listdir("p")) == 1:
        pytest.skip("this file system does not tell case")
    (folder / "p/a.xmp").write_text(sidecar("jpg"))

    assert tag("p", "--sidecar", "xmp").code == 0

    assert (folder / "p/a.xmp").read_text() == sidecar("jpg")
    assert xmps(folder / "p") == ["a.JPG.xmp", "a.jpg.xmp", "a.xmp"]


@pytest.mark.parametrize(
    "ending", ["MOV", "mp4", "HEIC", "psd", "CR2", "nef", "dng", "tif", "wav", "pdf", "jxl"]
)
def test_a_sibling_of_any_kind_may_be_whose_it_is(folder: Path, tag: Run, ending: str) -> None:
    save_picture(folder / "p/a.jpg")
    (folder / f"p/a.{ending}").touch()
    (folder / "p/a.xmp").write_text(sidecar())

    tag("p/a.jpg", "--sidecar", "xmp")

    assert (folder / "p/a.xmp").read_text() == sidecar()
    # Programs took a.xmp for the image's, and from now on read this one instead.
    assert subjects("p/a.jpg.xmp") == ["sea", "red"]


@pytest.mark.parametrize(
    "name", ["a.txt", "a.jpg_original", "a.nfo", "a.srt", "ab.MOV", "A.MOV", "a"]
)
def test_what_has_no_sidecars_or_another_name_makes_no_doubt(
    folder: Path, tag: Run, name: str
) -> None:
    save_picture(folder / "p/a.jpg")
    (folder / "p" / name).touch()
    (folder / "p/a.xmp").write_text(sidecar())

    assert tag("p", "--sidecar", "xmp").code == 0

    assert subjects("p/a.xmp") == ["sea", "red"]
    assert xmps(folder / "p") == ["a.xmp"]


@pytest.mark.parametrize("other", ["a.jpg", "a.CR2"])
@pytest.mark.parametrize("naming", ["append", "replace"])
def test_the_sidecar_of_a_file_whose_name_an_image_continues_is_not_its(
    folder: Path, tag: Run, other: str, naming: str
) -> None:
    """What a program exported of a.CR2 is called a.CR2.jpg; a.CR2.xmp belongs to the former."""
    image = save_picture(folder / f"p/{other}.png").name
    (folder / "p" / other).touch()
    (folder / f"p/{other}.xmp").write_text(sidecar())

    ran = tag(f"p/{image}", "--sidecar", "xmp", "--sidecar-name", naming)

    assert (folder / f"p/{other}.xmp").read_text() == sidecar()
    if naming == "append":
        assert ran.code == 0
        assert subjects(f"p/{image}.xmp") == ["red"]
    else:
        reason = f"p/{other}.xmp is the sidecar of p/{other}, so it gets none"
        assert (ran.code, ran.stderr.splitlines()[1]) == (1, f"failed: p/{image}: {reason}")


@pytest.mark.parametrize("existing", ["merge", "overwrite", "skip", "error"])
def test_the_name_without_ending_never_takes_another_files_sidecar(
    folder: Path, tag: Run, tagger: Run, existing: str
) -> None:
    save_picture(folder / "p/a.jpg")
    (folder / "p/a.MOV").touch()
    (folder / "p/a.xmp").write_text(sidecar("MOV"))
    (folder / "t.csv").write_text("path,tags\np/a.jpg,noir\n")
    options = ("--sidecar", "xmp", "--sidecar-name", "replace")

    ran = tag("p", *options, "--existing", existing)
    applied = tagger("apply", "t.csv", *options, "--yes")

    failure = "failed: p/a.jpg: p/a.xmp is the sidecar of a .mov file, so it gets none"
    assert (ran.code, ran.stderr.splitlines()[1]) == (1, failure)
    assert (applied.code, applied.stderr.splitlines()[0]) == (1, failure)
    assert (folder / "p/a.xmp").read_text() == sidecar("MOV")
    assert xmps(folder / "p") == ["a.xmp"]


def test_what_is_another_files_says_nothing_of_the_image(folder: Path, tag: Run) -> None:
    save_picture(folder / "p/a.jpg")
    (folder / "p/a.xmp").write_text(sidecar("MOV").replace("sea", "red"))

    ran = tag("p", "--sidecar", "xmp", "--skip-tagged")
    again = tag("p", "--sidecar", "xmp", "--skip-tagged")

    assert "0 already tagged and skipped." in ran.stderr.splitlines()
    assert "1 already tagged and skipped." in again.stderr.splitlines()


# Names in another case


@pytest.mark.parametrize("name", ["a.jpg.XMP", "a.XMP", "a.jpg.Xmp"])
def test_a_sidecar_in_upper_case_is_seen(folder: Path, tag: Run, tagger: Run, name: str) -> None:
    save_picture(folder / "p/a.jpg")
    (folder / "p" / name).write_text(sidecar())

    ran = tag("p", "--sidecar", "xmp")
    resumed = tag("p", "--sidecar", "xmp", "--resume")
    skipped = tag("p", "--sidecar", "xmp", "--skip-tagged")

    assert xmps(folder / "p") == [name]
    assert subjects(f"p/{name}") == ["sea", "red"]
    assert "1 sidecar written." in ran.stderr.splitlines()
    assert resumed.stderr.splitlines()[1].startswith("Nothing to do: no image is new.")
    assert "1 already tagged and skipped." in skipped.stderr.splitlines()
    assert tagger("untag", "p/a.jpg").stderr == "1 sidecar changed, 0 removed, 0 failed.\n"
    assert (folder / "p" / name).read_text() == sidecar()


def test_a_sidecar_in_upper_case_is_overwritten_under_its_name(folder: Path, tag: Run) -> None:
    save_picture(folder / "p/a.jpg")
    (folder / "p/a.XMP").write_text(sidecar())

    options = ("--sidecar", "xmp", "--sidecar-name", "replace", "--existing", "overwrite")
    assert tag("p", *options).code == 0

    assert xmps(folder / "p") == ["a.XMP"]
    assert subjects("p/a.XMP") == ["red"]


# darktable's versions


def test_every_version_of_an_image_gets_its_tags(folder: Path, tag: Run, tagger: Run) -> None:
    save_picture(folder / "p/a.png")
    for name in ("a.png.xmp", "a_01.png.xmp", "a_12.png.xmp"):
        (folder / "p" / name).write_text(DARKTABLE)

    ran = tag("p", "--sidecar", "xmp", "--rename", "red=new")

    assert "3 sidecars written." in ran.stderr.splitlines()
    for name in xmps(folder / "p"):
        assert subjects(f"p/{name}") == ["holiday", "red", "new"]
    dry = tagger("untag", "p", "--dry-run")
    assert len(dry.stdout.splitlines()) == 3
    assert tagger("untag", "p/a.png").code == 0
    assert {(folder / "p" / name).read_text() for name in xmps(folder / "p")} == {DARKTABLE}


def test_a_version_alone_does_not_stand_for_the_image(folder: Path, tag: Run) -> None:
    save_picture(folder / "p/a.png")
    (folder / "p/a_01.png.xmp").write_text(DARKTABLE)

    tag("p", "--sidecar", "xmp")
    (folder / "p/a.png.xmp").unlink()
    tag("p", "--sidecar", "xmp", "--resume")

    assert xmps(folder / "p") == ["a.png.xmp", "a_01.png.xmp"]


@pytest.mark.parametrize("name", ["a_01.png.xmp", "a_1.png.xmp", "a_001.png.xmp", "a_02.jpg.xmp"])
def test_what_is_no_version_stays(folder: Path, tag: Run, name: str) -> None:
    save_picture(folder / "p/a.png")
    if name == "a_01.png.xmp":  # of an image of that name
        save_picture(folder / "p/a_01.png")
    (folder / "p" / name).write_text(DARKTABLE)

    tag("p/a.png", "--sidecar", "xmp")

    assert (folder / "p" / name).read_text() == DARKTABLE


def test_a_version_must_name_its_image(folder: Path, tag: Run) -> None:
    save_picture(folder / "p/b.png")
    (folder / "p/b_01.png.xmp").write_text(DARKTABLE)  # derived from a.png

    tag("p", "--sidecar", "xmp")

    assert (folder / "p/b_01.png.xmp").read_text() == DARKTABLE


# Wrappers around one rdf:RDF

_RDF = sidecar().partition("<x:xmpmeta")[2].partition(">")[2].removesuffix("</x:xmpmeta>")


_PACKET = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'


@pytest.mark.parametrize(
    ("head", "tail"),
    [
        ("", ""),
        ('<xap:xapmeta xmlns:xap="adobe:ns:meta/">', "</xap:xapmeta>"),
        ("<xmpmeta>", "</xmpmeta>"),
        ('<p:meta xmlns:p="urn:p"><!-- n --><p:x/>', "</p:meta>"),
        ('<a><b c="d">\n  <metadata>', "</metadata></b>\n</a>\n"),
        ('<x:xmpmeta xmlns:x="adobe:ns:meta/"><x:in>', "</x:in></x:xmpmeta>"),
    ],
)
def test_keywords_are_found_in_any_wrapper(folder: Path, tag: Run, head: str, tail: str) -> None:
    """As Adobe's toolkit finds them, with which exiv2 reads."""
    save_picture(folder / "a.jpg")
    before = f'{_PACKET}{head}{_RDF}{tail}\n<?xpacket end="w"?>'.encode()
    (folder / "a.jpg.xmp").write_bytes(before)

    assert tag("a.jpg", "--sidecar", "xmp").code == 0

    command = [reader("exiv2"), "-K", "Xmp.dc.subject", "-Pt", "a.jpg.xmp"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "sea, red"
    taken = take_out((folder / "a.jpg.xmp").read_bytes())
    assert taken is not None
    assert taken.content == before


def test_two_of_them_are_left_alone() -> None:
    for head, tail in (("<a>", "</a>"), ('<x:xmpmeta xmlns:x="adobe:ns:meta/">', "</x:xmpmeta>")):
        with pytest.raises(
            CannotChange, match=r"^no XMP that can be changed \(2 rdf:RDF inside\)$"
        ):
            merge(f"{head}{_RDF}{_RDF}{tail}".encode(), wish_for(("red", 0.5)))
