"""Files are there whole or not at all."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tagger.errors import OutputError
from tagger.files.write import process_token, remove_left_by, replacing, write_new, write_whole
from tagger.table.sink import Sink, check_target


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Let writes fail at a size, as they do on a full disk: half-way through."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def write_rows(sink: Sink, *rows: bytes, then: BaseException | None = None) -> None:
    """Write row by row, each handed over before the next; end with an error if one is given."""
    with sink:
        for row in rows:
            sink.flush()
            sink.write(row)
        if then is not None:
            raise then


def names(folder: Path) -> list[str]:
    """Return the names in a folder."""
    return sorted(file.name for file in folder.iterdir())


def test_the_file_has_another_name_until_it_is_finished(folder: Path) -> None:
    with Sink("t.csv") as sink:
        sink.write(b"one\n")
        sink.flush()
        assert names(folder) == ["t.csv.new"]

    assert names(folder) == ["t.csv"]
    assert (folder / "t.csv").read_bytes() == b"one\n"


def test_a_former_file_is_replaced_at_the_end(folder: Path) -> None:
    (folder / "t.csv").write_text("former")

    with Sink("t.csv") as sink:
        sink.write(b"one\n")
        assert (folder / "t.csv").read_text() == "former"

    assert names(folder) == ["t.csv"]
    assert (folder / "t.csv").read_bytes() == b"one\n"


@pytest.mark.parametrize("former", [None, "former"])
def test_what_is_cut_short_leaves_nothing(folder: Path, former: str | None) -> None:
    if former is not None:
        (folder / "t.csv").write_text(former)

    with pytest.raises(KeyboardInterrupt):
        write_rows(Sink("t.csv"), b"one\n", then=KeyboardInterrupt())

    assert names(folder) == ([] if former is None else ["t.csv"])
    assert former is None or (folder / "t.csv").read_text() == former


def test_a_full_disk_leaves_the_former_file(folder: Path) -> None:
    (folder / "t.csv").write_text("former")

    with files_no_larger_than(10), pytest.raises(OutputError) as failed:
        write_rows(Sink("t.csv"), b"one\ntwo\n", b"three\n", b"four\n")

    assert str(failed.value) == "t.csv cannot be written: file too large."
    assert names(folder) == ["t.csv"]
    assert (folder / "t.csv").read_text() == "former"


def test_a_disk_that_is_full_at_the_end_keeps_the_former_file(folder: Path) -> None:
    (folder / "t.csv").write_text("former")

    with files_no_larger_than(10), pytest.raises(OutputError), Sink("t.csv") as sink:
        sink.write(b"one\ntwo\nthree\n")

    assert names(folder) == ["t.csv"]
    assert (folder / "t.csv").read_text() == "former"


def test_rows_are_handed_over_before_many_pile_up(folder: Path) -> None:
    with Sink("t.csv") as sink:
        sink.write(b"x" * 65536)

        assert (folder / "t.csv.new").stat().st_size == 65536


def test_a_device_is_written_to_as_it_is(folder: Path) -> None:
    sink = Sink("/dev/null")
    with sink:
        sink.write(b"one\n")

    assert not Path("/dev/null.new").exists()


def test_a_link_to_a_device_is_written_to_as_it_is(folder: Path) -> None:
    (folder / "t.csv").symlink_to("/dev/null")

    with Sink("t.csv") as sink:
        sink.write(b"one\n")

    assert names(folder) == ["t.csv"]
    assert (folder / "t.csv").is_symlink()


def test_a_folder_is_no_target(folder: Path) -> None:
    (folder / "t.csv").mkdir()

    with pytest.raises(OutputError) as refused, Sink("t.csv"):
        pass

    assert str(refused.value) == "t.csv cannot be written: is a directory."


def test_a_missing_folder_is_named(folder: Path) -> None:
    with pytest.raises(OutputError) as refused:
        check_target("no/t.csv")

    assert str(refused.value) == f"no/t.csv cannot be written: there is no folder {folder}/no."


def test_what_has_no_end_is_removed_where_it_needs_one(folder: Path) -> None:
    (folder / "t.bin").write_text("former")

    with Sink("t.bin", needs_end=True) as sink:
        sink.write(b"half")

    assert names(folder) == ["t.bin"]
    assert (folder / "t.bin").read_text() == "former"


def test_what_has_its_end_is_kept_as_any_other(folder: Path) -> None:
    with Sink("t.bin", needs_end=True) as sink:
        sink.write(b"whole")
        sink.end()

    assert (folder / "t.bin").read_bytes() == b"whole"


def test_a_whole_file_is_replaced_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("former")

    write_whole(tmp_path / "a.txt", b"new")

    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"new"


def test_a_file_that_cannot_be_written_whole_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("former")

    with files_no_larger_than(10), pytest.raises(OSError, match="File too large"):
        write_whole(tmp_path / "a.txt", b"x" * 20)

    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "former"


def test_a_new_file_has_the_ending_of_the_one_it_replaces(tmp_path: Path) -> None:
    with replacing(tmp_path / "model.onnx") as beside:
        assert beside.suffix == ".onnx"
        assert beside.parent == tmp_path
        beside.write_bytes(b"new")

    assert names(tmp_path) == ["model.onnx"]


def test_a_file_may_have_the_longest_name(tmp_path: Path) -> None:
    target = tmp_path / ("x" * 251 + ".txt")

    write_whole(target, b"new")

    assert target.read_bytes() == b"new"


def test_a_new_file_replaces_none(tmp_path: Path) -> None:
    (tmp_path / "a.bak").write_text("mine")

    with pytest.raises(FileExistsError):
        write_new(tmp_path / "a.bak", [b"new"])

    assert names(tmp_path) == ["a.bak"]
    assert (tmp_path / "a.bak").read_text() == "mine"


def test_a_new_file_that_cannot_be_written_whole_leaves_nothing(tmp_path: Path) -> None:
    with files_no_larger_than(10), pytest.raises(OSError, match="File too large"):
        write_new(tmp_path / "a.bak", [b"x" * 8, b"x" * 8])

    assert names(tmp_path) == []


def test_what_a_killed_process_left_is_told_from_all_else(tmp_path: Path) -> None:
    left = [".0123abcd-0.part.xmp", ".0123abcd-1f.part"]
    others = [".0123abce-0.part.xmp", "0123abcd-0.part", ".0123abcd.xmp", "a.jpg"]
    for name in (*left, *others):
        (tmp_path / name).touch()

    remove_left_by(["0123abcd"], str(tmp_path))

    assert names(tmp_path) == sorted(others)


def test_names_of_half_written_files_begin_with_the_token(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.xmp") as beside:
        beside.touch()

        remove_left_by([process_token()], str(tmp_path))

        assert names(tmp_path) == []
        beside.touch()
