"""Rows of a Parquet file: one row group in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tagger.errors import TableError, UsageError, first_line, os_reason
from tagger.table.rows import Cells, TableRows

_CELLS = 65_536


def open_parquet(file: str, name: str) -> TableRows:
    """Open a file.

    Args:
        file: its name.
        name: what to call it in a message.

    Raises:
        UsageError: it cannot be opened.
        TableError: it is damaged.
    """
    try:
        parquet = pq.ParquetFile(file)
        names = parquet.schema_arrow.names
    except pa.ArrowException as error:
        raise TableError(f"{name} is damaged: {first_line(error)}.") from None
    except OSError as error:
        if error.errno is None:  # Arrow's own, of a damaged file
            raise TableError(f"{name} is damaged: {first_line(error)}.") from None
        raise UsageError(f"{name} cannot be read: {os_reason(error)}.") from None
    except ValueError as error:  # the name of a column is not UTF-8
        raise TableError(f"{name} is damaged: {first_line(error)}.") from None
    return TableRows(name, names, _rows(parquet, name), parquet.close)


def _rows(parquet: Any, name: str) -> Iterator[Cells]:
    together = max(1, _CELLS // max(1, len(parquet.schema_arrow.names)))
    try:
        for batch in parquet.iter_batches(batch_size=together, use_threads=False):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
    # A text that is not UTF-8 is a ValueError, a date that Python has not an OverflowError.
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise TableError(f"{name} is damaged: {first_line(error)}.") from None
