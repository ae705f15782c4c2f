"""Resuming a previous run: the options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from tagger.cli.options.groups import OptionGroup
from tagger.errors import UsageError

if TYPE_CHECKING:
    from tagger.runs.plan import Resume


@dataclass(frozen=True, kw_only=True)
class ResumeOptions(OptionGroup):
    """What is kept of a previous run; each of the others implies ``resume``."""

    panel: ClassVar[str] = "Resuming"

    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Continue an earlier run on the same output: finished images are kept, missing "
            "ones are tagged. Starts a new run if there is none.",
        ),
    ] = False
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Like --resume, and retry images that failed."),
    ] = False
    update: Annotated[
        bool,
        typer.Option(
            "--update", help="Like --resume, and tag images again if their file has changed."
        ),
    ] = False

    def plan(self) -> Resume:
        """Return what is kept of a previous run."""
        from tagger.runs.plan import Resume

        return Resume(self.resume, self.retry_failed, self.update)

    def refuse_dry_run(self) -> None:
        """Refuse to list what would be left to be done.

        Raises:
            UsageError: that was asked for.
        """
        if self.wanted:
            raise UsageError(f"--dry-run always lists all images: omit {self.name}.")

    def check(self, table: TablePlan, outputs: OutputOptions) -> None:
        """Refuse to go on with what leaves no trace.

        Raises:
            UsageError: that was asked for.
        """
        if self.wanted and not (table.is_file or _is_table_less(table, outputs)):
            raise UsageError(
                f"{self.name} needs an output that can be resumed: a table in a file (-o FILE), "
                "--sidecar or --embed."
            )


def _is_table_less(table: TablePlan, outputs: OutputOptions) -> bool:
    changes_files = bool(outputs.sidecars) or outputs.embed
    return changes_files and not table.is_asked_for


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
                manifest = Manifest.read(RunPaths.of_table(self.table, as_text=True).manifest)
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
    table: TablePlan,
    outputs: OutputOptions,
    progress: TagProgress,
    *,
    resume: bool,
    quiet: bool,
) -> Iterator[Plan | None]:
    """Give what a run will do, locked; None where its output leaves nothing to go on with.

    Args:
        found: the images; None where they are not looked at.
        card: of the model that tags.
        origin: what gives the results.
        table: its options.
        outputs: options of the rest.
        progress: told of what the table cannot hold.
        resume: continue a previous run.
        quiet: say nothing.

    Raises:
        UsageError: the previous run had another model, or other options.
        TableError: what it left is damaged.
        OutputError: the output's folder is not there, or another run is at work on the output.
    """
    from tagger import __version__
    from tagger.runs.lock import locked
    from tagger.runs.manifest import Manifest, versions_noted
    from tagger.runs.plan import plan_run
    from tagger.table.table import Table

    def notice(text: str) -> None:
        if not quiet:
            say(text)

    files = _run_files(found, table, outputs, notice)
    if files is None:
        yield None
        return
    manifest = Manifest(
        files.what,
        origin.facts(card),
        _options(origin.rules, table, outputs),
        origin.device,
        versions=versions_noted(__version__),
        defaults=_defaults(card),
    )
    shape = Table(table, card.labels, progress.failed) if table.is_file else None
    read = origin.table
    with locked(files.lock, files.what, notice):
        yield plan_run(
            files,
            manifest,
            shape,
            resume=resume,
            same_images=read is not None and _is_same(read, table.output),
        )


def _is_same(file: str, other: str | None) -> bool:
    try:
        return other is not None and os.path.samefile(file, other)
    except OSError:
        return False


def _run_files(
    found: Scan | None,
    table: TablePlan,
    outputs: OutputOptions,
    notice: Callable[[str], None],
) -> RunPaths | None:
    from tagger.table.sink import check_folder
    from tagger.text import printable

    if table.is_file:
        assert table.output is not None
        check_folder(table.output)
        return RunPaths.of_table(table.output, as_text=table.is_text)
    if found is None or not _is_table_less(table, outputs):
        return None
    files = RunPaths.of_sidecars(found.folders, found.files, outputs.sidecar_dir)
    folder = os.path.dirname(files.prefix)
    try:
        os.makedirs(folder, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "permission denied")
    except OSError as error:
        notice(
            f"{printable(folder)} is not writable ({os_reason(error)}), so this run cannot be "
            "resumed."
        )
        return None
    return files


#: The options that change results, by their names on the command line, in the order of manifests.
_TABLE = ("format", "layout", "excel", "columns", "absolute", "relative_to")
_HOLDERS = (
    "sidecars",
    "sidecar_name",
    "sidecar_dir",
    "existing",
    "backup",
    "xmp_root",
    "embed",
    "keep_time",
)


def _options(rules: Rules, table: TablePlan, outputs: OutputOptions) -> dict[str, Any]:
    """Return the options that change results, as a manifest notes them."""
    found: dict[str, Any] = {}
    if table.is_file:
        found |= {_name(key): _noted(getattr(table, key)) for key in _TABLE}
        found["--relative-to"] = _absolute(table.relative_to)
    found |= {
        "--threshold": dict(zip(rules.labels, rules.thresholds, strict=True)),
        "--min-tags": rules.min_tags,
        "--max-tags": rules.max_tags,
        "--ignore": sorted(rules.ignored),
        "--rename": dict(rules.renamed),
    }
    if outputs.sidecars or outputs.embed:
        found |= {_name(key): _noted(getattr(outputs, key)) for key in _HOLDERS}
        found["--sidecar"] = sorted(map(str, outputs.sidecars))
        found["--sidecar-dir"] = _absolute(outputs.sidecar_dir)
    return found


def _defaults(card: ModelCard) -> dict[str, Any]:
    """Return the built-in values of these options."""
    from tagger.cli.options.holders import Existing, Sidecar, SidecarName
    from tagger.rules import Rules
    from tagger.table.formats import Format
    from tagger.table.plan import TablePlan

    table = TablePlan("t.csv", Format.CSV)
    holders = (Sidecar.XMP,), SidecarName.APPEND, None, Existing.MERGE, False, ()
    return _options(Rules.of_card(card), table, OutputOptions(*holders)) | {"--sidecar": []}


def _name(key: str) -> str:
    return "--sidecar" if key == "sidecars" else "--" + key.replace("_", "-")


def _noted(value: Any) -> Any:
    """Return an option's value as JSON holds it."""
    if isinstance(value, tuple):
        return list(map(str, value))
    return str(value) if isinstance(value, StrEnum) else value


def _absolute(folder: str | None) -> str | None:
    from tagger.text import escape

    return None if folder is None else escape(os.path.abspath(folder))
