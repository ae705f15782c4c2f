"""``tagger.toml``: where it may lie, and what it says of the options of a command."""

from __future__ import annotations

import difflib
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import typer

from tagger.cli.console import sentence
from tagger.errors import UsageError, os_reason
from tagger.text import printable

if TYPE_CHECKING:
    from typer.core import TyperOption

FILE_NAME = "tagger.toml"
#: The command whose table the others look into, too.
TAG = "tag"
#: Options about these files, or about none.
NOT_IN_FILES = frozenset({"config", "no-config", "help", "verbose"})

#: What the table [tag] says of one run alone: no other command takes it from there.
_OF_ONE_RUN = frozenset({"files-from", "null", "output", "shard", "summary"})
#: Paths that are only read, and whose content goes nowhere: a file in the current folder may name
#: any.
_HARMLESS_PATHS = frozenset({"model", "relative-to", "sidecar-base"})
#: Switches for which such a file may not ask, and what they do.
_NOT_LOCAL = {
    "embed": "this modifies images",
    "settled": "this removes tags that a person settled",
    "yes": "this changes files without asking",
}
_ALONE = (
    ", which is only allowed on the command line, in your own configuration or in a file given by "
    "--config"
)
_MOST_BYTES = 1024 * 1024
_MOST_NUMBER = 2**63  # TOML's own limit

#: Key → option; of each command that reads files, by its name.
Options: TypeAlias = Mapping[str, "TyperOption"]


@dataclass(frozen=True)
class ConfigFile:
    """A place where a configuration may lie.

    Attributes:
        path: as it is shown; what it says of relative paths starts in its folder.
        asked_for: whether it was named on the command line, and so must be there.
        is_local: whether it applies only since it lies in the current folder. Whoever handed over
            the drive may have put it there.
    """

    path: str
    asked_for: bool = False
    is_local: bool = False

    def __str__(self) -> str:
        """Return its path for a message."""
        return printable(self.path)


@dataclass(frozen=True)
class Setting:
    """What a file says of an option.

    Attributes:
        value: as the command line would give it: texts, a list of them, or True and False.
        file: where it stands.
    """

    value: Any
    file: ConfigFile


def files_to_read(named: str | None, *, alone: bool) -> list[ConfigFile]:
    """Return where configurations may lie, the most telling first.

    One that is ``named`` stands for that in the current folder; ``alone``, no other one counts.
    """
    if named is not None:
        files = [ConfigFile(named, asked_for=True)]
    elif alone:
        files = []
    else:
        files = [ConfigFile(os.path.join(os.curdir, FILE_NAME), is_local=True)]
    if not alone:
        from platformdirs import user_config_dir

        folder = user_config_dir("poster-tagger", appauthor=False)
        if os.path.isabs(folder):  # else no home folder is known, and whoever owns this one speaks
            files.append(ConfigFile(os.path.join(folder, FILE_NAME)))
    return files


def read_settings(
    file: ConfigFile,
    command: str,
    known: Callable[[], Mapping[str, Options]],
    context: typer.Context,
) -> dict[str, Setting] | None:
    """Read what a file says of a command; every value is checked as the command line checks it.

    Returns:
        Parameter name → what the file says; None if there is no such file.

    Raises:
        UsageError: the file cannot be read, or says what no option understands.
    """
    text = _read(file)
    if text is None:
        return None
    settings = {}
    options = known()
    for key, value in _values(_parsed(text, file), file, command, options).items():
        option = options[command][key]
        try:
            settings[option.name] = Setting(_checked(value, option, context, file), file)
        except ValueError as error:
            raise UsageError(f"{file}: {key}: {error}.") from None
        except typer.BadParameter as error:
            raise UsageError(f"{file}: {key}: {sentence(error.message)}") from None
    return settings


def option_key(option: TyperOption) -> str:
    """Return an option's key in a file: its long name without dashes."""
    return next(name for name in option.opts if name.startswith("--"))[2:]


def _read(file: ConfigFile) -> str | None:
    try:
        # Before it is opened: a named pipe that just lies there would be waited for.
        if not file.asked_for and not stat.S_ISREG(os.stat(file.path).st_mode):
            raise UsageError(_unreadable(file, "it is not a regular file"))
        with open(file.path, "rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        if file.asked_for:
            raise UsageError(f"The configuration file '{file}' does not exist.") from None
        return None
    except OSError as error:
        raise UsageError(_unreadable(file, os_reason(error))) from None
    if len(data) > _MOST_BYTES:
        raise UsageError(_unreadable(file, "it is larger than 1 MB"))
    try:
        return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(_unreadable(file, f"line {line} is not UTF-8")) from None


def _unreadable(file: ConfigFile, reason: str) -> str:
    way_out = "" if file.asked_for else "; pass --no-config to ignore it"
    return f"The configuration file {file} cannot be read: {reason}{way_out}."


def _parsed(text: str, file: ConfigFile) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except RecursionError:
        raise UsageError(f"{file} is not valid TOML: it is nested too deeply.") from None
    except ValueError as error:  # also of numbers with thousands of digits
        raise UsageError(f"{file} is not valid TOML: {error}.") from None


def _values(
    content: dict[str, Any], file: ConfigFile, command: str, known: Mapping[str, Options]
) -> dict[str, Any]:
    """Return key → value for a command: of its own table, of ``[tag]``, of what stands above both.

    Raises:
        UsageError: something in the file is neither a command's table nor an option.
    """
    for key, value in content.items():
        if key in known and not isinstance(value, dict):
            raise UsageError(
                f"{file}: '{key}' is not a table: put options of 'tagger {key}' below a line "
                f"[{key}]."
            )
        if key in known:
            _refuse_unknown(value, known[key], f"'tagger {key}'", file)
        elif isinstance(value, dict):
            raise UsageError(
                f"{file}: unknown table '{printable(key)}': put options of 'tagger tag' below a "
                f"line [{TAG}]."
            )
    above = {key: value for key, value in content.items() if key not in known}
    every = {key: option for options in known.values() for key, option in options.items()}
    _refuse_unknown(above, every, "tagger", file)
    own, tag = known[command], known.get(TAG, {})
    found = {key: value for key, value in above.items() if key in own}
    found |= {
        key: value
        for key, value in content.get(TAG, {}).items()
        if key in own and key not in _OF_ONE_RUN and _is_same(own[key], tag[key])
    }
    found |= content.get(command, {})
    return found


def _is_same(option: TyperOption, other: TyperOption) -> bool:
    """Say whether two commands have the same option, not just one of that name."""
    return option.opts == other.opts and option.help == other.help


def _refuse_unknown(table: dict[str, Any], known: Options, who: str, file: ConfigFile) -> None:
    for key in table:
        if key in NOT_IN_FILES:
            raise UsageError(f"{file}: '{key}' is only allowed on the command line.")
        if key not in known:
            close = difflib.get_close_matches(key, known.keys() - NOT_IN_FILES, n=1)
            lists = who if who != "tagger" else "'tagger tag'"
            hint = f"did you mean '{close[0]}'?" if close else f"{lists[:-1]} --help' lists them."
            raise UsageError(f"{file}: {who} has no option '{printable(key)}': {hint}")


def _checked(value: Any, option: TyperOption, context: typer.Context, file: ConfigFile) -> Any:
    """Turn a TOML value into what the command line would give, and let the option judge it.

    Raises:
        ValueError: it has a type that the option does not take; the message says which it takes.
        typer.BadParameter: the option refuses it.
    """
    key = option_key(option)
    if option.is_flag:
        if not isinstance(value, bool):
            raise ValueError("expected true or false")
        if value and file.is_local and key in _NOT_LOCAL:
            raise ValueError(_NOT_LOCAL[key] + _ALONE)
        return value
    if option.multiple:
        values = value if isinstance(value, list) else [value]
        wanted = "expected text, a number, or a list of these"
    else:
        values = [value]
        wanted = "expected a single text or number"
    texts = [_text(item, wanted) for item in values]
    if set(re.findall(r"[A-Z]+", option.metavar or "")) & {"FILE", "DIR", "PATH"}:
        texts = [_placed(text, key, file) for text in texts]
    as_given = texts if option.multiple else texts[0]
    option.process_value(context, as_given)
    return as_given


def _text(value: Any, wanted: str) -> str:
    """Spell a value as on the command line; whoever writes a number or a date may leave quotes."""
    from datetime import date

    if isinstance(value, str):
        if "\0" in value:  # the system takes none, and no command line can hold one
            raise ValueError("text cannot contain the character NUL")
        return value
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(wanted)
    if not abs(value) < _MOST_NUMBER:  # nan is not less than anything
        raise ValueError("expected a number that fits in 64 bits")
    return str(value)


def _placed(text: str, key: str, file: ConfigFile) -> str:
    """Let a relative path start in the file's folder.

    Raises:
        ValueError: a file that nobody asked for names a place outside of its folder.
    """
    if text in ("", "-"):
        return text
    folder = "" if file.is_local else os.path.dirname(file.path)
    path = os.path.join(folder, os.path.expanduser(text))
    if file.is_local and key not in _HARMLESS_PATHS and not _is_inside(path):
        raise ValueError(f"'{printable(text)}' is outside this folder{_ALONE}")
    return path


def _is_inside(path: str) -> bool:
    here = os.path.realpath(os.curdir)
    try:
        return os.path.commonpath((here, os.path.realpath(path))) == here
    except ValueError:  # another drive
        return False


def told(settings: Mapping[str, Setting], options: Options) -> Iterator[tuple[ConfigFile, str]]:
    """Yield each file that says something, and its keys, in the order of the options."""
    by_file: dict[ConfigFile, list[str]] = {}
    for key, option in options.items():
        if option.name in settings:
            by_file.setdefault(settings[option.name].file, []).append(key)
    for file, keys in by_file.items():
        yield file, ", ".join(keys)
