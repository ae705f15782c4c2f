"""Writes the inputs that fuzzing starts from: drawn images and small files, no poster.

Files that are there and have other names stay: findings that were put beside them. Run it as
``PYTHONPATH=tests python tests/fuzz/make_corpus.py``.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path

from drawn_images import drawn_images
from foreign_nfos import JELLYFIN, KODI
from foreign_sidecars import LISTS, TEXTS
from holding import merge, wish_for
from tiny_model import CARD, write_model

_HERE = Path(__file__).resolve().parent
CORPUS = _HERE / "corpus"

_ROWS: list[list[object]] = [
    ["path", "tags", "error", "red", "green", "blue", "N/A"],
    ["a.png", "red", None, 0.9, 0.1, 0.0, 0.0],
    ["b\\x41=.png", None, "the file is empty", None, None, None, None],
]


def _tables() -> dict[str, bytes | str]:
    """Return tables in each format; the first byte is not theirs, see the target."""
    import openpyxl
    import pyarrow as pa
    import pyarrow.parquet as pq

    header, *rows = _ROWS
    text = "\n".join(",".join("" if cell is None else str(cell) for cell in row) for row in _ROWS)
    records = [dict(zip(header, row, strict=True)) for row in rows]
    columns = {str(key): [record[key] for record in records] for key in header}
    parquet, xlsx = io.BytesIO(), io.BytesIO()
    pq.write_table(pa.table(columns), parquet)
    book = openpyxl.Workbook()
    for row in _ROWS:
        book.active.append(row)
    book.save(xlsx)
    lines = "\n".join(json.dumps(record) for record in records)
    return {
        "wide.csv": f" {text}\n",
        "wide.tsv": "a" + text.replace(",", "\t") + "\n",
        "excel.csv": " \ufeff" + text.replace("b\\x41=.png", "'=b.png") + "\n",
        "semicolons.csv": " sep=;\n" + text.replace(",", ";").replace(".", ",") + "\n",
        "list.csv": ' path,tags,error\na.png,"red|blue",\n"b\nc.png",,damaged\n',
        "long.csv": " path,tag,score,error\na.png,red,0.9000,\na.png,blue,0.7000,\n",
        "wide.jsonl": f" {lines}\n",
        "wide.parquet": b" " + parquet.getvalue(),
        "wide.xlsx": b" " + xlsx.getvalue(),
    }


def _corpora() -> dict[str, Mapping[str, bytes | str]]:
    wish = wish_for(("red", 0.5), ("blue", 0.4), root=("Genre",))
    sidecars = {**LISTS, **TEXTS}
    ours = merge(LISTS["digiKam"], wish)
    return {
        "image": drawn_images(),
        "xmp": {**{f"{name}.xmp": data for name, data in sidecars.items()}, "ours.xmp": ours},
        "nfo": {"kodi.nfo": KODI, "jellyfin.nfo": JELLYFIN, "empty.nfo": "<movie/>"},
        "card": {"colours.json": CARD.to_json()},
        "model": {"colours.onnx": write_model(_HERE / "colours.onnx").read_bytes()},
        "table": _tables(),
        "name": {
            "title": b"Heat (1995) [1080p]-poster2.jpg",
            "folder": b"1917 (2019)/folder.jpg",
            "dots": b"The.Matrix.1999.x264.png",
            "odd": b"a\\x41\xff\xfe\x1b[2J=1+1.jpg",
        },
    }


def main() -> None:
    """Write the corpora."""
    for target, files in _corpora().items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (folder / name.replace(" ", "-")).write_bytes(data)
    (_HERE / "colours.onnx").unlink()


if __name__ == "__main__":
    main()
