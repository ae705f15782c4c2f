"""What libraries may say in a process that is ours: nothing that would tear the progress line."""

from __future__ import annotations

import logging
import warnings


def quiet_libraries() -> None:
    """Hide what Pillow and TensorFlow warn of; an image's fate is told by its result.

    Only :func:`tagger.cli.main` calls this: a program that imports the package has its own rules
    for warnings and logging, and keeps them.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")
    # Without a handler of its own, Python prints what a library logs.
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
