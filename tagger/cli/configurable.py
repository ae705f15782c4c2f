"""A command whose options may stand in ``tagger.toml``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperOption

from tagger.cli.command import Command
from tagger.cli.config import NOT_IN_FILES, Setting, mentioned, read_settings
from tagger.cli.config_files import ConfigFile, files_to_read, shown
from tagger.cli.config_values import option_key
from tagger.cli.console import say
from tagger.errors import TaggerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer._click.parser import _OptionParser

_META_KEY = "tagger.configuration"
_UNDONE = "undone "  # no parameter's name holds a blank


class Configuration:
    """What the files say, and which of it applies.

    Attributes:
        files: where files may lie, each with whether there is one, the most telling first.
        settings: parameter name → what applies unless the command line says otherwise.
        applied: those of which the command line says nothing.
    """

    def __init__(self) -> None:
        self.files: list[tuple[ConfigFile, bool]] = []
        self.settings: dict[str, Setting] = {}
        self.applied: dict[str, Setting] = {}


def configuration_of(meta: dict[str, Any]) -> Configuration:
    """Return the configuration that a command was parsed with, from its context's ``meta``."""
    found: Configuration = meta.get(_META_KEY) or Configuration()
    return found


class ConfigurableCommand(Command):
    """Takes defaults from files, says which, and names them in errors.

    What a file says of an option is undone by ``--no-NAME`` (``--NAME`` where the option itself
    begins with "no").
    """

    def options(self) -> list[TyperOption]:
        """Return the options, without ``--help``."""
        return [param for param in self.params if isinstance(param, TyperOption)]

    def configurable_options(self) -> list[TyperOption]:
        """Return the options that may stand in a file."""
        return [option for option in self.options() if option_key(option) not in NOT_IN_FILES]

    def make_parser(self, ctx: Any) -> _OptionParser:
        """Add to each option what undoes it; that is shown in no help."""
        parser = super().make_parser(ctx)
        taken = {name for option in self.options() for name in option.opts + option.secondary_opts}
        for option in self.options():
            name = _undoing(option)
            if name in taken:
                continue
            # A switch is turned off; of any other option the file's value is forgotten.
            dest = option.name if option.is_flag else _UNDONE + option.name
            parser.add_option(option, [name], dest, action="store_const", const=False)
        return parser

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the files before the options get their defaults."""
        given = {} if ctx.resilient_parsing else self.make_parser(ctx).parse_args(list(args))[0]
        if not ctx.resilient_parsing and "help" not in given:
            configuration = self._configuration(given, ctx)
            ctx.meta[_META_KEY] = configuration
            ctx.default_map = {
                name: setting.value for name, setting in configuration.settings.items()
            }
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; its errors name the file that an option comes from.

        Raises:
            TaggerError: as the command raises it.
        """
        configuration = configuration_of(ctx.meta)
        for line in _notice(configuration, self.options(), quiet=ctx.params.get("quiet", False)):
            say(line)
        try:
            return super().invoke(ctx)
        except TaggerError as error:
            message = str(error)
            error.args = (mentioned(message, configuration.applied, self.options()) + message,)
            raise

    def _configuration(self, given: dict[str, Any], context: typer.Context) -> Configuration:
        found = Configuration()
        files = files_to_read(given.get("config"), alone=given.get("no_config", False))
        for file in files:
            settings = read_settings(file, self.options(), context)
            found.files.append((file, settings is not None))
            for name, setting in (settings or {}).items():
                if _UNDONE + name not in given:
                    found.settings.setdefault(name, setting)
        found.applied = {
            name: setting for name, setting in found.settings.items() if name not in given
        }
        return found


def _undoing(option: TyperOption) -> str:
    key = option_key(option)
    return f"--{key.removeprefix('no-')}" if key.startswith("no-") else f"--no-{key}"


def _notice(
    configuration: Configuration, options: list[TyperOption], *, quiet: bool
) -> Iterator[str]:
    """Yield the line that says what comes from which file, if anything does.

    A file in the current folder cannot hide itself by asking for silence.
    """
    by_file: dict[ConfigFile, list[str]] = {}
    for option in options:
        setting = configuration.applied.get(option.name)
        if setting is not None:
            by_file.setdefault(setting.file, []).append(option_key(option))
    silenced_by = configuration.applied.get("quiet")
    if quiet and not (silenced_by is not None and silenced_by.file.is_local):
        return
    places = [
        f"{shown(file)}: {', '.join(by_file[file])}"
        for file, _ in configuration.files
        if file in by_file
    ]
    if places:
        yield f"Options from {'; '.join(places)}."
