"""Typer's words in the form of ours."""


def sentence(message: str) -> str:
    """Drop what Typer passes on from its validator, and end in a full stop."""
    message = message.replace("Value error, ", "").rstrip()
    return message if message.endswith((".", "?", "!")) else f"{message}."
