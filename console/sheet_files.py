"""A sheet of the finance rooms as a file: what stands in its cells, amounts as whole numbers, ids whole."""

import csv
import io
import re
from collections.abc import Iterator
from typing import Final, Literal

import xlsxwriter
from django.http import HttpResponse

from console import paging
from console.asked import asked
from console.doors import Visit
from console.presenters.words import NONE
from console.types import Chip
from console.types.finance import Cell, Sheet, SheetRow

Kind = Literal["csv", "xlsx"]
MOST: Final = 5_000
_WHOLE: Final = re.compile(r"−?\d{1,3}(,\d{3})*")
_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_FORMULA: Final = "=+-@\t\r"


def wanted(visit: Visit) -> Kind | None:
    """Whether the address asks for the list as a file: ``?as=csv`` or ``?as=xlsx``."""
    said = asked(visit, "as")
    return "csv" if said == "csv" else "xlsx" if said == "xlsx" else None


def file_links(here: str, **kept: str | None) -> tuple[Chip, ...]:
    """The list of this address as CSV and as a spreadsheet, at most 5,000 rows."""
    return (
        Chip("CSV", paging.link(here, **kept, **{"as": "csv"}), True, key="e"),
        Chip("XLSX", paging.link(here, **kept, **{"as": "xlsx"}), True),
    )


def sheet_file(listed: Sheet, name: str, kind: Kind) -> HttpResponse:
    """The sheet as a download. Texts stay texts: no spreadsheet takes one for a formula."""
    rows = list(_rows(listed))
    content = _csv(rows) if kind == "csv" else _xlsx(rows, listed.caption)
    return HttpResponse(
        content,
        content_type=_TYPES[kind],
        headers={
            "Content-Disposition": f'attachment; filename="{name}.{kind}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


def _rows(listed: Sheet) -> Iterator[list[str | int]]:
    places = [at for at, column in enumerate(listed.columns) if column.title]
    money = {at for at in places if any(row.cells[at].currency for row in listed.rows)}
    head: list[str | int] = ["id"]
    for at in places:
        head += [listed.columns[at].title, "currency"] if at in money else [listed.columns[at].title]
    yield head
    for row in listed.rows:
        told: list[str | int] = [row.key]
        for at in places:
            told.append(_value(row, row.cells[at]))
            if at in money:
                told.append(row.cells[at].currency)
        yield told


def _value(row: SheetRow, cell: Cell) -> str | int:
    if cell.mark is not None:
        return cell.mark.word
    if cell.moment is not None:
        return cell.moment.iso
    if cell.text == NONE:
        return ""
    if _WHOLE.fullmatch(cell.text) and ("num" in cell.css or "amt" in cell.css):
        return int(cell.text.replace(",", "").replace("−", "-"))
    whole = (cell.title or row.key) if cell.text.startswith("…") else cell.text
    return f"{whole}, {cell.note}" if cell.note else whole


def _csv(rows: list[list[str | int]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([_safe(value) for value in each] for each in rows)
    return text.getvalue().encode()


def _safe(value: str | int) -> str | int:
    return f"'{value}" if isinstance(value, str) and value[:1] in _FORMULA and value else value


def _xlsx(rows: list[list[str | int]], caption: str) -> bytes:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    page = book.add_worksheet(re.sub(r"[\[\]:*?/\\]", " ", caption)[:31])
    bold = book.add_format({"bold": True})
    for at, each in enumerate(rows):
        page.write_row(at, 0, each, bold if at == 0 else None)
    page.freeze_panes(1, 1)
    book.close()
    return file.getvalue()
