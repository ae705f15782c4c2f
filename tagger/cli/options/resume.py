"""Resuming a previous run: the options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from tagger.cli.options.groups import OptionGroup

if TYPE_CHECKING:
    from tagger.runs.plan import Resume


@dataclass(frozen=True, kw_only=True)
class ResumeOptions(OptionGroup):
    """What is kept of a previous run; each of the others implies ``resume``."""

    panel: ClassVar[str] = "Resume"

    resume: Annotated[
        bool,
        typer.Option(
            help="Continue an earlier run on the same output: finished images are kept, missing "
            "ones are tagged. Starts a new run if there is none."
        ),
    ] = False
    retry_failed: Annotated[
        bool, typer.Option(help="Like --resume, and retry images that failed.")
    ] = False
    update: Annotated[
        bool, typer.Option(help="Like --resume, and tag images again if their file has changed.")
    ] = False

    def plan(self) -> Resume:
        """Return what is kept of a previous run."""
        from tagger.runs.plan import Resume

        return Resume(self.resume, self.retry_failed, self.update)
