"""Going on with an earlier run: the options, and the run that follows from a command's own."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tagger.cli.options.holders import OutputOptions
from tagger.cli.options.table import TableOptions, run_table
from tagger.cli.streams import say
from tagger.errors import UsageError, os_reason
from tagger.runs.files import RunFiles

if TYPE_CHECKING:
    from tagger.cli.progress import TagProgress
    from tagger.find.scan import Scan
    from tagger.network.card import ModelCard
    from tagger.rules import Rules
    from tagger.runs.manifest import ModelFacts
    from tagger.runs.run import Run


ResumeOption = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on with an earlier run on the same output: what it has done is kept, what is "
        "missing is tagged; starts where there is nothing yet.",
    ),
]

RetryFailedOption = Annotated[
    bool,
    typer.Option("--retry-failed", help="As --resume; images that failed are tried again."),
]

UpdateOption = Annotated[
    bool,
    typer.Option(
        "--update", help="As --resume; images whose file has changed since are tagged again."
    ),
]


@dataclass(frozen=True)
class ResumeOptions:
    """What is gone on with; each of the others implies ``resume``."""

    resume: bool = False
    retry_failed: bool = False
    update: bool = False

    @property
    def wanted(self) -> bool:
        """Whether an earlier run is gone on with."""
        return self.resume or self.retry_failed or self.update

    @property
    def name(self) -> str:
        """The option that asks for it."""
        return "--resume" if self.resume else "--retry-failed" if self.retry_failed else "--update"

    def refuse_dry_run(self) -> None:
        """Refuse to list what would be left to be done.

        Raises:
            UsageError: that was asked for.
        """
        if self.wanted:
            raise UsageError(f"--dry-run lists all images: leave out {self.name}.")

    def check(self, table: TableOptions, outputs: OutputOptions) -> None:
        """Refuse to go on with what leaves no trace.

        Raises:
            UsageError: that was asked for.
        """
        if self.wanted and not (table.is_file or _is_table_less(table, outputs)):
            raise UsageError(
                f"{self.name} needs an output that stays: a table in a file (-o FILE), --sidecar "
                "or --embed."
            )


def _is_table_less(table: TableOptions, outputs: OutputOptions) -> bool:
    changes_files = bool(outputs.sidecars) or outputs.embed
    return changes_files and table.output is None and table.format is None


@dataclass(frozen=True)
class Origin:
    """What gives the results, for the manifest.

    Attributes:
        rules: which scores become tags.
        model: the file of the model.
        device: where the network runs; None where none does.
        table: that is read instead of the images; None where these are.
    """

    rules: Rules
    model: Path
    device: str | None = None
    table: str | None = None

    def facts(self, card: ModelCard) -> ModelFacts:
        """Return which model it is: the file, or what a table says of the one that made it.

        Raises:
            ModelError: the file cannot be read.
        """
        from tagger.errors import ModelError
        from tagger.runs.manifest import Manifest, ModelFacts
        from tagger.text import printable

        if self.table is not None:
            with contextlib.suppress(UsageError):
                manifest = Manifest.read(RunFiles.of_table(self.table, as_text=True).manifest)
                made_by = manifest and manifest.finished()
                if made_by and made_by.model.is_of(card):
                    return made_by.model
        try:
            return ModelFacts.of(card, self.model)
        except OSError as error:
            name = printable(str(self.model))
            raise ModelError(f"{name} cannot be read: {os_reason(error)}.") from None


@contextmanager
def recorded_run(
    found: Scan | None,
    card: ModelCard,
    origin: Origin,
    table: TableOptions,
    outputs: OutputOptions,
    progress: TagProgress,
    *,
    quiet: bool,
) -> Iterator[Run | None]:
    """Give the run of a command, locked; None where its output leaves nothing to go on with.

    Args:
        found: the images; None where they are not looked at.
        card: of the model that tags.
        origin: what gives the results.
        table: its options.
        outputs: options of the rest.
        progress: told of what the table cannot hold.
        quiet: say nothing.

    Raises:
        OutputError: the output's folder is not there, or another run is at work on the output.
    """
    from tagger.runs.lock import locked
    from tagger.runs.manifest import Manifest
    from tagger.runs.run import Run
    from tagger.text import escape

    def notice(text: str) -> None:
        if not quiet:
            say(text)

    files = _run_files(found, table, outputs, notice)
    if files is None:
        yield None
        return
    options = _options(origin.rules, table, outputs)
    manifest = Manifest(files.what, origin.facts(card), options, origin.device)
    shape = run_table(card, table, progress) if table.is_file else None
    with locked(files.lock, files.what, notice):
        yield Run(files, manifest, shape, lambda path: escape(os.path.abspath(path)))


def _run_files(
    found: Scan | None,
    table: TableOptions,
    outputs: OutputOptions,
    notice: Callable[[str], None],
) -> RunFiles | None:
    from tagger.table.sink import check_folder
    from tagger.text import printable

    if table.is_file:
        assert table.output is not None
        check_folder(table.output)
        return RunFiles.of_table(table.output, as_text=not table.is_binary)
    if found is None or not _is_table_less(table, outputs):
        return None
    files = RunFiles.of_sidecars(found.folders, found.files, outputs.sidecar_dir)
    folder = os.path.dirname(files.prefix)
    try:
        os.makedirs(folder, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "permission denied")
    except OSError as error:
        notice(
            f"Nothing can be noted in {printable(folder)} ({os_reason(error)}), so this run cannot "
            "be resumed."
        )
        return None
    return files


def _options(rules: Rules, table: TableOptions, outputs: OutputOptions) -> dict[str, Any]:
    """Return the options that change results, by their names on the command line."""
    from tagger.text import escape

    found: dict[str, Any] = {}
    if table.is_file:
        folder = table.relative_to
        found |= {
            "--format": str(table.format),
            "--layout": str(table.layout),
            "--excel": table.excel,
            "--columns": list(table.columns),
            "--absolute": table.absolute,
            "--relative-to": None if folder is None else escape(os.path.abspath(folder)),
        }
    found |= {
        "--threshold": dict(zip(rules.labels, rules.thresholds, strict=True)),
        "--min-tags": rules.min_tags,
        "--max-tags": rules.max_tags,
        "--ignore": sorted(rules.ignored),
        "--rename": dict(rules.renamed),
    }
    if not outputs.sidecars and not outputs.embed:
        return found
    for item in dataclasses.fields(outputs):
        value = getattr(outputs, item.name)
        name = "--sidecar" if item.name == "sidecars" else "--" + item.name.replace("_", "-")
        if item.name == "sidecar_dir" and value is not None:
            value = escape(os.path.abspath(value))
        if isinstance(value, tuple):
            value = sorted(map(str, value)) if name == "--sidecar" else list(map(str, value))
        found[name] = value
    return found
