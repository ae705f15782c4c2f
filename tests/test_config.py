"""``tagger.toml``: which options it can hold, which file applies, and what is said of a bad one."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from commands import Ran
from messages import says
from pictures import save_picture
from test_imports import loaded_by

from tagger.cli.app import app
from tagger.cli.command import Command, Commands
from tagger.cli.config import option_key

Run = Callable[..., Ran]

ROOT = Path(__file__).parent.parent

APP = typer.main.get_command(app)
assert isinstance(APP, Commands)
COMMAND = APP.get_command(typer.Context(APP), "tag")
assert isinstance(COMMAND, Command)
OPTIONS = list(COMMAND.options().values())

#: Values where not any text will do.
SAMPLES = {"newer-than": "2024-01-31", "precision": "0.7"}


def write_config(file: Path, *lines: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(["[tag]", *lines, ""]), encoding="utf-8")
    return file


def received(*arguments: str) -> dict[str, Any]:
    """Return what the command would be called with."""
    with COMMAND.make_context("tag", list(arguments)) as context:
        return {
            name: value
            for name, value in context.params.items()
            if name not in ("config", "no_config")
        }


def sample(option: Any) -> str:
    """Return a value that an option takes, and that is not its default."""
    choices = option.type_descriptor.choices
    if choices is not None:
        return next(str(choice.value) for choice in reversed(choices) if choice != option.default)
    return SAMPLES.get(option_key(option), "7")


def naming(key: str) -> tuple[str, ...]:
    """Return what names the file where one that nobody asked for may not say that key."""
    return ("--config", "tagger.toml") if key == "embed" else ()


@pytest.mark.parametrize("option", OPTIONS, ids=option_key)
def test_every_option_can_stand_in_the_file(option: Any, folder: Path) -> None:
    key = option_key(option)
    if option.is_flag:
        arguments, lines = [f"--{key}"], f"{key} = true"
    elif option.multiple:
        arguments = [f"--{key}", sample(option), f"--{key}", sample(option)]
        lines = f'{key} = ["{sample(option)}", "{sample(option)}"]'
    else:
        arguments, lines = [f"--{key}", sample(option)], f'{key} = "{sample(option)}"'
    wanted = received(*arguments, "--no-config")
    write_config(folder / "tagger.toml", lines)

    assert wanted != received("--no-config")
    assert received(*naming(key)) == wanted


@pytest.mark.parametrize(
    "option", [option for option in OPTIONS if not option.is_flag], ids=option_key
)
def test_the_command_line_goes_before_every_key(option: Any, folder: Path) -> None:
    key = option_key(option)
    write_config(folder / "tagger.toml", f'{key} = "{sample(option)}"')
    # A choice of one is left where the sample is the other.
    other = "0.9" if key == "precision" else "8"
    if option.type_descriptor.choices is not None:
        other = str(option.type_descriptor.choices[0].value)

    assert received(f"--{key}", other) == received(f"--{key}", other, "--no-config")
    assert received(f"--{key}", other) != received()


@pytest.mark.parametrize("option", OPTIONS, ids=option_key)
def test_every_key_can_be_undone_on_the_command_line(option: Any, folder: Path) -> None:
    key = option_key(option)
    value = "true" if option.is_flag else f'"{sample(option)}"'
    write_config(folder / "tagger.toml", f"{key} = {value}")
    undoing = f"--{key[3:]}" if key.startswith("no-") else f"--no-{key}"

    assert received(*naming(key)) != received("--no-config")
    assert received(undoing, *naming(key)) == received("--no-config")


@pytest.mark.parametrize("option", OPTIONS, ids=option_key)
def test_every_option_refuses_what_it_does_not_take(option: Any, tagger: Run, folder: Path) -> None:
    key = option_key(option)
    value = "1" if option.is_flag else "{ a = 1 }"
    expected = (
        "expected true or false"
        if option.is_flag
        else "expected text, a number, or a list of these"
        if option.multiple
        else "expected a single text or number"
    )
    write_config(folder / "tagger.toml", f"{key} = {value}")
    assert tagger("tag", ".") == Ran(2, b"", f"tagger: ./tagger.toml: {key}: {expected}.\n")


RESTRICTED = [
    option
    for option in OPTIONS
    if option.type_descriptor.choices is not None
    or "int" in str(option.type_descriptor.annotation)
    or "float" in str(option.type_descriptor.annotation)
]


@pytest.mark.parametrize("option", RESTRICTED, ids=option_key)
@pytest.mark.parametrize("value", ["-1", "no such"])
def test_a_value_is_judged_as_on_the_command_line(
    option: Any, value: str, tagger: Run, folder: Path
) -> None:
    key = option_key(option)
    judged = tagger("tag", f"--{key}={value}", "--no-config")
    sentence = re.fullmatch(rf"tagger: Invalid value for .*'--{key}'.*?: (.*)\n", judged.stderr)
    write_config(folder / "tagger.toml", f'{key} = "{value}"')

    assert (judged.code, sentence is not None) == (2, True)
    assert tagger("tag", ".") == Ran(
        2, b"", f"tagger: ./tagger.toml: {key}: {sentence[1] if sentence else ''}\n"
    )


def test_options_of_each_kind_were_tried() -> None:
    assert {"max-tags", "format", "existing"} <= {option_key(option) for option in RESTRICTED}
    assert len(OPTIONS) > 30


def test_numbers_dates_and_single_values_need_no_quotes_and_no_list(folder: Path) -> None:
    write_config(
        folder / "tagger.toml",
        "threshold = [0.3, 'red=0.5']",
        "sidecar = 'xmp'",
        "columns = ['title', 'year']",
        "max-tags = 3",
        "newer-than = 2024-01-31T18:00:00+02:00",
    )

    assert received() == received(
        *("--threshold", "0.3", "--threshold", "red=0.5", "--sidecar", "xmp"),
        *("--columns", "title", "--columns", "year", "--max-tags", "3"),
        *("--newer-than", "2024-01-31T18:00:00+02:00", "--no-config"),
    )


def test_an_empty_list_takes_back_what_a_later_file_says(
    folder: Path, own_configuration: Path
) -> None:
    write_config(own_configuration, "sidecar = ['xmp']", "max-tags = 3")
    write_config(folder / "tagger.toml", "sidecar = []")

    assert (received()["sidecar"], received()["max_tags"]) == ([], 3)


# What applies


def test_the_file_shapes_a_run_and_is_named_once(tag: Run, folder: Path) -> None:
    save_picture(folder / "p" / "a.png", (255, 200, 100))
    write_config(folder / "tagger.toml", "layout = 'list'", "max-tags = 1")

    ran = tag("p")

    assert (ran.code, ran.stdout) == (0, b"path,tags,error\np/a.png,red,\n")
    assert ran.stderr.splitlines()[:2] == [
        "Options from ./tagger.toml: layout, max-tags.",
        "Running on cpu.",
    ]


def test_what_the_command_line_says_is_not_told_of_the_file(tag: Run, folder: Path) -> None:
    save_picture(folder / "p" / "a.png", (255, 200, 100))
    write_config(folder / "tagger.toml", "layout = 'list'", "max-tags = 1")

    ran = tag("p", "--max-tags", "2", "--layout", "long")

    assert ran.stdout == b"path,tag,score,error\np/a.png,red,1.0000,\np/a.png,green,0.7843,\n"
    assert "Options from" not in ran.stderr


def test_files_apply_key_by_key(tag: Run, folder: Path, own_configuration: Path) -> None:
    save_picture(folder / "p" / "a.png", (255, 200, 100))
    write_config(own_configuration, "layout = 'long'", "max-tags = 1")
    write_config(folder / "tagger.toml", "layout = 'list'")

    ran = tag("p")

    assert ran.stdout == b"path,tags,error\np/a.png,red,\n"
    assert ran.stderr.splitlines()[0] == (
        f"Options from ./tagger.toml: layout; {own_configuration}: max-tags."
    )


def test_a_named_file_stands_in_place_of_the_one_here(
    tag: Run, folder: Path, own_configuration: Path
) -> None:
    save_picture(folder / "p" / "a.png", (255, 200, 100))
    write_config(own_configuration, "layout = 'list'")
    write_config(folder / "tagger.toml", "rename = 'red=crimson'", "layout = 'long'")
    write_config(folder / "other.toml", "max-tags = 1")

    ran = tag("p", "--config", "other.toml")

    assert ran.stdout == b"path,tags,error\np/a.png,red,\n"
    assert ran.stderr.splitlines()[0] == (
        f"Options from other.toml: max-tags; {own_configuration}: layout."
    )


def test_no_config_reads_no_file_but_a_named_one(folder: Path, own_configuration: Path) -> None:
    built_in = received("--no-config")
    write_config(own_configuration, "layout = 'list'")
    write_config(folder / "tagger.toml", "max-tags = 2")
    write_config(folder / "other.toml", "min-tags = 1")

    assert received("--no-config") == built_in
    assert received("--no-config", "--config", "other.toml") == {**built_in, "min_tags": 1}


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf[tag]\r\nmax-tags = 2\r\n", b"[tag]\n"])
def test_empty_files_and_those_of_windows_are_read(content: bytes, folder: Path) -> None:
    (folder / "tagger.toml").write_bytes(content)

    assert received()["max_tags"] == (2 if b"max-tags" in content else None)


def test_a_dry_run_takes_options_too(tagger: Run, folder: Path) -> None:
    save_picture(folder / "p" / "a.png")
    save_picture(folder / "p" / "b.png")
    write_config(folder / "tagger.toml", "dry-run = true", "exclude = 'b.*'")

    assert tagger("tag", "p") == Ran(
        0,
        b"p/a.png\n",
        "Options from ./tagger.toml: exclude, dry-run.\n1 image would be tagged.\n",
    )


def test_commands_without_these_options_read_no_file(tagger: Run, folder: Path) -> None:
    (folder / "tagger.toml").write_text("nonsense", encoding="utf-8")

    assert tagger("info").code == 0
    assert tagger("untag", ".").code == 2
    assert tagger("untag", ".", "--no-config").code == 0


# Other commands


def received_by(name: str, *arguments: str) -> dict[str, Any]:
    """Return what a command would be called with."""
    with (
        APP.make_context("tagger", [name]) as root,
        APP.get_command(root, name).make_context(name, list(arguments), parent=root) as context,
    ):
        return dict(context.params)


def test_what_tag_is_told_of_places_and_tags_counts_for_others(folder: Path) -> None:
    write_config(
        folder / "tagger.toml",
        "sidecar = 'txt'",
        "sidecar-dir = 'tags'",
        "xmp-root = 'Genre'",
        "threshold = 0.3",
        "exclude = 'backup'",
        "device = 'cpu'",
    )

    again = received_by("retag", "t.csv")
    assert (again["sidecar_dir"], again["threshold"]) == ("tags", ["0.3"])
    applied = received_by("apply", "t.csv")
    assert [kind.value for kind in applied["sidecar"]] == ["txt"]
    assert (applied["sidecar_dir"], applied["xmp_root"]) == ("tags", "Genre")
    assert received_by("untag", ".")["exclude"] == ["backup"]
    assert received_by("bench")["device"] == "cpu"


def test_what_tag_is_told_of_one_run_counts_for_it_alone(folder: Path) -> None:
    (folder / "list").touch()
    write_config(
        folder / "tagger.toml",
        "output = 'tags.csv'",
        "summary = 's.json'",
        "files-from = 'list'",
        "null = true",
        "embed = false",
    )

    assert received_by("retag", "t.csv") == received_by("retag", "t.csv", "--no-config") | {
        "no_config": False
    }
    assert received_by("untag", ".") == received_by("untag", ".", "--no-config") | {
        "no_config": False
    }


def test_a_table_of_its_own_goes_before_that_of_tag_and_that_before_the_top(folder: Path) -> None:
    (folder / "tagger.toml").write_text(
        "max-tags = 1\nmin-tags = 1\nquiet = true\n"
        "[tag]\nmax-tags = 2\nmin-tags = 2\n[retag]\nmax-tags = 3\noutput = 'o.csv'\n"
    )

    found = received_by("retag", "t.csv")
    assert (found["max_tags"], found["min_tags"], found["quiet"]) == (3, 2, True)
    assert found["output"] == "o.csv"
    of_tag = received_by("tag", ".")
    assert (of_tag["max_tags"], of_tag["min_tags"], of_tag["output"]) == (2, 2, None)


def test_an_error_of_another_command_names_the_file_and_the_key(tagger: Run, folder: Path) -> None:
    (folder / "t.csv").write_text("path,tags,error\n")
    write_config(folder / "tagger.toml", "sidecar-dir = 'tags'")

    ran = tagger("apply", "t.csv", "--yes")

    assert (ran.code, ran.stdout) == (2, b"")
    assert ran.stderr == (
        "Options from ./tagger.toml: sidecar-dir.\n"
        "tagger: ./tagger.toml: sidecar-dir: --sidecar-dir needs --sidecar-base, the "
        "folder to mirror: the one that 'tagger tag' was given.\n"
    )


@pytest.mark.parametrize(
    "arguments", [["tag", "--help"], ["tag", "--config", "tagger.toml", "-h"], ["--version"]]
)
def test_help_is_given_whatever_the_file_says(
    arguments: list[str], tagger: Run, folder: Path
) -> None:
    (folder / "tagger.toml").write_text("nonsense", encoding="utf-8")

    ran = tagger(*arguments)

    assert (ran.code, ran.stderr) == (0, "")


def test_help_shows_built_in_defaults(tagger: Run, folder: Path) -> None:
    write_config(folder / "tagger.toml", "layout = 'list'")

    assert b"[default: wide]" in tagger("tag", "--help").stdout


def test_help_looks_for_no_file() -> None:
    loaded = loaded_by("from tagger.cli import run; assert run(['tag', '--help']) == 0")

    assert "tomllib" not in loaded


# Paths


def test_relative_paths_start_in_the_folder_of_a_named_file(
    tagger: Run, folder: Path, tiny_model: Path
) -> None:
    save_picture(folder / "p" / "a.png")
    (folder / "sub").mkdir()
    (folder / "sub" / "m.onnx").write_bytes(tiny_model.read_bytes())
    write_config(
        folder / "sub" / "c.toml",
        "model = 'm.onnx'",
        "output = 'tags.csv'",
        "summary = 'said.json'",
        "device = 'cpu'",
    )

    assert tagger("tag", "p", "--config", "sub/c.toml").code == 0
    assert {"said.json", "tags.csv"} <= set(os.listdir("sub"))
    assert sorted(os.listdir(".")) == ["p", "sub"]


def test_relative_paths_of_the_users_own_file_start_beside_it(
    folder: Path, own_configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    write_config(own_configuration, "model = 'm.onnx'", "output = '-'", "summary = '~/s.json'")

    asked = received()

    assert asked["model"] == own_configuration.with_name("m.onnx")
    assert asked["output"] == "-"
    assert asked["summary"] == Path("/home/me/s.json")


def test_paths_of_the_file_here_stay_as_they_are_written(folder: Path) -> None:
    write_config(folder / "tagger.toml", "output = 'sub/tags.csv'", "relative-to = 'p'")

    assert (received()["output"], received()["relative_to"]) == ("sub/tags.csv", "p")


PLACES = {"files-from", "output", "sidecar-dir", "summary"}


@pytest.mark.parametrize("key", sorted(PLACES))
@pytest.mark.parametrize(
    "path", ["../x.csv", "/elsewhere/x.csv", "~/x.csv", "link.csv", "sub/../.."]
)
def test_a_file_that_just_lies_here_names_no_place_outside(
    key: str, path: str, tagger: Run, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "precious.csv"
    outside.write_text("precious", encoding="utf-8")
    (folder / "link.csv").symlink_to(outside)
    write_config(folder / "tagger.toml", f"{key} = '{path}'")

    assert tagger("tag", ".") == Ran(
        2,
        b"",
        says("outside", key=key, path=path),
    )
    assert outside.read_text(encoding="utf-8") == "precious"


def test_a_file_that_is_named_may_ask_for_any_place(
    tag: Run, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    save_picture(folder / "p" / "a.png")
    table = tmp_path_factory.mktemp("outside") / "tags.csv"
    write_config(folder / "tagger.toml", f"output = '{table}'", "layout = 'list'")

    assert tag("p", "--config", "tagger.toml").code == 0
    assert table.read_text(encoding="utf-8") == "path,tags,error\np/a.png,red,\n"


def test_only_paths_that_are_read_may_lead_outside() -> None:
    """Whoever adds an option that names a file decides here whether it is one of these."""
    paths = {
        option_key(option)
        for option in OPTIONS
        if option.type_descriptor.is_path or re.search("FILE|DIR|PATH", option.metavar or "")
    }

    assert paths >= PLACES | {"model", "relative-to"}
    for key in sorted(paths - {"model", "relative-to"}):
        with pytest.raises(
            Exception, match=rf"^\./tagger\.toml: {key}: '/x' is outside this folder"
        ):
            received_here(f"{key} = '/x'")
    assert received_here("model = '/x'")["model"] == Path("/x")
    assert received_here("relative-to = '/x'")["relative_to"] == "/x"


def received_here(line: str) -> dict[str, Any]:
    """Return what a file in the current folder makes of the options."""
    write_config(Path("tagger.toml"), line)
    try:
        return received()
    finally:
        Path("tagger.toml").unlink()


def test_a_file_that_just_lies_here_cannot_hide(
    tag: Run, folder: Path, own_configuration: Path
) -> None:
    save_picture(folder / "p" / "a.png")
    write_config(folder / "tagger.toml", "quiet = true", "layout = 'list'")

    assert tag("p").stderr == "Options from ./tagger.toml: layout, quiet.\n"
    assert tag("p", "--quiet").stderr == ""
    assert tag("p", "--config", "tagger.toml").stderr == ""
    (folder / "tagger.toml").unlink()
    write_config(own_configuration, "quiet = true", "layout = 'list'")
    assert tag("p").stderr == ""


# What is wrong with a file


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"[tag]\nexclude = {'[' * 100_000}", " is not valid TOML: it is nested too deeply."),
        (
            f"[tag]\nmax-tags = 0x{'f' * 9999}",
            ": max-tags: expected a number that fits in 64 bits.",
        ),
    ],
)
def test_a_file_made_to_harm_gets_one_sentence(
    content: str, message: str, tag: Run, folder: Path
) -> None:
    save_picture(folder / "p" / "a.png")
    (folder / "tagger.toml").write_text(content, encoding="utf-8")

    ran = tag("p")

    assert (ran.code, ran.stdout) == (2, b"")
    said = [line for line in ran.stderr.splitlines() if not line.startswith("Options from ")]
    assert said == [f"tagger: ./tagger.toml{message}"]


def test_errors_name_the_file_only_for_what_it_says(tag: Run, folder: Path) -> None:
    save_picture(folder / "p" / "a.png")
    write_config(folder / "tagger.toml", "min-tags = 3", "ignore = 'red'")

    assert tag("p", "--max-tags", "2").stderr.splitlines()[-1] == (
        "tagger: ./tagger.toml: min-tags: --min-tags 3 is more than --max-tags 2."
    )
    write_config(folder / "tagger.toml", "null = true", "ignore = 'red'")
    assert tag("p", "--threshold", "red=-0.1").stderr.splitlines()[-1] == (
        "tagger: --threshold red=-0.1: give a probability from 0 to 1, or LABEL=PROBABILITY."
    )


def test_a_model_that_the_file_names_and_that_is_none_is_told_by_the_file(
    tagger: Run, folder: Path
) -> None:
    save_picture(folder / "p" / "a.png")
    (folder / "m.onnx").write_bytes(b"none")
    write_config(folder / "tagger.toml", "model = 'm.onnx'", "device = 'cpu'")

    ran = tagger("tag", "p")

    assert ran.code == 3
    assert ran.stderr.splitlines()[-1].startswith(
        "tagger: ./tagger.toml: model: m.onnx cannot be opened as a model: "
    )


def test_what_is_no_file_is_not_waited_for(tagger: Run, folder: Path) -> None:
    os.mkfifo("tagger.toml")

    assert tagger("tag", ".") == Ran(
        2,
        b"",
        "tagger: The configuration file ./tagger.toml cannot be read: it is not a regular file; "
        "pass --no-config to ignore it.\n",
    )


def test_a_named_file_is_read_up_to_a_limit(tagger: Run, folder: Path) -> None:
    (folder / "large").write_bytes(b"#" * (1024**2 + 1))

    assert tagger("tag", ".", "--config", "large") == Ran(
        2, b"", "tagger: The configuration file large cannot be read: it is larger than 1 MB.\n"
    )


def test_a_link_that_leads_nowhere_is_no_file(folder: Path) -> None:
    (folder / "tagger.toml").symlink_to("nowhere")

    assert received() == received("--no-config")


# tagger info --config


def test_info_lists_what_applies_and_from_where(
    tagger: Run, folder: Path, own_configuration: Path
) -> None:
    write_config(folder / "tagger.toml", "threshold = [0.3, 'Horror=0.5']", "excel = true")
    write_config(own_configuration, "max-tags = 3", "excel = false")

    ran = tagger("info", "--config")

    assert (ran.code, ran.stderr) == (0, "")
    lines = ran.stdout.decode("utf-8").splitlines()
    assert lines[:3] == ["./tagger.toml: applies", f"{own_configuration}: applies", ""]
    rows = [re.split(r" {2,}", line) for line in lines[3:]]
    assert rows[0] == ["option", "value", "from"]
    assert [row[0] for row in rows[1:]] == [option_key(option) for option in OPTIONS]
    told = {row[0]: row[1:] for row in rows}
    assert told["threshold"] == ["0.3, Horror=0.5", "./tagger.toml"]
    assert told["excel"] == ["true", "./tagger.toml"]
    assert told["max-tags"] == ["3", str(own_configuration)]
    assert told["min-tags"] == ["not set", "built in"]
    assert told["layout"] == ["wide", "built in"]
    assert told["sidecar"] == ["none", "built in"]


def test_info_lists_for_programs(tagger: Run, folder: Path, own_configuration: Path) -> None:
    write_config(folder / "other.toml", "threshold = 0.3", "model = 'm.onnx'", "format = 'tsv'")

    ran = tagger("info", "--config", "other.toml", "--json")

    told = json.loads(ran.stdout)
    assert told["files"] == [
        {"path": "other.toml", "found": True},
        {"path": str(own_configuration), "found": False},
    ]
    assert list(told["options"]) == [option_key(option) for option in OPTIONS]
    assert told["options"]["threshold"] == {"value": ["0.3"], "from": "other.toml"}
    assert told["options"]["model"] == {"value": "m.onnx", "from": "other.toml"}
    assert told["options"]["format"] == {"value": "tsv", "from": "other.toml"}
    assert told["options"]["layout"] == {"value": "wide", "from": "built in"}
    assert told["options"]["output"] == {"value": None, "from": "built in"}


def test_info_says_what_is_wrong_with_a_file(tagger: Run, folder: Path) -> None:
    write_config(folder / "tagger.toml", "colour = 'red'")

    assert tagger("info", "--config") == Ran(
        2,
        b"",
        "tagger: ./tagger.toml: 'tagger tag' has no option 'colour': did you mean 'columns'?\n",
    )


# The documents


def test_the_example_of_the_document_can_be_used(tagger: Run, folder: Path) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    (folder / "tagger.toml").write_text(example, encoding="utf-8")
    save_picture(folder / "p" / "a.png")
    save_picture(folder / "p" / "b.tmp.jpg")
    keys = re.findall(r"^([a-z-]+) =", example, flags=re.MULTILINE)

    ran = tagger("tag", "p", "--device", "cpu")

    assert ran.code == 0
    in_order = [option_key(option) for option in OPTIONS if option_key(option) in keys]
    assert ran.stderr.splitlines()[0] == f"Options from ./tagger.toml: {', '.join(in_order)}."
    assert sorted(os.listdir("p")) == ["a.png", "a.png.txt", "a.png.xmp", "b.tmp.jpg"]
    assert json.loads(Path("tagger-summary.json").read_bytes())["tagged"] == 1
