"""A command: its options stand in groups, in its signature and in its help, and in tagger.toml."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import typer
from typer._click.exceptions import NoSuchOption
from typer.core import TyperCommand, TyperGroup, TyperOption

from tagger.cli.config import (
    NOT_IN_FILES,
    ConfigFile,
    Options,
    Setting,
    files_to_read,
    option_key,
    read_settings,
    told,
)
from tagger.cli.console import logs, say
from tagger.cli.help import (
    ALL_KEY,
    Help,
    brief_panels,
    first_sentence,
    help_option,
    help_text,
    option_panels,
    short,
    usage,
)
from tagger.cli.meant import command_meant, option_meant
from tagger.cli.options.groups import spread
from tagger.errors import TaggerError

if TYPE_CHECKING:
    from typer._click.parser import _OptionParser

# The panels of 'tagger --help', and the order of its commands.
_PANELS = {
    "Tag": ("tag", "gallery", "apply", "retag", "merge", "untag", "explain"),
    "Train": ("train", "refit", "average", "export", "evaluate"),
    "Inspect": ("info", "doctor", "bench", "completion"),
}
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

    def read(self, given: dict[str, Any], command: Command, context: typer.Context) -> None:
        """Read the files that apply to a command where the command line says what is ``given``.

        Raises:
            UsageError: a file cannot be read, or says what no option understands.
        """
        assert command.name is not None
        group = context.find_root().command

        def known() -> Mapping[str, Options]:  # loads all commands, and few people have a file
            commands = [command]
            if isinstance(group, Commands):
                commands = [group.get_command(context, name) for name in group.commands]
            return {one.name or "": one.options() for one in commands if one.reads_files}

        for file in files_to_read(given.get("config"), alone=given.get("no_config", False)):
            settings = read_settings(file, command.name, known, context)
            self.files.append((file, settings is not None))
            for name, setting in (settings or {}).items():
                if _UNDONE + name not in given:
                    self.settings.setdefault(name, setting)
        self.applied = {key: value for key, value in self.settings.items() if key not in given}


def configuration_of(meta: dict[str, Any]) -> Configuration:
    """Return the configuration that a command was parsed with, from its context's ``meta``."""
    found: Configuration = meta.get(_META_KEY) or Configuration()
    return found


class Command(TyperCommand):
    """Groups options in ``--help``, heeds ``-v``, and takes defaults from files.

    What a file says of an option is undone by ``--no-NAME`` (``--NAME`` where the option itself
    begins with "no"). Errors name the file that the option which they are about comes from.

    Attributes:
        examples: command lines for its help.
        most_used: the options that ``-h`` shows, by their long names; none means all.
        ending: the end of its help.
    """

    examples = ""
    most_used: tuple[str, ...] = ()
    ending = ""

    @property
    def reads_files(self) -> bool:
        """Whether its options may stand in a file."""
        return any(param.name == "no_config" for param in self.params)

    def options(self) -> Options:
        """Return the options that may stand in a file, in their order, by their keys."""
        options = [param for param in self.params if isinstance(param, TyperOption)]
        by_key = {option_key(option): option for option in options}
        return {key: option for key, option in by_key.items() if key not in NOT_IN_FILES}

    def get_help(self, ctx: Any) -> str:
        """Return what ``--help`` shows, or of ``-h`` the part that most people need."""
        return help_text(self, ctx)

    def help_page(self, ctx: Any, *, brief: bool) -> Help:
        """Return the page of help; ``brief`` leaves out what few people need."""
        params, description = self.get_params(ctx), self.help or ""
        line = usage(self.get_usage(ctx))
        if brief:
            panels = brief_panels(ctx, params, self.most_used)
            sentence = first_sentence(description)
            return Help(line, sentence, short(self.examples), panels, "", brief=True)
        panels = option_panels(ctx, params)
        return Help(line, description, self.examples, panels, self.ending)

    def get_help_option(self, ctx: Any) -> Any:
        return help_option(super().get_help_option(ctx))

    def make_parser(self, ctx: Any) -> _OptionParser:
        """Add to each option what undoes it; that is shown in no help."""
        parser = super().make_parser(ctx)
        if not self.reads_files:
            return parser
        taken = {name for param in self.params for name in param.opts + param.secondary_opts}
        for key, option in self.options().items():
            name = f"--{key.removeprefix('no-')}" if key.startswith("no-") else f"--no-{key}"
            if name not in taken:
                # A switch is turned off; of any other option the file's value is forgotten.
                dest = option.name if option.is_flag else _UNDONE + option.name
                parser.add_option(option, [name], dest, action="store_const", const=False)
        return parser

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the files before the options get their defaults."""
        try:
            return self._parse_args(ctx, args)
        except NoSuchOption as error:
            names = [name for param in self.get_params(ctx) for name in param.opts]
            error.message = option_meant(error.option_name, names, ctx.command_path)
            error.possibilities = None
            raise

    def _parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[ALL_KEY] = "--help" in args
        if self.reads_files and not ctx.resilient_parsing:
            given = self.make_parser(ctx).parse_args(list(args))[0]
            if "help" not in given:
                configuration = ctx.meta[_META_KEY] = Configuration()
                configuration.read(given, self, ctx)
                settings = configuration.settings.items()
                ctx.default_map = {name: setting.value for name, setting in settings}
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; the context's object is what native code writes to stderr.

        Raises:
            TaggerError: as the command raises it; it names the file that an option comes from.
        """
        configuration = configuration_of(ctx.meta)
        for line in _notice(configuration, self.options(), quiet=ctx.params.get("quiet", False)):
            say(line)
        try:
            verbosity = ctx.params.get("verbose")
            if not verbosity:
                return super().invoke(ctx)
            ctx.obj.let_through()
            with logs(verbosity):
                _log(configuration)
                return super().invoke(ctx)
        except TaggerError as error:
            options = {key: item for key, item in self.options().items() if key in error.options}
            told_of = told(configuration.applied, options)
            places = "".join(f"{file}: {keys}: " for file, keys in told_of)
            error.args = (f"{places}{error}",)
            raise


def _notice(configuration: Configuration, options: Options, *, quiet: bool) -> Iterator[str]:
    """Yield the line that says what comes from which file, if anything does.

    A file in the current folder cannot hide itself by asking for silence.
    """
    silenced_by = configuration.applied.get("quiet")
    if quiet and not (silenced_by is not None and silenced_by.file.is_local):
        return
    keys_of = dict(told(configuration.applied, options))
    places = [f"{file}: {keys_of[file]}" for file, _ in configuration.files if file in keys_of]
    if places:
        yield f"Options from {'; '.join(places)}."


def _log(configuration: Configuration) -> None:
    import logging

    logger = logging.getLogger(__name__)
    for file, found in configuration.files:
        logger.info("%s: %s", file, "read" if found else "not there")
    for name, setting in configuration.applied.items():
        logger.debug("%s = %r from %s", name, setting.value, setting.file)


class Commands(TyperGroup):
    """The commands; each is loaded when it is asked for, so that no start waits for all."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        names = (name for names in _PANELS.values() for name in names)
        self.commands: dict[str, Any] = dict.fromkeys(names)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; None if there is none of that name."""
        if cmd_name in self.commands and self.commands[cmd_name] is None:
            self.commands[cmd_name] = _load(cmd_name)
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that is called, or say what was meant."""
        is_name = not args[0].startswith("-") and not ctx.resilient_parsing
        if is_name and self.get_command(ctx, args[0]) is None:
            ctx.fail(command_meant(args[0], self.commands))
        return super().resolve_command(ctx, args)

    def get_help(self, ctx: Any) -> str:
        """Return what ``--help`` shows."""
        return help_text(self, ctx)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Note which of the two helps is asked for."""
        ctx.meta[ALL_KEY] = "--help" in args
        return super().parse_args(ctx, args)

    def help_page(self, ctx: Any, *, brief: bool = False) -> Help:
        """Return the page of help; ``brief`` lists the commands alone."""
        panels = {
            heading: [(name, first_sentence(self.get_command(ctx, name).help)) for name in names]
            for heading, names in _PANELS.items()
        }
        if brief:
            rows = [row for part in panels.values() for row in part]
            panels = {"Commands": rows}
            return Help(
                self.get_usage(ctx), self.help or "", _EXAMPLES, panels, _WAYS_ON, brief=True
            )
        own = option_panels(ctx, self.get_params(ctx))
        panels["Options"] = [row for rows in own.values() for row in rows]
        return Help(self.get_usage(ctx), self.help or "", _EXAMPLES, panels, _WAYS_ON)

    def get_help_option(self, ctx: Any) -> Any:
        return help_option(super().get_help_option(ctx))


_WAYS_ON = "'tagger tag -h' shows the most used options of a command, '--help' all."
_EXAMPLES = """\
tagger tag posters/ -o tags.csv        # a table
tagger tag posters/ --sidecar xmp      # a file beside each image
tagger tag posters/ -o gallery.html    # a table and a page to look through
"""


def _load(name: str) -> Any:
    """Return the command of the module of its name, with what its help says besides its options."""
    module = vars(importlib.import_module(f"tagger.cli.commands.{name}"))
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name, cls=Command)(spread(module[name]))
    command: Any = typer.main.get_command(app)
    command.examples = module.get("EXAMPLES", "")
    command.most_used = module.get("MOST_USED", ())
    command.ending = module.get("ENDING", "")
    return command
