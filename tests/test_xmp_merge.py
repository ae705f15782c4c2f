"""Tags go into the sidecars of others, all of which stays, and out again."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ran
from foreign_sidecars import ATTRIBUTE, LISTS, TEXTS
from holding import merge, take_out, taken, wish_for
from lxml import etree
from pictures import save_picture
from readers import reader

Run = Callable[..., Ran]

#: Colours whose tags are red and blue, and green.
RED_BLUE, GREEN = (204, 51, 153), (20, 200, 20)

FIELDS = {
    "XMP-dc:Subject": ("red", "blue"),
    "XMP-lr:HierarchicalSubject": ("Genre|red", "Genre|blue"),
    "XMP-digiKam:TagsList": ("Genre/red", "Genre/blue"),
}


def exiftool_forms(folder: Path) -> dict[str, bytes]:
    """Have the real exiftool write sidecars."""
    exiftool = reader("exiftool")
    options = {
        "exiftool": ["-Subject=sea", "-Subject=red", "-Rating=3", "-Title=Où"],
        "exiftool with hierarchies": [
            "-HierarchicalSubject=places|Rome", "-TagsList=places/Rome", "-Subject=Rome",
            "-RegionInfo={RegionList=[{Area={X=.1,Y=.2,W=.3,H=.4},Name=Anna}]}",
            "-DocumentID=xmp.did:1", "-GPSLatitude=41.9",
        ],
        "exiftool without tags": ["-Rating=2", "-Creator=me", "-UsageTerms=free"],
    }  # fmt: skip
    forms = {}
    for number, (name, arguments) in enumerate(options.items()):
        file = folder / f"{number}.xmp"
        subprocess.run([exiftool, "-q", *arguments, file], check=True)
        forms[name] = file.read_bytes()
        file.unlink()
    return forms


EXIFTOOL_FORMS = ["exiftool", "exiftool with hierarchies", "exiftool without tags"]
ALL_FORMS = [*LISTS, *TEXTS, *EXIFTOOL_FORMS]


@pytest.fixture
def form(request: pytest.FixtureRequest, tmp_path: Path) -> bytes:
    """Return the content of the sidecar that a test is about."""
    known = {**LISTS, **TEXTS}
    name = request.param
    return known[name] if name in known else exiftool_forms(tmp_path)[name]


def tag_with(
    folder: Path, tag: Run, content: bytes, *arguments: str, colour: object = RED_BLUE
) -> bytes:
    """Tag an image that has a sidecar and return the sidecar."""
    save_picture(folder / "a.png", colour)
    sidecar = folder / "a.png.xmp"
    sidecar.write_bytes(content)
    ran = tag("a.png", "--sidecar", "xmp", *arguments)
    assert ran.code == 0, ran.stderr
    return sidecar.read_bytes()


def parts(content: bytes) -> list[tuple[object, ...]]:
    """List what libxml2 sees: elements as they open and close, texts, comments, instructions."""
    found: list[tuple[object, ...]] = []

    def walk(node: etree._Element) -> None:
        if node.tag is etree.Comment or node.tag is etree.ProcessingInstruction:
            found.append((str(node.tag), getattr(node, "target", ""), node.text))
        else:
            found.append(("open", node.tag, node.prefix, tuple(node.attrib.items())))
            found.extend(("text", line) for line in (node.text or "").split())
            for child in node:
                walk(child)
            found.append(("close", node.tag))
        found.extend(("text", line) for line in (node.tail or "").split())

    root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, strip_cdata=False))
    before = list(root.itersiblings(preceding=True))[::-1]
    for node in (*before, root, *root.itersiblings()):
        walk(node)
    return found


def tree(content: bytes) -> bytes:
    """Return the canonical form of the whole tree, as libxml2 reckons it."""
    parsed = etree.fromstring(content).getroottree()
    return etree.tostring(parsed, method="c14n", with_comments=True)


def without_parts_between(
    before: list[tuple[object, ...]], after: list[tuple[object, ...]]
) -> list[tuple[object, ...]] | None:
    """Return what is in ``after`` and not in ``before``, or None where something is missing."""
    rest = iter(before)
    wanted = next(rest, None)
    new = []
    for part in after:
        if part == wanted:
            wanted = next(rest, None)
        else:
            new.append(part)
    return new if wanted is None else None


def exiftool_dump(file: Path) -> dict[str, object]:
    """Return all that exiftool reads of the content."""
    said = subprocess.run(
        [reader("exiftool"), "-j", "-G1", "-struct", "-a", "-b", "-XMP:all", file],
        check=True,
        capture_output=True,
    ).stdout
    (read,) = json.loads(said)
    del read["SourceFile"]
    return dict(read)


def as_list(value: object) -> list[object]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("form", [*LISTS, *EXIFTOOL_FORMS], indirect=True)
def test_everything_foreign_stays(folder: Path, tag: Run, form: bytes) -> None:
    after = tag_with(folder, tag, form, "--xmp-root", "Genre")

    new = without_parts_between(parts(form), parts(after))
    assert new is not None
    described = [part for part in new if part[0] == "open" and str(part[1]).endswith("Description")]
    assert len(described) == 1  # ours


@pytest.mark.parametrize(
    "form", [name for name in ALL_FORMS if name != "by hand without prefixes"], indirect=True
)
def test_exiftool_reads_what_it_read_before_and_our_tags(
    folder: Path, tag: Run, form: bytes
) -> None:
    (folder / "before.xmp").write_bytes(form)
    tag_with(folder, tag, form, "--xmp-root", "Genre")

    before, after = exiftool_dump(folder / "before.xmp"), exiftool_dump(folder / "a.png.xmp")

    # The prefix is another one where the file has a use of its own for it.
    (record,) = [
        key
        for key, value in after.items()
        if key.startswith("XMP-tagger") and value != "not yours" and key.endswith(":Record")
    ]
    assert after.pop(record)["Model"] == "colours 1.2"
    for field, ours in FIELDS.items():
        former = [text for text in as_list(before.pop(field, None)) if text]
        found = as_list(after.pop(field))
        if not former:  # what a new list would hide comes first
            former = found[: -len(ours)]
        added = [text for text in ours if text not in former]
        assert found == former + added
    assert after == before


#: What exiv2 0.27 cannot read, with or without our tags: other prefixes, numbered items, UTF-16.
NOT_FOR_EXIV2 = (
    "by hand",
    "by hand without prefixes",
    "odd namespaces",
    "UTF-16 little-endian",
    "UTF-16 big-endian",
)


def exiv2_lines(file: Path) -> list[str]:
    """Return what exiv2 reads, but for our own record."""
    said = subprocess.run(
        [reader("exiv2"), "-PXkt", file], check=False, capture_output=True, text=True
    ).stdout
    lines = [line for line in said.splitlines() if line.startswith("Xmp.")]
    return [line for line in lines if not line.startswith("Xmp.tagger.")]


@pytest.mark.parametrize(
    "form", [name for name in ALL_FORMS if name not in NOT_FOR_EXIV2], indirect=True
)
def test_exiv2_reads_what_it_read_before_and_our_tags(folder: Path, tag: Run, form: bytes) -> None:
    (folder / "before.xmp").write_bytes(form)
    tag_with(folder, tag, form, "--xmp-root", "Genre")

    before, after = exiv2_lines(folder / "before.xmp"), exiv2_lines(folder / "a.png.xmp")

    for field, ours in FIELDS.items():
        key = f"Xmp.{field.removeprefix('XMP-').replace(':', '.')}".casefold()
        lines = [line for line in after if line.casefold().startswith(key)]
        assert all(any(text in line for line in lines) for text in ours)
        before = [line for line in before if not line.casefold().startswith(key)]
        after = [line for line in after if not line.casefold().startswith(key)]
    assert sorted(after) == sorted(before)


@pytest.mark.parametrize("form", ALL_FORMS, indirect=True)
def test_a_second_run_changes_nothing(folder: Path, tag: Run, form: bytes) -> None:
    first = tag_with(folder, tag, form)
    os.utime(folder / "a.png.xmp", ns=(1, 1))

    ran = tag("a.png", "--sidecar", "xmp")

    assert (folder / "a.png.xmp").read_bytes() == first
    assert (folder / "a.png.xmp").stat().st_mtime_ns == 1
    assert ran.stderr.splitlines()[-2:] == [
        "0 sidecars written.",
        "1 sidecar already up to date.",
    ]


@pytest.mark.parametrize("form", ALL_FORMS, indirect=True)
def test_untag_gives_back_the_former_tree(folder: Path, tag: Run, tagger: Run, form: bytes) -> None:
    tag_with(folder, tag, form)
    save_picture(folder / "a.png", GREEN)
    tag("a.png", "--sidecar", "xmp", "--xmp-root", "Genre")

    ran = tagger("untag", "a.png")

    assert (ran.code, ran.stderr) == (0, "1 sidecar changed, 0 removed, 0 failed.\n")
    assert tree((folder / "a.png.xmp").read_bytes()) == tree(form)


@pytest.mark.parametrize("form", ALL_FORMS, indirect=True)
def test_untag_gives_back_the_former_bytes(
    folder: Path, tag: Run, tagger: Run, form: bytes
) -> None:
    tag_with(folder, tag, form)

    tagger("untag", "a.png")

    assert (folder / "a.png.xmp").read_bytes() == form


def test_an_attribute_comes_back_as_it_was_spelled() -> None:
    form = ATTRIBUTE.replace(
        '"noir &amp; &quot;blanc&quot;"', "'noir &#38; &quot;blanc\"'"
    ).encode()
    merged = merge(merge(form, wish_for(("red", 0.5))), wish_for(("blue", 0.5)))

    assert b'xmp:Rating="1"/>' in merged
    assert take_out(merged) == taken(form, ("blue",))


def test_an_attribute_comes_back_after_a_record_that_notes_its_description_alone() -> None:
    merged = merge(ATTRIBUTE.encode(), wish_for(("red", 0.5)))
    older = re.sub(rb"attribute 0\s[^<]*<", b"attribute 0<", merged)
    assert older != merged

    edit = take_out(older)

    spelled = b'dc:subject="noir &amp; &quot;blanc&quot;"'
    assert edit == taken(ATTRIBUTE.encode().replace(b"\n   " + spelled, b" " + spelled), ("red",))


def test_an_attribute_whose_list_a_person_changed_says_what_the_list_says() -> None:
    merged = merge(ATTRIBUTE.encode(), wish_for(("red", 0.5)))

    edit = take_out(merged.replace(b"<rdf:li>noir &amp; ", b"<rdf:li>neon &amp; "))

    assert edit is not None
    assert b'xmp:Rating="1" dc:subject="neon &amp; &quot;blanc&quot;"/>' in edit.content


@pytest.mark.parametrize("form", ALL_FORMS, indirect=True)
def test_a_later_run_is_as_if_it_were_the_first(folder: Path, tag: Run, form: bytes) -> None:
    once = tag_with(folder, tag, form, colour=GREEN)
    tag_with(folder, tag, form, "--xmp-root", "Genre", colour=RED_BLUE)
    save_picture(folder / "a.png", GREEN)

    tag("a.png", "--sidecar", "xmp")

    assert tree((folder / "a.png.xmp").read_bytes()) == tree(once)
