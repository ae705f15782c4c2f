"""Sidecars: what stands in them, where they lie, and what happens to those that are there."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from commands import Ran
from messages import says
from pictures import save_picture

Tag = Callable[..., Ran]

TXT = "red, blue\n"
JSON = """\
{
  "path": "a.png",
  "tags": [
    {
      "tag": "red",
      "score": 0.8
    },
    {
      "tag": "blue",
      "score": 0.6
    }
  ],
  "scores": {
    "red": 0.8,
    "green": 0.2,
    "blue": 0.6,
    "N/A": 0.2
  },
  "model": {
    "name": "colours",
    "version": "1.2",
    "precision": "fp32"
  }
}
"""
TODAY = date.today().isoformat()
XMP_HEAD = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="poster-tagger">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
"""
XMP_TAIL = f"""\
    <tagger:created>True</tagger:created>
    <tagger:model>colours 1.2</tagger:model>
    <tagger:date>{TODAY}</tagger:date>
   </tagger:record>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""
XMP = f"""\
{XMP_HEAD}\
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmlns:digiKam="http://www.digikam.org/ns/1.0/"
    xmlns:tagger="poster-tagger:ns:1.0/">
   <dc:subject>
    <rdf:Bag>
     <rdf:li>red</rdf:li>
     <rdf:li>blue</rdf:li>
    </rdf:Bag>
   </dc:subject>
   <lr:hierarchicalSubject>
    <rdf:Bag>
     <rdf:li>red</rdf:li>
     <rdf:li>blue</rdf:li>
    </rdf:Bag>
   </lr:hierarchicalSubject>
   <digiKam:TagsList>
    <rdf:Seq>
     <rdf:li>red</rdf:li>
     <rdf:li>blue</rdf:li>
    </rdf:Seq>
   </digiKam:TagsList>
   <tagger:record rdf:parseType="Resource">
    <tagger:tags>
     <rdf:Seq>
      <rdf:li rdf:parseType="Resource">
       <tagger:tag>red</tagger:tag>
       <tagger:probability>0.8000</tagger:probability>
       <tagger:subject>red</tagger:subject>
       <tagger:hierarchicalSubject>red</tagger:hierarchicalSubject>
       <tagger:TagsList>red</tagger:TagsList>
      </rdf:li>
      <rdf:li rdf:parseType="Resource">
       <tagger:tag>blue</tagger:tag>
       <tagger:probability>0.6000</tagger:probability>
       <tagger:subject>blue</tagger:subject>
       <tagger:hierarchicalSubject>blue</tagger:hierarchicalSubject>
       <tagger:TagsList>blue</tagger:TagsList>
      </rdf:li>
     </rdf:Seq>
    </tagger:tags>
{XMP_TAIL}"""
XMP_WITHOUT_TAGS = f"""\
{XMP_HEAD}\
    xmlns:tagger="poster-tagger:ns:1.0/">
   <tagger:record rdf:parseType="Resource">
{XMP_TAIL}"""


def files(folder: Path) -> list[str]:
    """Return every file below a folder that is no image."""
    found = (file for file in folder.rglob("*") if file.is_file())
    return sorted(str(f.relative_to(folder)) for f in found if f.suffix not in (".png", ".jpg"))


@pytest.mark.parametrize(("kind", "content"), [("txt", TXT), ("json", JSON), ("xmp", XMP)])
def test_the_content_of_a_sidecar(folder: Path, tag: Tag, kind: str, content: str) -> None:
    save_picture(folder / "a.png", (204, 51, 153))

    ran = tag("a.png", "--sidecar", kind)

    assert (ran.code, ran.stdout) == (0, b"")
    assert (folder / f"a.png.{kind}").read_bytes() == content.encode()
    assert files(folder) == [f"a.png.{kind}"]


@pytest.mark.parametrize(("kind", "content"), [("txt", "\n"), ("xmp", XMP_WITHOUT_TAGS)])
def test_a_sidecar_without_tags(folder: Path, tag: Tag, kind: str, content: str) -> None:
    save_picture(folder / "a.png", "black")

    tag("a.png", "--sidecar", kind, "--min-tags", "0")

    assert (folder / f"a.png.{kind}").read_text() == content


def test_a_failed_image_gets_no_sidecar(folder: Path, tag: Tag) -> None:
    (folder / "a.png").touch()

    ran = tag("a.png", "--sidecar", "txt")

    assert ran.code == 1
    assert files(folder) == []


def test_several_kinds_are_written_at_once(folder: Path, tag: Tag) -> None:
    save_picture(folder / "a.png")

    tag("a.png", "--sidecar", "xmp", "--sidecar", "txt", "--sidecar", "xmp")

    assert files(folder) == ["a.png.txt", "a.png.xmp"]


def test_with_an_output_there_are_sidecars_and_a_table(folder: Path, tag: Tag) -> None:
    save_picture(folder / "a.png")

    ran = tag("a.png", "--sidecar", "txt", "-o", "-", "--layout", "list")

    assert ran.stdout == b"path,tags,error\na.png,red,\n"
    assert files(folder) == ["a.png.txt"]


def test_the_json_of_a_name_that_is_no_text_is_escaped(folder: Path, tag: Tag) -> None:
    name = os.fsdecode(b"\xff.png")
    save_picture(folder / name)

    tag(name, "--sidecar", "json")

    assert rb'"path": "\\xff.png",' in (folder / f"{name}.json").read_bytes()


def test_the_ending_is_replaced_when_asked(folder: Path, tag: Tag) -> None:
    save_picture(folder / "p.d/a.b.png")

    tag("p.d", "--sidecar", "xmp", "--sidecar-name", "replace")

    assert files(folder) == ["p.d/a.b.xmp"]


@pytest.mark.parametrize("existing", ["merge", "skip", "overwrite", "error"])
def test_images_that_share_a_sidecar_do_not_overwrite_each_other(
    folder: Path, tag: Tag, existing: str
) -> None:
    save_picture(folder / "p/a.bmp", "red")
    save_picture(folder / "p/a.gif", "blue")
    save_picture(folder / "p/a.x.png", "blue")
    save_picture(folder / "p/a.png", "blue")

    ran = tag("p", "--sidecar", "txt", "--sidecar-name", "replace", "--existing", existing)

    assert ran.code == 1
    assert ran.stderr.splitlines()[1:] == [
        "failed: p/a.gif: it shares its sidecar with p/a.bmp, so it gets none",
        "failed: p/a.png: it shares its sidecar with p/a.bmp, so it gets none",
        ran.stderr.splitlines()[3],
        "Tags: blue 3, red 1",
        "2 sidecars written.",
    ]
    assert ran.stderr.splitlines()[3].startswith("4 tagged, 2 failed in ")
    assert (folder / "p/a.txt").read_text() == "red\n"
    assert (folder / "p/a.x.txt").read_text() == "blue\n"


def test_appended_names_never_collide(folder: Path, tag: Tag) -> None:
    save_picture(folder / "p/a.gif", "red")
    save_picture(folder / "p/a.png", "blue")

    tag("p", "--sidecar", "txt")

    assert (folder / "p/a.gif.txt").read_text() == "red\n"
    assert (folder / "p/a.png.txt").read_text() == "blue\n"


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        (["p"], ["q/a.png.txt", "q/r/b.png.txt"]),
        (["p/q"], ["a.png.txt", "r/b.png.txt"]),
        (["p/q", "other"], ["other/c.png.txt", "p/q/a.png.txt", "p/q/r/b.png.txt"]),
        (["p/q/a.png"], ["a.png.txt"]),
        (["p/q/a.png", "p/q/r/b.png"], ["a.png.txt", "r/b.png.txt"]),
        (["./p/../p/q/a.png", "other/c.png"], ["other/c.png.txt", "p/q/a.png.txt"]),
    ],
)
def test_a_sidecar_folder_mirrors_the_tree(
    folder: Path, tag: Tag, arguments: list[str], written: list[str]
) -> None:
    for name in ("p/q/a.png", "p/q/r/b.png", "other/c.png"):
        save_picture(folder / name)

    ran = tag(*arguments, "--sidecar", "txt", "--sidecar-dir", "out/side")

    assert ran.code == 0
    assert files(folder) == [f"out/side/{name}" for name in written]


def test_a_sidecar_that_is_there_is_left_alone(folder: Path, tag: Tag) -> None:
    save_picture(folder / "a.png")
    (folder / "a.png.txt").write_text("mine")

    ran = tag("a.png", "--sidecar", "txt")

    assert ran.code == 0
    assert (folder / "a.png.txt").read_text() == "mine"
    assert ran.stderr.splitlines()[-1] == ("1 existing sidecar left alone (a.png.txt).")


def test_a_sidecar_that_is_there_is_overwritten_when_asked(folder: Path, tag: Tag) -> None:
    save_picture(folder / "a.png")
    (folder / "a.png.txt").write_text("mine")

    ran = tag("a.png", "--sidecar", "txt", "--existing", "overwrite")

    assert ran.code == 0
    assert (folder / "a.png.txt").read_text() == "red\n"


def test_a_sidecar_that_is_there_ends_the_run_when_asked(folder: Path, tag: Tag) -> None:
    save_picture(folder / "p/a.png")
    save_picture(folder / "p/b.png")
    (folder / "p/a.png.txt").write_text("mine")

    ran = tag("p", "--sidecar", "txt", "--existing", "error", "--quiet")

    assert (ran.code, ran.stderr) == (3, says("there already", file="p/a.png.txt"))
    assert files(folder) == ["p/a.png.txt"]
    assert (folder / "p/a.png.txt").read_text() == "mine"


def test_a_link_to_nothing_counts_as_a_sidecar_that_is_there(folder: Path, tag: Tag) -> None:
    save_picture(folder / "a.png")
    (folder / "a.png.txt").symlink_to("elsewhere")

    tag("a.png", "--sidecar", "txt")

    assert os.readlink(folder / "a.png.txt") == "elsewhere"
    assert not (folder / "elsewhere").exists()


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_permissions_follow_the_umask(folder: Path, tag: Tag, umask: int, mode: int) -> None:
    save_picture(folder / "a.png")

    former = os.umask(umask)
    try:
        tag("a.png", "--sidecar", "txt", "-o", "t.csv")
    finally:
        os.umask(former)

    for name in ("a.png.txt", "t.csv"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == mode


def test_a_sidecar_whose_name_is_too_long_fails_by_itself(folder: Path, tag: Tag) -> None:
    name = "x" * 250 + ".png"
    save_picture(folder / f"p/{name}")
    save_picture(folder / "p/z.png")

    ran = tag("p", "--sidecar", "txt")

    assert ran.code == 1
    assert f"failed: p/{name}.txt: file name too long" in ran.stderr.splitlines()
    assert files(folder) == ["p/z.png.txt"]
