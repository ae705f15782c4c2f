"""``tagger completion``: the script by which a shell completes commands, options and labels."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tagger.cli.completing import script
from tagger.cli.console import show

EXAMPLES = """\
mkdir -p ~/.local/share/bash-completion/completions
tagger completion bash > ~/.local/share/bash-completion/completions/tagger
tagger completion zsh > ~/.zfunc/_tagger                # with fpath+=~/.zfunc before compinit
tagger completion fish > ~/.config/fish/completions/tagger.fish
tagger completion powershell >> $PROFILE
"""


class Shell(StrEnum):
    """Shells with completion."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


def completion(
    shell: Annotated[
        Shell,
        typer.Argument(metavar="SHELL", help="bash, zsh, fish or powershell.", show_choices=False),
    ],
) -> int:
    """Print the script with which a shell completes the command line.

    It completes commands, options, labels and columns. New shells read it from the places below.
    """
    show(script(shell.value))
    return 0
