"""Whatever a sidecar holds: what goes in comes out, and nothing else does."""

from __future__ import annotations

import contextlib
from xml.sax.saxutils import escape

from foreign_sidecars import LISTS, TEXTS
from holding import merge, new_packet, take_out, wish_for
from hypothesis import assume, given
from hypothesis import strategies as st
from test_xmp_people import keywords

from tagger.errors import CannotChange
from tagger.holders.holder import Wish

NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="|"),
    min_size=1,
    max_size=6,
) | st.sampled_from(["red", "blue", "Été", "R&B <x>", "]]>", "a/b", '"'])
TAGS = st.lists(NAMES, max_size=4, unique=True)
ROOTS = st.sampled_from([(), ("Genre",), ("A & B", "Genre")])
DAYS = st.sampled_from(["2026-01-01", "2026-02-02"])
WISHES = st.builds(
    lambda names, root, day: wish_for(*((name, 0.5) for name in names), root=root, date=day),
    TAGS, ROOTS, DAYS,
)  # fmt: skip
BLANKS = st.sampled_from(["", "\n   ", "\n", "\r\n\t", " "])


@st.composite
def sidecars(draw: st.DrawFn) -> bytes:
    """Draw sidecars with any of the fields, in any form, order and layout."""
    blank = draw(BLANKS)

    def field(name: str) -> str:
        kind = draw(st.sampled_from(["none", "Bag", "Seq", "Alt", "bare", "twice"]))
        items = draw(st.lists(NAMES, max_size=3))
        lines = "".join(f"{blank}<rdf:li>{escape(item)}</rdf:li>" for item in items)
        if kind == "none":
            return ""
        if kind == "bare":
            return f"<{name}>{escape(''.join(items[:1]))}</{name}>"
        if kind == "twice":
            one = f"{blank}<{name}><rdf:Bag>{lines}{blank}</rdf:Bag></{name}>"
            return one + one
        return f"{blank}<{name}>{blank}<rdf:{kind}>{lines}<!--x-->{blank}</rdf:{kind}></{name}>"

    names = ("dc:subject", "lr:hierarchicalSubject", "digiKam:TagsList")
    fields = [field(name) for name in names]
    fields.append("<q:z xmlns:q='urn:q/' q:a='1'>&amp;<![CDATA[<]]></q:z>")
    order = draw(st.permutations(fields))
    cut = draw(st.integers(0, len(order)))
    described = "".join(
        f'{blank}<rdf:Description rdf:about="">{"".join(part)}{blank}</rdf:Description>'
        for part in (order[:cut], order[cut:])
    )
    text = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:lr="http://ns.adobe.com/lightroom/1.0/" '
        'xmlns:digiKam="http://www.digikam.org/ns/1.0/">'
        f'{blank}<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{described}'
        f"{blank}</rdf:RDF></x:xmpmeta>"
    )
    bom, encoding = draw(
        st.sampled_from([(b"", "utf-8"), (b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le")])
    )
    return bom + text.encode(encoding)


FORMS = sidecars() | st.sampled_from(list(LISTS.values()))


@given(FORMS, WISHES)
def test_a_second_merge_changes_nothing(content: bytes, wish: Wish) -> None:
    merged = merge(content, wish)

    assert merge(merged, wish) is merged


@given(FORMS, st.lists(WISHES, min_size=1, max_size=3))
def test_untag_takes_out_what_any_number_of_runs_put_in(content: bytes, wishes: list[Wish]) -> None:
    merged = content
    for wish in wishes:
        merged = merge(merged, wish)

    taken = take_out(merged)

    left = merged if taken is None else taken.content
    assert left == content


@given(FORMS, WISHES, WISHES)
def test_keywords_of_others_stay_and_ours_are_there(
    content: bytes, first: Wish, second: Wish
) -> None:
    before = keywords(content)

    after = keywords(merge(merge(content, first), second))

    for name, texts in before.items():
        kept = [text for text in after[name] if text in texts]
        assert sorted(kept) == sorted(texts)
    bare = any(form in content for form in TEXTS.values())
    assume(not bare)
    subjects = {text.strip() for text in after.get("subject", [])}
    assert set(second.names) <= subjects


@given(WISHES, WISHES)
def test_a_new_sidecar_goes_altogether(first: Wish, second: Wish) -> None:
    taken = take_out(merge(new_packet(first), second))

    assert taken is not None
    assert taken.content is None


@given(st.binary(max_size=200))
def test_any_bytes_are_merged_or_refused(content: bytes) -> None:
    with contextlib.suppress(CannotChange):
        merge(content, wish_for(("red", 0.5)))


@given(
    st.sampled_from([*LISTS.values(), *TEXTS.values()]),
    st.integers(0, 5000),
    st.binary(max_size=3),
    st.integers(0, 20),
)
def test_any_damage_is_merged_or_refused(content: bytes, place: int, put: bytes, cut: int) -> None:
    place %= len(content)
    damaged = content[:place] + put + content[place + cut :]
    wish = wish_for(("red", 0.5), root=("Genre",))
    try:
        merged = merge(damaged, wish)
    except CannotChange:
        return
    assert merge(merged, wish) is merged
