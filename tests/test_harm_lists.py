"""Harm prevented: a list that is misread leads to places where nobody pointed.

PowerShell, Excel and file managers write lists in other encodings and with other things around the
paths. What is not understood for certain is refused in one sentence, whose advice is safe.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ran
from pictures import save_picture

Run = Callable[..., Ran]

NAMES = ["p/a.png", "p/café.png", "p/q/ポスター.png"]
LINES = "".join(f"{name}\r\n" for name in NAMES)
FOUND = "".join(f"{name}\n" for name in NAMES).encode()


@pytest.fixture
def posters(folder: Path) -> Path:
    for name in NAMES:
        save_picture(folder / name)
    return folder


def refused(ran: Ran) -> str:
    """Return the one sentence with which a list is refused, before anything is done."""
    assert (ran.code, ran.stdout) == (2, b"")
    (sentence,) = ran.stderr.splitlines()
    assert sentence.startswith("tagger: ")
    assert sentence.endswith((".", "?"))
    return sentence.removeprefix("tagger: ")


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (codecs.BOM_UTF8, "utf-8"),
        (b"", "utf-8"),
    ],
)
def test_a_list_is_decoded_by_its_mark(posters: Path, tag: Run, mark: bytes, encoding: str) -> None:
    (posters / "list").write_bytes(mark + LINES.encode(encoding))

    assert tag("--files-from", "list", "--dry-run").stdout == FOUND
    assert tag("-", "--dry-run", stdin=mark + LINES.encode(encoding)).stdout == FOUND
    nulls = mark + "".join(f"{name}\0" for name in NAMES).encode(encoding)
    assert tag("-", "-0", "--dry-run", stdin=nulls).stdout == FOUND


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", [LINES, "p/a.png", "/\n", "/", "映画/\n写真\n", "映画/\r\n"])
@pytest.mark.parametrize("options", [(), ("-0",), ("--list-folders",), ("-0", "--list-folders")])
def test_utf_16_without_a_mark_leads_nowhere(
    posters: Path, tag: Run, encoding: str, text: str, options: tuple[str, ...]
) -> None:
    ran = tag("-", *options, "--dry-run", stdin=text.encode(encoding))

    refused(ran)


@pytest.mark.parametrize("options", [(), ("-0",), ("-0", "--list-folders")])
def test_powershells_list_without_its_mark_is_named(
    posters: Path, tag: Run, options: tuple[str, ...]
) -> None:
    assert refused(tag("-", *options, stdin=LINES.encode("utf-16-le"))) == (
        "The list - is UTF-16 without a byte order mark, or names files of one character: save it "
        "as UTF-8, or write ./a for a."
    )


def test_a_line_break_between_nuls_is_that_of_utf_16(posters: Path, tag: Run) -> None:
    for options in ((), ("-0",), ("-0", "--list-folders")):
        assert "UTF-16" in refused(tag("-", *options, stdin="映画\r\n写真\r\n".encode("utf-16-le")))


def test_utf_16_behind_utf_8_is_refused(posters: Path, tag: Run) -> None:
    data = b"p/a.png\n" + LINES.encode("utf-16-le")  # as >> of PowerShell 5 leaves it

    assert "UTF-16" in refused(tag("-", stdin=data))
    assert "UTF-16" in refused(tag("-", "-0", stdin=data))


def test_a_damaged_utf_16_list_is_refused(posters: Path, tag: Run) -> None:
    for data in (LINES.encode("utf-16-le") + b"\0", "\ud800".encode("utf-16-le", "surrogatepass")):
        assert refused(tag("-", stdin=codecs.BOM_UTF16_LE + data)) == (
            "The list - begins like UTF-16 text, but is not: save it as UTF-8."
        )


def test_the_advice_to_add_0_is_given_only_where_paths_are_found(posters: Path, tag: Run) -> None:
    assert refused(tag("-", stdin=b"p/a.png\0p/gone.png\0")) == (
        "The list - is NUL-separated: add -0."
    )
    picture = (posters / "p/a.png").read_bytes()
    assert refused(tag("-", stdin=b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10")) == (
        "The list - is not a list of paths: it contains NUL characters."
    )
    refused(tag("-", "-0", stdin=picture))


def test_the_advice_to_omit_0(posters: Path, tag: Run) -> None:
    assert refused(tag("-", "-0", stdin=b"p/a.png\np/gone.png\n")) == (
        "The list - is not NUL-separated: omit -0."
    )


def test_a_folder_is_searched_only_when_asked(posters: Path, tag: Run) -> None:
    assert refused(tag("-", "--dry-run", stdin=b"p/a.png\np/q\n")) == (
        "The list - names a folder, 'p/q': --list-folders searches it."
    )
    assert refused(tag("-", "-0", "--dry-run", stdin=b"p\0p/q\0")) == (
        "The list - names 2 folders, such as 'p': --list-folders searches them."
    )
    assert tag("-", "--list-folders", "--dry-run", stdin=b"p/a.png\np/q\n").stdout == (
        "p/a.png\np/q/ポスター.png\n".encode()
    )


@pytest.mark.parametrize("root", ["/", "//", "/.", "/usr/..", "root"])
@pytest.mark.parametrize("options", [(), ("-0",), ("--list-folders",), ("-0", "--list-folders")])
def test_no_list_leads_to_everything(
    posters: Path, tag: Run, root: str, options: tuple[str, ...]
) -> None:
    (posters / "root").symlink_to("/")
    end = "\0" if "-0" in options else "\n"

    assert refused(tag("-", *options, stdin=f"p/a.png{end}{root}{end}".encode())) == (
        f"The list - names '{root}', which is everything on this machine: pass it as PATH if that "
        "is what you mean."
    )


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ('"p/a.png"\n"p/café.png"\n', "such as '\"p/a.png\"': write them without quotes."),
        ("'p/a.png'\n", "such as ''p/a.png'': write them without quotes."),
        ('"gone/a.png"\n', "such as '\"gone/a.png\"': write them without quotes."),
        (
            "file:///home/me/a.png\n",
            "such as 'file:///home/me/a.png': write plain paths instead of file:// URLs.",
        ),
        ("p/a.png  \np/gone.png  \n", "such as 'p/a.png  ': there are spaces around them."),
        ("p\\a.png\n", "such as 'p\\a.png': write / instead of \\."),
        (
            "p/a.png,Drama,0.5\n",
            "such as 'p/a.png,Drama,0.5': it is a table; pass the column of paths alone.",
        ),
    ],
)
def test_a_list_of_missing_paths_says_why(posters: Path, tag: Run, lines: str, reason: str) -> None:
    assert refused(tag("-", stdin=lines.encode())) == (
        f"None of the paths in the list - exists, {reason}"
    )


def test_a_list_of_urls_of_images_that_are_there_says_so(posters: Path, tag: Run) -> None:
    url = f"{(posters / 'p/café.png').as_uri()}\n"

    assert refused(tag("-", stdin=url.encode())).endswith(
        "write plain paths instead of file:// URLs."
    )


@pytest.mark.parametrize("encoding", ["cp1252", "cp850"])
def test_a_list_in_another_encoding_says_so(posters: Path, tag: Run, encoding: str) -> None:
    assert refused(tag("-", stdin="p/café.png\n".encode(encoding))).endswith(
        "it is not in UTF-8; save it as UTF-8."
    )


def test_a_list_with_other_accents_says_so(posters: Path, tag: Run) -> None:
    other = unicodedata.normalize("NFD", "p/café.png")
    ran = tag("-", "--dry-run", stdin=other.encode())

    if (posters / other).exists():  # a file system that does not tell them apart
        assert ran.code == 0
    else:
        assert refused(ran).endswith(
            "accents are composed otherwise than in the names on disk; make the list here."
        )


def test_a_list_whose_paths_start_elsewhere_says_where(posters: Path, tag: Run) -> None:
    (posters / "p/list").write_text("a.png\n")

    assert refused(tag("--files-from", "p/list")) == (
        "None of the paths in the list p/list exists from here, but they do in p: start the "
        "command there."
    )


def test_other_lists_of_missing_paths_say_where_paths_start(posters: Path, tag: Run) -> None:
    assert refused(tag("-", stdin=b"x.png\ny.png\n")) == (
        "None of the 2 paths in the list - exists, such as 'x.png': relative ones start from the "
        f"current folder, {posters}."
    )
    assert refused(tag("-", stdin=b"/mnt/none/x.png\n")) == (
        "The only path in the list - does not exist, '/mnt/none/x.png': is its drive connected?"
    )


def test_nothing_is_changed_by_a_refused_list(posters: Path, tag: Run) -> None:
    tag("p", "-o", "t.csv")
    before = (posters / "t.csv").read_bytes()

    for data in (LINES.encode("utf-16-le"), b"x.png\n", b"p\n"):
        refused(tag("-", "-o", "t.csv", "--embed", "--sidecar", "xmp", stdin=data))

    assert (posters / "t.csv").read_bytes() == before
    assert not list(posters.rglob("*.xmp"))


def test_a_path_that_vanished_still_has_its_row(posters: Path, tag: Run) -> None:
    ran = tag("-", "--layout", "list", "-f", "csv", stdin=b"# mine\n\np/a.png\np/gone.png\n")

    assert ran.code == 1
    assert ran.rows() == [
        "# mine,,no such file or directory",
        "p/a.png,red,",
        "p/gone.png,,no such file or directory",
    ]


def test_lines_may_end_as_anywhere(posters: Path, tag: Run) -> None:
    for end in ("\n", "\r\n", "\r"):
        assert tag("-", "--dry-run", stdin=end.join(NAMES).encode()).stdout == FOUND


def test_marks_inside_a_list_that_was_put_together_are_dropped(posters: Path, tag: Run) -> None:
    data = b"".join(codecs.BOM_UTF8 + name.encode() + b"\r\n" for name in NAMES)

    assert tag("-", "--dry-run", stdin=data).stdout == FOUND


def test_names_that_end_in_a_carriage_return_are_found(folder: Path, tag: Run) -> None:
    save_picture(folder / "Icon\r", format="png")

    for data in (b"Icon\r", b"Icon\r\n"):
        assert tag("-", "--dry-run", stdin=data).stdout == b"Icon\\r\n"
    assert tag("-", "-0", "--dry-run", stdin=b"Icon\r\0").stdout == b"Icon\\r\n"


def test_untag_reads_lists_alike(posters: Path, tagger: Run) -> None:
    refused(tagger("untag", "-", "-0", stdin=LINES.encode("utf-16-le")))
    refused(tagger("untag", "-", stdin=b"p\n"))
    assert tagger("untag", "-", "--list-folders", stdin=b"p\n").code == 0
