"""``tagger export``: a training run → a model file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_EXAMPLES = """Examples:

\b
  tagger export runs/posters -o posters.onnx
  tagger tag folder/ --model posters.onnx
"""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("export", epilog=_EXAMPLES)(export)


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder that 'tagger train' wrote.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The .onnx file to write.")
    ],
    images: Annotated[
        Path | None,
        typer.Option(
            "--images",
            metavar="DIR",
            help="Images to compare Keras and ONNX Runtime on; default: the run's validation set.",
        ),
    ] = None,
) -> int:
    """Turn a run into one verified .onnx file."""
    from tagger.cli.extras import needs_train_extra
    from tagger.errors import OutputError
    from tagger.writers.sink import check_folder

    # Before the conversion, which takes its time.
    check_folder(str(output))
    if output.is_dir():
        raise OutputError(f"{output} cannot be written: it is a folder.")
    with needs_train_extra("export"):
        from export.export import export_run
    written = export_run(run, output, images)
    print(
        f"{written.file}: {written.size / 1e6:.1f} MB; largest difference from Keras on "
        f"{written.parity.images} images {written.parity.largest_difference:.1e}"
    )
    return 0
