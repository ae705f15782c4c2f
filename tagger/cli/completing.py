"""Completion in shells: the scripts, and what is offered for values of options.

A shell calls the command with a variable that says what is to be completed; typer answers. Labels
are read from the model's file without opening the model, which would take a person's patience.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: The names for --columns, here since the room that makes them takes a second to load.
COLUMNS = ("folder", "name", "title", "year", "text", "width", "height", "bytes", "sha256")
#: What a shell sets when it asks.
VARIABLE = "_TAGGER_COMPLETE"

_BUNDLED = Path(__file__).parents[1] / "models" / "poster-genres.onnx"
_CARD = b"\x0a\x0btagger.card\x12"  # a field, its length and content, the next field

# As typer's own, but they leave the cursor behind LABEL= and do not split there.
_BASH = """\
_tagger_completion() {
    local IFS=$'\\n' cur words cword
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n = cur words cword
    else
        words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
    fi
    COMPREPLY=( $(COMP_WORDS="${words[*]}" COMP_CWORD=$cword _TAGGER_COMPLETE=complete_bash \\
        "$1" 2>/dev/null) )
    [[ ${#COMPREPLY[@]} -gt 0 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    return 0
}
complete -o default -F _tagger_completion tagger"""

_ZSH = """\
#compdef tagger
_tagger_completion() {
    local line value
    local -a lines described
    lines=(${(f)"$(_TAGGER_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \\
        _TYPER_COMPLETE_ARGS="${words[1,CURRENT]}" tagger 2>/dev/null)"})
    if (( ! $#lines )); then
        _files
        return
    fi
    for line in $lines; do
        value=${${line%%$'\t'*}//:/\\\\:}
        [[ $line == *$'\t'* ]] && value+=:${line#*$'\t'}
        described+=($value)
    done
    if [[ $lines[1] == *= ]]; then
        _describe tagger described -S ''
    else
        _describe tagger described
    fi
}
if [[ $funcstack[1] == _tagger ]]; then
    _tagger_completion "$@"
else
    compdef _tagger_completion tagger
fi"""


def script(shell: str) -> str:
    """Return the script for a shell."""
    from typer._completion_shared import get_completion_script

    if own := {"bash": _BASH, "zsh": _ZSH}.get(shell):
        return own
    return str(get_completion_script(prog_name="tagger", complete_var=VARIABLE, shell=shell))


def is_asked() -> bool:
    """Return whether a shell asks what to complete."""
    return bool(os.environ.get(VARIABLE))


def prepare() -> None:
    """Let typer answer in its own way for each shell."""
    from typer._completion_classes import completion_init

    completion_init()


def labels(ctx: Any, args: Any, incomplete: str) -> list[str]:
    """Offer the labels of the model."""
    return _beginning(incomplete, _labels(ctx))


def labels_and_equals(ctx: Any, args: Any, incomplete: str) -> list[str]:
    """Offer the labels of the model for ``LABEL=…``."""
    if "=" in incomplete:
        return []
    return _beginning(incomplete, (f"{label}=" for label in _labels(ctx)))


def columns(ctx: Any, args: Any, incomplete: str) -> list[str]:
    """Offer the extra columns, behind those that are there already."""
    *before, _ = incomplete.split(",")
    begun = "".join(f"{name}," for name in before)
    return _beginning(incomplete, (begun + name for name in COLUMNS if name not in before))


def devices(ctx: Any, args: Any, incomplete: str) -> list[str]:
    """Offer the devices."""
    return _beginning(incomplete, ("auto", "cpu", "cuda", "cuda:0", "openvino", "tensorrt"))


def _beginning(incomplete: str, names: Any) -> list[str]:
    wanted = incomplete.lower()
    return [name for name in names if name.lower().startswith(wanted)]


def _labels(context: Any) -> Iterator[str]:
    try:
        card = _card(Path(context.params.get("model") or _BUNDLED))
        never = set(card.get("never", ()))
        yield from (label for label in card["labels"] if label not in never)
    except (OSError, ValueError, KeyError, TypeError):
        return  # there is nothing to offer; the command itself says why


def _card(file: Path) -> Any:
    """Return what stands on a model's card.

    Raises:
        OSError: the file cannot be read.
        ValueError: it has no card.
    """
    with open(file, "rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = data.find(_CARD)
        if at < 0:
            raise ValueError("no card")
        at += len(_CARD)
        length, shift = 0, 0
        while True:  # a number of protobuf: seven bits a byte, the last without the eighth
            byte, at, shift = data[at], at + 1, shift + 7
            length |= (byte & 0x7F) << (shift - 7)
            if not byte & 0x80:
                break
        return json.loads(data[at : at + length])
