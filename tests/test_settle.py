"""A person's tags in an XMP packet: exact, and the last word."""

from __future__ import annotations

import contextlib
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

import pytest
from embeddable import save
from foreign_sidecars import DARKTABLE, DIGIKAM, LIGHTROOM
from holding import embed_tags, is_settled, merge, new_packet, settle, take_out, verdict_of
from hypothesis import given
from hypothesis import strategies as st
from test_xmp_people import keywords, wish
from test_xmp_properties import FORMS, ROOTS, TAGS, WISHES

from tagger.errors import CannotChange
from tagger.holders.holder import Wish
from tagger.holders.xmp.packet import Packet

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"


def verdict(*tags: str, root: tuple[str, ...] | None = None, day: int = 1) -> Wish:
    """Return what a person says, of tags that no model gave."""
    return verdict_of(*((tag, None) for tag in tags), root=root, date=f"2026-02-{day:02}")


def settled(content: bytes | None, *tags: str, day: int = 1) -> bytes:
    """Return a packet with a person's tags."""
    return settle(content, verdict(*tags, day=day)).content


def subjects(content: bytes) -> set[str]:
    """Return what dc:subject holds, as a list or as a bare text."""
    found = set()
    for node in ElementTree.fromstring(content).iter("{http://purl.org/dc/elements/1.1/}subject"):
        texts = [item.text for item in node.iter(f"{RDF}li")] if len(node) else [node.text]
        found |= {unicodedata.normalize("NFC", (text or "").strip()) for text in texts}
    return found - {""}


def test_what_changes_is_told() -> None:
    outcome = settle(merge(DARKTABLE.encode(), wish("red", "blue")), verdict("green"))

    assert keywords(outcome.content) == {
        "subject": ["holiday", "red", "green"],
        "hierarchicalSubject": ["places|Rome", "red", "green"],
        "TagsList": ["places/Rome", "red", "holiday", "green"],
    }
    assert (outcome.added, outcome.removed) == (("green",), ("blue",))
    # darktable had red before us
    assert (outcome.kept, outcome.was_settled) == (("red",), False)


def test_no_model_has_anything_to_say_afterwards() -> None:
    content = settled(merge(LIGHTROOM.encode(), wish("red", "blue")), "green")

    assert merge(content, wish("red", "blue", root=("Genre",), model="m 2", day=9)) is content
    assert is_settled(content)
    assert not is_settled(merge(LIGHTROOM.encode(), wish("red")))


def test_no_tags_are_settled_too() -> None:
    for content in (None, LIGHTROOM.encode(), merge(LIGHTROOM.encode(), wish("red"))):
        empty = settled(content)

        assert merge(empty, wish("red")) is empty
        assert "red" not in keywords(empty).get("subject", [])


def test_a_tag_that_someone_took_out_may_be_put_in_again() -> None:
    content = merge(LIGHTROOM.encode(), wish("red", "blue"))
    content = content.replace(b"     <rdf:li>red</rdf:li>\n", b"", 1)
    content = merge(content, wish("red", "blue"))
    assert "red" not in keywords(content)["subject"]

    outcome = settle(content, verdict("red", "blue"))

    assert outcome.added == ("red",)
    assert keywords(outcome.content)["subject"][-2:] == ["blue", "red"]


def test_the_day_stays_while_the_tags_do() -> None:
    content = settled(merge(DIGIKAM.encode(), wish("red")), "red", "green")

    assert settled(content, "green", "red", day=9) is content
    assert b"<tagger:settled>2026-02-01</tagger:settled>" in content
    later = settle(content, verdict("red", day=9))
    assert b"<tagger:settled>2026-02-09</tagger:settled>" in later.content
    assert later.was_settled


def test_levels_stay_unless_others_are_asked_for() -> None:
    content = merge(DIGIKAM.encode(), wish("red", root=("Movies", "Genre")))

    kept = settled(content, "green")
    assert keywords(kept)["TagsList"][-1] == "Movies/Genre/green"
    moved = settle(kept, verdict("green", root=()))
    assert keywords(moved.content)["TagsList"][-1] == "green"
    assert (moved.added, moved.removed) == ((), ())


def test_probabilities_of_tags_that_a_model_gave_stay() -> None:
    content = settle(None, verdict_of(("red", 0.25), ("noir", None))).content

    assert content.count(b"<tagger:probability>") == 1
    assert b"<tagger:probability>0.2500</tagger:probability>" in content
    assert b"<tagger:model>" not in content


@given(FORMS, WISHES, TAGS, ROOTS)
def test_the_keywords_are_those_of_others_and_those_of_the_person(
    content: bytes, first: Wish, tags: list[str], root: tuple[str, ...]
) -> None:
    said = verdict_of(*((tag, 0.5) for tag in tags), root=root, date="2026-03-03")

    outcome = settle(merge(content, first), said)

    given = {unicodedata.normalize("NFC", tag) for tag in tags}
    # A new dc:subject also gets what stands in the other fields.
    assert subjects(outcome.content) >= subjects(content) | given
    assert tags or subjects(outcome.content) == subjects(content)
    assert settle(outcome.content, said).content is outcome.content
    assert merge(outcome.content, first) is outcome.content


@given(FORMS, WISHES, TAGS, TAGS)
def test_untag_takes_out_what_a_person_put_in(
    content: bytes, first: Wish, tags: list[str], others: list[str]
) -> None:
    last = settled(settled(merge(content, first), *tags), *others)

    taken = take_out(last)

    assert taken is not None
    assert taken.content is not None

    def alike(text: bytes) -> bytes:
        # Only an empty-element tag that had to be opened comes back as a pair of tags.
        return text.replace(b"<rdf:Bag></rdf:Bag>", b"<rdf:Bag/>").replace(b"></rdf:RDF>", b"/>")

    assert alike(taken.content) == alike(content)


@given(WISHES, TAGS)
def test_a_new_sidecar_goes_altogether(first: Wish, tags: list[str]) -> None:
    for content in (settled(None, *tags), settled(new_packet(first), *tags)):
        taken = take_out(content)

        assert taken is not None
        assert taken.content is None


@given(st.binary(max_size=200))
def test_any_bytes_are_settled_or_refused(content: bytes) -> None:
    with contextlib.suppress(CannotChange):
        settled(content, "red")


def test_what_is_no_xmp_is_refused() -> None:
    with pytest.raises(CannotChange, match="not valid XML"):
        settled(b"Dear diary", "red")


def test_a_packet_is_parsed_once_and_once_more_to_check_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = save(tmp_path, "exif.jpg")
    parsed = []
    read = Packet.__init__

    def counted(self: Packet, data: bytes) -> None:
        parsed.append(len(data))
        read(self, data)

    monkeypatch.setattr(Packet, "__init__", counted)
    counts = []
    for said in (wish("red", "blue"), wish("red"), verdict("green")):
        parsed.clear()
        assert embed_tags(file, said)
        counts.append(len(parsed))

    # A new packet is written without parsing anything.
    assert counts == [0, 2, 2]
