"""Tables as Parquet: typed columns, a row group as soon as its rows are there."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from tagger.table.columns import Kind, Row
from tagger.table.grouped import GroupedWriter
from tagger.table.layouts import Layout
from tagger.table.sink import Sink, SinkFile

_TYPES = {Kind.TEXT: pa.string(), Kind.PROBABILITY: pa.float64(), Kind.INTEGER: pa.int64()}

# What is in memory before it is written: readers want groups of many rows, a table of thousands
# of labels must not hold as many.
_ROWS = 16_384
_CELLS = 1_048_576


class ParquetWriter(GroupedWriter):
    """Writes results as rows of a Parquet file.

    Args:
        sink: where the bytes go; one that needs an end.
        layout: columns and rows.
        group: rows of a row group; None chooses by the number of columns.
    """

    def __init__(self, sink: Sink, layout: Layout, *, group: int | None = None) -> None:
        fitting = max(1, min(_ROWS, _CELLS // len(layout.columns)))
        super().__init__(sink, layout, group=group or fitting)
        self._schema = pa.schema([(column.name, _TYPES[column.kind]) for column in layout.columns])

    def start(self, file: SinkFile) -> None:
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
