"""XMP sidecars and ``.nfo`` files that were made to harm: refused or merged, soon and in bounds."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import run_tagger
from holding import merge, merge_genres, take_genres_out, take_out, wish_for
from pictures import save_picture

from tagger.errors import CannotChange
from tagger.holders.nfo.genres import meanings
from tagger.holders.xmp.names import TAGGER

WISH = wish_for(("red", 0.5), ("blue", 0.4))

HEAD = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    f'xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:t="{TAGGER}">'
)
TAIL = "</rdf:RDF></x:xmpmeta>"

DOCTYPE = "not safe to read (it has a DOCTYPE)"
MANY = 20_000

# Seconds of one core; what took the square of its length took minutes.
SOON = 8


def described(inside: str) -> str:
    return f'{HEAD}<rdf:Description rdf:about="">{inside}</rdf:Description>{TAIL}'


def bag(count: int) -> str:
    items = "".join(f"<rdf:li>k{number}</rdf:li>" for number in range(count))
    return f"<dc:subject><rdf:Bag>{items}</rdf:Bag></dc:subject>"


def record(count: int) -> str:
    tags = "".join(
        f'<rdf:li rdf:parseType="Resource"><t:tag>k{number}</t:tag><t:subject>k{number}</t:subject>'
        "</rdf:li>"
        for number in range(count)
    )
    return (
        f'<t:record rdf:parseType="Resource"><t:tags><rdf:Seq>{tags}</rdf:Seq></t:tags></t:record>'
    )


def refusal(content: bytes) -> str:
    with pytest.raises(CannotChange) as refused:
        merge(content, WISH)
    return str(refused.value)


# Entities

LAUGHS = "".join(f'<!ENTITY l{number} "{f"&l{number - 1};" * 10}">' for number in range(1, 10))

WITH_DOCTYPE = {
    "a billion laughs": f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>{described("<dc:a>&l9;</dc:a>")}',
    "one long entity often": (
        f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]>{described("<dc:a>" + "&a;" * 50_000)}'
    ),
    "a file": '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    + described("<dc:subject>&f;</dc:subject>"),
    "an address": '<!DOCTYPE x [<!ENTITY f SYSTEM "http://127.0.0.1:9/x">]>' + described("&f;"),
    "a file of declarations": f'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">{described("")}',
    "a parameter": '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>' + described(""),
    "attributes by default": (
        '<!DOCTYPE x [<!ATTLIST rdf:Description dc:subject CDATA "x">]>' + described("")
    ),
    "nothing": f"<!DOCTYPE x>{described('')}",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", WITH_DOCTYPE)
def test_a_doctype_is_refused_before_anything_is_declared(name: str, encoding: str) -> None:
    assert refusal(WITH_DOCTYPE[name].encode(encoding)) == DOCTYPE


@pytest.mark.parametrize("name", WITH_DOCTYPE)
def test_a_doctype_is_refused_in_an_nfo_too(name: str) -> None:
    declared = WITH_DOCTYPE[name].partition("<x:xmpmeta")[0]

    with pytest.raises(CannotChange, match=r"^not safe to read \(it has a DOCTYPE\)$"):
        merge_genres(f"{declared}<movie><genre>&f;</genre></movie>".encode(), ["Drama"])


def test_entities_that_nobody_declared_are_refused() -> None:
    assert refusal(described("&f;").encode()).endswith(": undefined entity)")


# Encodings


@pytest.mark.parametrize(
    "encoding",
    ["punycode", "idna", "unicode_escape", "zlib", "rot13", "base64", "undefined", "no-such-one"],
)
def test_only_encodings_of_text_are_decoded(encoding: str) -> None:
    content = f'<?xml version="1.0" encoding="{encoding}"?>{described("")}'.encode()

    assert refusal(content) == f"not valid XML (its text is not {encoding})"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 5000,
        described("\0").encode(),
        described("\x1b[2J").encode(),
        b"\xff\xfe" + described("").encode(),
        described("").encode("utf-16-le")[:-1],
        described("\ud800").encode("utf-8", "surrogatepass"),
        b"<" * 100_000,
        b"<a " * 100_000,
        b'<a b="' + b"<" * 100_000,
        b"<![CDATA[" * 10_000,
        b"<?" + b"x" * 100_000,
    ],
)
def test_what_is_no_xml_is_refused_in_one_line(content: bytes) -> None:
    why = refusal(content)

    assert why.startswith("not valid XML (")
    assert why.isprintable()


# Sizes: what a program would have to be made for


LARGE = {
    "namespaces inside one another": described(
        "".join(f'<dc:a xmlns:p{n}="urn:p">' for n in range(MANY)) + "</dc:a>" * MANY
    ),
    "keywords of ours": described(bag(MANY) + record(MANY // 3)),
    "lists of keywords of ours": described(
        "".join(
            f"<dc:subject><rdf:Bag><rdf:li>k{n}</rdf:li></rdf:Bag></dc:subject>"
            for n in range(MANY // 4)
        )
        + record(MANY // 4)
    ),
    "descriptions": f"{HEAD}{'<rdf:Description/>' * MANY}{TAIL}",
    "attributes": HEAD
    + "<rdf:Description "
    + " ".join(f'dc:a{n}="x"' for n in range(MANY))
    + ' dc:subject="x"/>'
    + TAIL,
    "a long attribute": f'{HEAD}<rdf:Description dc:subject="{"a" * 10_000_000}"/>{TAIL}',
    "a long text": described(f"<dc:subject>{'a&amp;' * 2_000_000}</dc:subject>"),
    "white space": described(
        "<dc:subject><rdf:Bag>" + (" " * 1_000_000 + "<rdf:li>q</rdf:li>") * 10
        + "</rdf:Bag></dc:subject>"
    ),
    "accents": described(f"<dc:subject>a{chr(0x300) + chr(0x316)}</dc:subject>".replace(
        chr(0x300) + chr(0x316), (chr(0x300) + chr(0x316)) * 500_000)),
    "comments": "<!--x-->" * MANY + described(bag(3)),
}  # fmt: skip


def seconds(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


@pytest.mark.parametrize("name", LARGE)
def test_a_large_sidecar_takes_no_longer_than_its_size_does(name: str) -> None:
    content = LARGE[name].encode()
    merged: list[bytes] = []

    assert seconds(lambda: merged.append(merge(content, WISH))) < SOON
    assert seconds(lambda: take_out(merged[0])) < SOON
    assert b"<rdf:li>red</rdf:li>" in merged[0]


def test_more_elements_than_any_program_writes_are_refused() -> None:
    assert refusal(described("<dc:a/>" * 250_000).encode()) == (
        "not safe to read (over 250,000 elements)"
    )


@pytest.mark.parametrize(
    "inside",
    [
        "".join(f"<genre>g{n}</genre>" for n in range(MANY)),
        "".join(f"<genre>g{n}</genre>" for n in range(MANY))
        + f'<t:record xmlns:t="{TAGGER}" genres="{"|".join(f"g{n}" for n in range(MANY))}"/>',
        f"<genre>a{' ' * 1_000_000}b</genre>",
        f"<genre>{'a and ' * 100_000}</genre>",
        f"<genre>{'/' * 1_000_000}a</genre>",
        f"<genre>a{(chr(0x300) + chr(0x316)) * 200_000}</genre>",
    ],
)
def test_a_large_nfo_takes_no_longer_than_its_size_does(inside: str) -> None:
    content = f"<movie>{inside}</movie>".encode()
    merged: list[bytes] = []

    assert seconds(lambda: merged.append(merge_genres(content, ["Drama"]))) < SOON
    assert seconds(lambda: take_genres_out(merged[0])) < SOON
    assert b"<genre>Drama</genre>" in merged[0]


def test_genres_joined_by_a_word_are_told_apart_whatever_the_space() -> None:
    assert meanings("Drama  and\tCrime") == {"drama", "crime"}
    assert meanings("Andes") == {"andes"}


# Through the command


def test_hostile_sidecars_stay_as_they_are_and_are_reported(
    tmp_path: Path, tiny_model: Path
) -> None:
    contents = {f"{n:02}.png": text.encode() for n, text in enumerate(WITH_DOCTYPE.values())}
    for name, content in contents.items():
        save_picture(tmp_path / "p" / name)
        (tmp_path / "p" / f"{name}.xmp").write_bytes(content)

    ran = run_tagger(
        "tag", "p", "--sidecar", "xmp", "--model", tiny_model, "--device", "cpu", cwd=tmp_path
    )

    assert ran.code == 1
    assert [line for line in ran.stderr.splitlines() if line.startswith("failed: ")] == [
        f"failed: p/{name}.xmp: {DOCTYPE}, so it was left alone" for name in contents
    ]
    for name, content in contents.items():
        assert (tmp_path / "p" / f"{name}.xmp").read_bytes() == content
