"""The second sheet of a workbook: how many images each tag has, and what the run was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

#: Its name.
SUMMARY: Final = "summary"

# In the form that every program reads.
_BAR = {"type": "data_bar", "bar_color": "#7FB3E6", "min_type": "num", "min_value": 0}
_FACTS_COLUMN = 4


def write_summary(
    book: Any, uses: Counter[str], images: int, facts: Sequence[tuple[str, object]]
) -> None:
    """Add the sheet to a workbook of XlsxWriter.

    Args:
        book: the workbook.
        uses: tag → how many images have it.
        images: how many there are.
        facts: names and values, for people.
    """
    sheet = book.add_worksheet(SUMMARY)
    bold = book.add_format({"bold": True, "bottom": 1, "bg_color": "#EDEFF2"})
    share = book.add_format({"num_format": "0.0%"})
    left = book.add_format({"align": "left", "text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 18)
    sheet.set_column(2, 2, 10, share)
    sheet.set_column(_FACTS_COLUMN, _FACTS_COLUMN, 20, left)
    sheet.set_column(_FACTS_COLUMN + 1, _FACTS_COLUMN + 1, 50, left)
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    for place, name in enumerate(("tag", "images", "share")):
        sheet.write_string(0, place, name, bold)
    sheet.write_string(0, _FACTS_COLUMN, "this table", bold)
    sheet.write_blank(0, _FACTS_COLUMN + 1, None, bold)
    tags = sorted(uses.items(), key=lambda pair: (-pair[1], pair[0]))
    # Row by row, since what lies behind is on the disk already.
    for row in range(max(len(tags), len(facts))):
        if row < len(tags):
            tag, count = tags[row]
            sheet.write_string(row + 1, 0, tag)
            sheet.write_number(row + 1, 1, count)
            sheet.write_number(row + 1, 2, count / images)
        if row < len(facts):
            name, value = facts[row]
            sheet.write_string(row + 1, _FACTS_COLUMN, name)
            write = sheet.write_string if isinstance(value, str) else sheet.write_number
            write(row + 1, _FACTS_COLUMN + 1, value)
    if tags:
        sheet.conditional_format(1, 1, len(tags), 1, _BAR)
