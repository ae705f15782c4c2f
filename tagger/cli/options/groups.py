"""Option groups: a dataclass per group, spread over the parameters of each command that takes it.

A field is annotated with its Typer option and has the option's default::

    @dataclass(frozen=True, kw_only=True)
    class TagOptions(OptionGroup):
        panel = "Tags"

        max_tags: Annotated[int | None, typer.Option(min=0)] = None

An option without a name is named like its field: ``--max-tags``. A command asks for the whole
group, or for a part of it::

    def retag(*, tags: TagOptions, model: Annotated[ModelOptions, Only("model")]) -> int: ...
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

from typer.models import OptionInfo


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptionGroup:
    """Options that belong together.

    Attributes:
        panel: the heading above them in ``--help``.
    """

    panel: ClassVar[str]


class Only:
    """Marks a group of which a command takes these options alone; others keep their defaults."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def takes(self, name: str) -> bool:
        """Return whether the command has an option."""
        return name in self._names


class Without(Only):
    """Marks a group of which a command takes all options but these, which keep their defaults."""

    def takes(self, name: str) -> bool:
        return not super().takes(name)


def spread(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command a parameter per option in place of one per group, as Typer needs it.

    Args:
        command: takes groups, and parameters of its own.

    Returns:
        The same with all options as parameters, which calls ``command`` with the groups.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, tuple[type[OptionGroup], list[str]]] = {}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        hint = hints[parameter.name]
        group, part = get_args(hint) if get_origin(hint) is Annotated else (hint, Without())
        if isinstance(group, type) and issubclass(group, OptionGroup):
            options = list(_options(group, part))
            groups[parameter.name] = group, [option.name for option in options]
            parameters += options
        else:
            kind = inspect.Parameter.KEYWORD_ONLY  # Typer names all that it passes
            parameters.append(parameter.replace(annotation=_named(hint, parameter.name), kind=kind))

    @functools.wraps(command)
    def called(**values: Any) -> int:
        for name, (group, options) in groups.items():
            values[name] = group(**{option: values.pop(option) for option in options})
        return command(**values)

    vars(called)["__signature__"] = inspect.Signature(parameters)
    called.__annotations__ = {option.name: option.annotation for option in parameters}
    return called


def _options(group: type[OptionGroup], part: Only) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    for field in dataclasses.fields(group):
        if part.takes(field.name):
            is_required = field.default is dataclasses.MISSING
            yield inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if is_required else field.default,
                annotation=_named(hints[field.name], field.name, group.panel),
            )


def _named(annotation: Any, name: str, panel: str | None = None) -> Any:
    """Name an option like its parameter, and put it below a heading, where it does not say so."""
    info = get_args(annotation)[1] if get_origin(annotation) is Annotated else None
    if not isinstance(info, OptionInfo):
        return annotation
    info = copy.copy(info)
    if info.default is ...:  # where Typer keeps the first name until it has seen the annotation
        info.param_decls = (f"--{name.replace('_', '-')}",)
    info.rich_help_panel = panel or info.rich_help_panel
    return Annotated[get_args(annotation)[0], info]
