"""Tables as Parquet: typed columns, a row group as soon as its rows are there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tagger.errors import TableError, UsageError, first_line, os_reason
from tagger.table.book import Book
from tagger.table.columns import Column, Kind, Row
from tagger.table.plan import TablePlan
from tagger.table.rows import Cells, TableRows
from tagger.table.sink import SinkFile

_TYPES = {Kind.TEXT: pa.string(), Kind.PROBABILITY: pa.float64(), Kind.INTEGER: pa.int64()}

# What is in memory before it is written: readers want groups of many rows, a table of thousands
# of labels must not hold as many.
_ROWS = 16_384
_CELLS = 1_048_576

_CELLS_READ = 65_536


class ParquetBook(Book):
    """A Parquet file; when it is read, there is one row group in memory at a time."""

    def __init__(
        self, columns: Sequence[Column], plan: TablePlan, facts: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(columns, plan, facts)
        self.group = max(1, min(_ROWS, _CELLS // len(columns)))
        self._schema = pa.schema([(column.name, _TYPES[column.kind]) for column in columns])

    def start(self, file: SinkFile, beside: str | None) -> None:
        """Write the magic bytes."""
        self._parquet = pq.ParquetWriter(file, self._schema)

    def write_rows(self, rows: list[Row]) -> None:
        """Write one row group."""
        columns = [
            pa.array(cells, type=kind)
            for cells, kind in zip(zip(*rows, strict=True), self._schema.types, strict=True)
        ]
        self._parquet.write_table(
            pa.Table.from_arrays(columns, schema=self._schema), row_group_size=len(rows)
        )

    def finish(self) -> None:
        """Write the index of the row groups."""
        self._parquet.close()

    @staticmethod
    def read(file: str, name: str, *, edited: bool) -> TableRows:
        """Open a file; see :meth:`Book.read`."""
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


FORMAT = ParquetBook


def _rows(parquet: Any, name: str) -> Iterator[Cells]:
    together = max(1, _CELLS_READ // max(1, len(parquet.schema_arrow.names)))
    try:
        for batch in parquet.iter_batches(batch_size=together, use_threads=False):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
    # A text that is not UTF-8 is a ValueError, a date that Python has not an OverflowError.
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise TableError(f"{name} is damaged: {first_line(error)}.") from None
