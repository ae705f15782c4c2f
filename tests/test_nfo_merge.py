"""Genres into films' ``.nfo`` files, and out again: all else stays, for lxml and to the byte."""

from __future__ import annotations

import re

import pytest
from foreign_nfos import COMBINATION, FORMS, JELLYFIN, JOINED, KODI, TABS, Form
from holding import merge_genres, take_genres_out, taken
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tagger.errors import CannotChange
from tagger.holders.holder import LeftAlone, Reason
from tagger.holders.nfo.document import LOCKED, NO_XML, OTHER_KIND
from tagger.holders.nfo.genres import meanings

RECORD = "{poster-tagger:ns:1.0/}record"
MARK = '<tagger:record xmlns:tagger="poster-tagger:ns:1.0/"'


def parsed(data: bytes, tail: bytes = b"") -> etree._ElementTree:
    """Parse a file with lxml, without the text behind it."""
    if tail:
        data = data[: data.rindex(tail)]
    parser = etree.XMLParser(remove_blank_text=False, strip_cdata=False, resolve_entities=False)
    return etree.ElementTree(etree.fromstring(data.lstrip(b"\n "), parser))


def said(data: bytes, tail: bytes = b"") -> list[str]:
    """Return what the genre elements say, in order."""
    root = parsed(data, tail).getroot()
    return [(node.text or "").strip() for node in root.iterchildren("{*}genre")]


def described(node: etree._Element) -> list[object]:
    """Return all that an element, comment or instruction says, but the text behind it."""
    name = node.tag if isinstance(node.tag, str) else type(node).__name__
    inside: list[object] = [node.text or ""]
    for child in node:
        inside += [described(child), child.tail or ""]
    return [name, dict(node.attrib), dict(getattr(node, "nsmap", {})), inside]


def foreign(tree: etree._ElementTree, ours: set[str]) -> list[object]:
    """Return everything of a tree but our genres, our record, and the blanks between elements."""
    root = tree.getroot()
    texts = [root.text or ""]
    nodes: list[object] = []
    for node in root:
        is_genre = node.tag == "genre" or str(node.tag).endswith("}genre")
        if node.tag == RECORD or (is_genre and not node.attrib and node.text in ours):
            texts[-1] += node.tail or ""
        else:
            nodes.append(described(node))
            texts.append(node.tail or "")
    around = [described(node) for node in root.itersiblings(preceding=True)]
    around += [described(node) for node in root.itersiblings()]
    words = [text.split() for text in texts]
    return [root.tag, dict(root.attrib), dict(root.nsmap), nodes, words, around]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_missing_genres_come_behind_those_that_are_there(form: Form) -> None:
    changed = merge_genres(form.data, ["Thriller", "Mystery"])

    assert said(changed, form.tail) == [*form.genres, "Thriller", "Mystery"]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_everything_else_stays(form: Form) -> None:
    changed = merge_genres(form.data, ["Thriller", "Mystery"])

    before = foreign(parsed(form.data, form.tail), set())
    assert foreign(parsed(changed, form.tail), {"Thriller", "Mystery"}) == before
    assert changed.rstrip().endswith(form.tail.rstrip())


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_is_not_ours_stays_to_the_byte(form: Form) -> None:
    changed = merge_genres(form.data, ["Thriller", "Mystery"])

    coding = "utf-16" if form.data[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1"
    ours = r"\s*<(genre>(Thriller|Mystery)</genre|tagger:record [^>]*/)>"
    left, number = re.subn(ours, "", changed.decode(coding))
    if not form.genres:  # an empty-element tag gets an end tag
        left = re.sub(r">\s*</movie>(\s*)\Z", r"/>\1", left) if b"/>" in form.data else left
    assert left == form.data.decode(coding)
    assert number == 3


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_second_time_changes_nothing(form: Form) -> None:
    changed = merge_genres(form.data, ["Thriller", "Mystery"])

    assert merge_genres(changed, ["Thriller", "Mystery"]) is changed
    assert merge_genres(changed, ["Mystery", "Thriller"]) is changed


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_untagged_it_is_what_it_was_to_the_byte(form: Form) -> None:
    changed = merge_genres(form.data, ["Thriller", "Mystery"])

    assert take_genres_out(changed) == taken(form.data, ("Thriller", "Mystery"))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_later_run_replaces_exactly_its_own(form: Form) -> None:
    changed = merge_genres(form.data, ["Thriller", "Mystery"])
    again = merge_genres(changed, ["Mystery", "Western"])

    assert said(again, form.tail) == [*form.genres, "Mystery", "Western"]
    assert merge_genres(form.data, []) is form.data
    assert merge_genres(again, []) == form.data
    assert take_genres_out(again) == taken(form.data, ("Mystery", "Western"))


def test_it_looks_as_the_rest_of_the_file_does() -> None:
    assert merge_genres(KODI.encode(), ["Crime", "Thriller"]).decode() == KODI.replace(
        "    <genre>Crime</genre>\n",
        "    <genre>Crime</genre>\n    <genre>Thriller</genre>\n",
    ).replace("    </actor>\n", f'    </actor>\n    {MARK} genres="Thriller"/>\n')
    assert merge_genres(TABS.encode(), ["War"]).decode() == TABS.replace(
        "</year>\n",
        f'</year>\n\t<genre>War</genre>\n\t{MARK} genres="War"/>\n',
    )
    assert merge_genres(b"<movie/>\n", ["War"]).decode() == (
        f'<movie><genre>War</genre>{MARK} genres="War" opened="true"/></movie>\n'
    )
    assert merge_genres(b"<?xml version='1.0'?>\n<movie/>\n", ["War"]).decode() == (
        "<?xml version='1.0'?>\n<movie>\n  <genre>War</genre>\n"
        f'  {MARK} genres="War" opened="true"/>\n</movie>\n'
    )
    assert merge_genres(b"<movie>\r\n</movie>", ["War"]).decode() == (
        f'<movie>\r\n  <genre>War</genre>\r\n  {MARK} genres="War"/>\r\n</movie>'
    )


def test_the_link_behind_stays_the_last_line() -> None:
    changed = merge_genres(COMBINATION.encode(), ["War"]).decode()

    assert changed.splitlines()[-1] == "http://www.imdb.com/title/tt0076759/?ref_=nv&x="
    assert changed.index('clear="true"') < changed.index("<genre>War</genre>")


@pytest.mark.parametrize(
    "genre",
    ["Drama", "drama", "DRAMA", " Drama ", "Crime / Drama", "Crime/Drama", "Drama|Crime", "dráma"],
)
def test_a_genre_that_is_there_in_any_spelling_is_not_added(genre: str) -> None:
    data = f"<movie><genre>{genre}</genre></movie>".encode()

    changed = merge_genres(data, ["Drama"])

    assert (changed is data) == (genre != "dráma")


@pytest.mark.parametrize(
    "there",
    ["Sci-Fi", "sci fi", "SciFi", "Science Fiction", "science-fiction", "Sci-Fi & Fantasy", "SF"],
)
def test_science_fiction_is_one_genre(there: str) -> None:
    data = f"<movie><genre>{there.replace('&', '&amp;')}</genre></movie>".encode()

    assert merge_genres(data, ["Sci-Fi"]) is data
    assert merge_genres(data, ["Science Fiction"]) is data


def test_genres_that_sites_keep_apart_are_two() -> None:
    assert meanings("Music") != meanings("Musical")
    assert meanings("Mystery") != meanings("Thriller")
    assert meanings("Action and Adventure") == {"action", "adventure"}
    assert meanings("A+") != meanings("A")


def test_a_genre_of_someone_else_is_never_taken_out() -> None:
    there = merge_genres(JOINED.encode(), ["Crime", "War"])
    assert said(there) == ["Action / Sci-Fi / crime", "War"]

    assert said(merge_genres(there, ["Music"])) == ["Action / Sci-Fi / crime", "Music"]
    assert take_genres_out(there) == taken(JOINED.encode(), ("War",))


def test_a_genre_that_someone_took_out_stays_out_until_it_is_untagged() -> None:
    there = merge_genres(JELLYFIN.encode(), ["Crime", "Sci-Fi"])
    without = there.replace(b"  <genre>Sci-Fi</genre>\n", b"")

    again = merge_genres(without, ["Crime", "Sci-Fi", "Science Fiction", "War"])

    assert said(again) == ["Drama", "Crime", "War"]
    assert b'genres="Crime|War" removed="Sci-Fi"/>' in again
    assert merge_genres(again, ["Sci-Fi", "Crime", "War"]) is again
    left = take_genres_out(again)
    assert left == taken(JELLYFIN.encode(), ("Crime", "War"))


def test_what_a_person_made_of_our_genre_is_theirs() -> None:
    there = merge_genres(JELLYFIN.encode(), ["Crime"])
    theirs = there.replace(b"<genre>Crime</genre>", b"<genre>Crime  drama</genre>")

    again = merge_genres(theirs, ["Crime"])

    assert said(again) == ["Drama", "Crime  drama"]
    left = take_genres_out(again)
    assert left is not None
    assert said(left.content or b"") == ["Drama", "Crime  drama"]


def test_after_jellyfin_wrote_it_anew_our_genres_are_still_ours() -> None:
    # What its BaseNfoSaver does: known elements from its database, then elements that it does not
    # know as they are; comments are dropped, and so is any attribute of a known element.
    anew = (
        b'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<movie>\n  <plot />\n'
        b"  <lockdata>false</lockdata>\n  <genre>Crime</genre>\n  <genre>Drama</genre>\n"
        b'  <tagger:record genres="Crime|War" xmlns:tagger="poster-tagger:ns:1.0/" />\n</movie>'
    )

    again = merge_genres(anew, ["Music", "War"])  # someone removed War in Jellyfin

    assert said(again) == ["Drama", "Music"]
    assert b'genres="Music" removed="Crime' not in again
    assert b'genres="Music" removed="War"' in again


def test_names_with_markup_are_spelled_as_text() -> None:
    changed = merge_genres(b"<movie><year/></movie>", ['R&B "<x>"', "]]>"])

    assert said(changed) == ['R&B "<x>"', "]]>"]
    assert parsed(changed).getroot()[-1].get("genres") == 'R&B "<x>"|]]>'
    assert merge_genres(changed, ['R&B "<x>"', "]]>"]) is changed
    assert take_genres_out(changed) == taken(b"<movie><year/></movie>", ('R&B "<x>"', "]]>"))


def test_letters_that_an_encoding_lacks_are_written_as_references() -> None:
    data = FORMS["Windows-1252"].data

    changed = merge_genres(data, ["Драма"])

    assert b"&#1044;" in changed
    assert said(changed) == ["Komödie", "Драма"]
    assert merge_genres(changed, ["Драма"]) is changed
    assert take_genres_out(changed) == taken(data, ("Драма",))


@pytest.mark.parametrize(
    "lock",
    [
        "<lockdata>true</lockdata>",
        "<lockdata> True\n</lockdata>",
        "<lockedfields>Name|Genres</lockedfields>",
    ],
)
def test_what_a_person_locked_is_left_alone(lock: str) -> None:
    data = f"<movie><genre>War</genre>{lock}</movie>".encode()

    with pytest.raises(LeftAlone) as left:
        merge_genres(data, ["Drama"])
    assert left.value.reason is LOCKED

    ours = merge_genres(b"<movie><genre>War</genre></movie>", ["Drama"])
    locked = ours.replace(b"<movie>", f"<movie>{lock}".encode())
    with pytest.raises(CannotChange, match=r"^locked by its owner$"):
        take_genres_out(locked)


def test_another_field_may_be_locked() -> None:
    data = b"<movie><lockedfields>Name|Cast</lockedfields><lockdata>false</lockdata></movie>"

    assert said(merge_genres(data, ["Drama"])) == ["Drama"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", NO_XML),
        (b"\xef\xbb\xbf\r\n", NO_XML),
        (b"https://www.themoviedb.org/movie/949-heat\n", NO_XML),
        (b"\xff\xfeh\0t\0t\0p\0", NO_XML),
        ("\u2591\u2592 HEAT.1995-GRP \u2592\u2591".encode("cp437"), NO_XML),
        (b"https://www.imdb.com/title/tt1/\n<movie/>", NO_XML),
        (b"<<< RELEASE >>>\n\xdb\xdb http://www.imdb.com/title/tt1\n", NO_XML),
        (b"<TEAM> proudly presents\r\n< Heat >\r\n", NO_XML),
        (b"\xef\xbb\xbf<-=- HEAT -=->", NO_XML),
        (b"<3 this one", NO_XML),
        ("<< HEAT >>".encode("utf-16"), NO_XML),
        (b"<html><head><title>Heat<br></html>", NO_XML),
        (b"<tvshow><title>x</title></tvshow>", OTHER_KIND),
        (b"<episodedetails>\n</episodedetails>\n", OTHER_KIND),
        (b"<musicvideo/>", OTHER_KIND),
    ],
)
def test_what_is_no_films_is_left_alone(data: bytes, why: Reason) -> None:
    with pytest.raises(LeftAlone) as left:
        merge_genres(data, ["Drama"])

    assert left.value.reason is why
    assert take_genres_out(data) is None


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"<movie><title>Heat</movie>", "not valid XML (line 1, column 21: mismatched tag)"),
        (
            b"<movie>R&B</movie>",
            "not valid XML (line 1, column 11: not well-formed (invalid token))",
        ),
        (b"<movie>&nbsp;</movie>", "not valid XML (line 1, column 8: undefined entity)"),
        (b"<movie>\xe9</movie>", "not valid XML (its text is not utf-8)"),
        ("<movie>".encode("utf-16"), "not valid XML (line 1, column 8: no element found)"),
        (b"<tvshow>", "not valid XML (line 1, column 9: no element found)"),
        (b'<?xml version="1.0"?>\n<film>', "not valid XML (line 2, column 7: no element found)"),
        (b"<movie/><movie/>", "not valid XML (line 1, column 9: junk after document element)"),
        (
            b'\n<?xml version="1.0"?><movie/>',
            "not valid XML (line 2, column 1: XML or text declaration not at start of entity)",
        ),
        (
            b'<!DOCTYPE movie [<!ENTITY a SYSTEM "file:///etc/passwd">]><movie>&a;</movie>',
            "not safe to read (it has a DOCTYPE)",
        ),
        (b"<html><body/></html>", "no .nfo of a film (its outermost element is html)"),
        (b'<k:movie xmlns:k="urn:k"/>', "no .nfo of a film (its outermost element is movie)"),
        (
            f'<movie>{MARK} genres="A"/>{MARK} genres="B"/></movie>'.encode(),
            "an .nfo with two records of our genres",
        ),
    ],
)
def test_what_is_damaged_is_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(CannotChange) as refused:
        merge_genres(data, ["Drama"])

    assert str(refused.value) == sentence


def test_nothing_is_taken_out_where_nothing_is_ours() -> None:
    assert take_genres_out(KODI.encode()) is None


def test_an_opened_element_that_was_filled_since_stays_open() -> None:
    there = merge_genres(b"<movie/>", ["War"])
    filled = there.replace(b"<movie>", b"<movie><year>1995</year>")

    assert take_genres_out(filled) == taken(b"<movie><year>1995</year></movie>", ("War",))


GENRES = st.lists(st.sampled_from(["Drama", "Crime", "Sci-Fi", "War & <Peace>"]), unique=True)
PIECE = st.sampled_from(
    [
        "",
        " ",
        "\n",
        "\n  ",
        "\r\n\t",
        "text",
        "<!-- <genre>Drama</genre> -->",
        "<genre>Drama</genre>",
        '<genre clear="true">crime</genre>',
        "<genre/>",
        "<title>x</title>",
        "<set><genre>Drama</genre></set>",
    ]
)


@given(
    st.lists(PIECE, max_size=12),
    st.sampled_from(["", "\n", "\r\n\r\n"]),
    st.sampled_from(["", "\n", "\nhttps://a.example/?b=1&c"]),
    GENRES,
    GENRES,
)
def test_any_layout_comes_back_to_the_byte(
    pieces: list[str], before: str, tail: str, first: list[str], second: list[str]
) -> None:
    data = f"{before}<movie>{''.join(pieces)}</movie>{tail}".encode()

    changed = merge_genres(data, first)
    again = merge_genres(changed, second)

    assert merge_genres(changed, first) is changed
    assert merge_genres(again, second) is again
    assert merge_genres(again, []) == data
    for either in (changed, again):
        taken = take_genres_out(either)
        assert (taken.content if taken else either) == data
    there = {meaning for text in said(again, tail.strip().encode()) for meaning in meanings(text)}
    assert all(meanings(genre) <= there for genre in second)
