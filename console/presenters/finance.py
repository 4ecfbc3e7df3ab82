"""Sheets, cells and small words of the rooms of finance."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from console.presenters.words import NONE, grouped
from console.types import Chip
from console.types.finance import Cell, Column, Fact, Pair, Sheet, SheetRow
from console.types.ledger import Option
from zentra.core.money import format_minor

KINDS: Final = {
    "line_only": "line only",
    "entry_only": "entry only",
    "missing": "missing",
    "amount_differs": "amount differs",
    "date_differs": "date differs",
    "currency_differs": "currency differs",
    "duplicate": "duplicate line",
    "split_mismatch": "split mismatch",
    "fee_variance": "fee variance",
    "continuity_break": "continuity break",
}
"""The kinds of exceptions as people read them."""

DIFFERENCES: Final = {
    "line_only": "missing entry",
    "entry_only": "not yet on a statement",
    "missing": "overdue",
    "duplicate": "seen twice",
    "date_differs": "other day",
    "currency_differs": "other currency",
    "continuity_break": "statement does not follow",
}


def columns(*titles: str) -> tuple[Column, ...]:
    """Columns by title; what follows a bar is their class: ``Amount|r``."""
    return tuple(Column(title, css) for title, _, css in (each.partition("|") for each in titles))


def row(key: str, *cells: Cell | str, is_selected: bool = False, css: str = "") -> SheetRow:
    """A row of cells; a text is a plain cell."""
    return SheetRow(key, tuple(Cell(each) if isinstance(each, str) else each for each in cells), is_selected, css)


def sheet(caption: str, heads: tuple[Column, ...], rows: Iterable[SheetRow], **said: str) -> Sheet:
    """A sheet whose cells stand as their columns do."""
    dressed = tuple(
        replace(
            line,
            cells=tuple(
                replace(cell, css=f"{head.css.removesuffix(' head')} {cell.css}".strip())
                for head, cell in zip(heads, line.cells, strict=True)
            ),
        )
        for line in rows
    )
    return Sheet(caption=caption, columns=heads, rows=dressed, **said)


def amount(minor: int | None, currency: str = "", *, css: str = "amt") -> Cell:
    """An amount in minor units, with its currency; the title has major units."""
    if minor is None:
        return Cell(NONE, css="quiet")
    title = f"{format_minor(minor, currency)} {currency}" if currency else ""
    return Cell(grouped(minor), css=css, currency=currency, title=title)


def number(value: int, *, css: str = "num") -> Cell:
    """A count."""
    return Cell(grouped(value), css=css)


def day(on: date | None) -> Cell:
    """A calendar day."""
    return Cell(f"{on:%Y-%m-%d}" if on else NONE, css="num")


def share(part: int, whole: int) -> str:
    """A part in per cent with two decimals, never rounded up to all of it; a dash when there is no whole."""
    if not whole:
        return NONE
    return f"{part * 10_000 // whole / 100:.2f} %"


def options(pairs: Iterable[tuple[str, str]], chosen: str = "") -> tuple[Option, ...]:
    """Choices of a select."""
    return tuple(Option(value, title, value == chosen) for value, title in pairs)


def facts(*pairs: tuple[str, str] | Fact) -> tuple[Fact, ...]:
    """Facts by name and value; empty ones are left out."""
    made = (each if isinstance(each, Fact) else Fact(*each) for each in pairs)
    return tuple(each for each in made if each.value or each.mark)


def pairs(*rows: tuple[str, int] | Pair) -> tuple[Pair, ...]:
    """Lines of a reckoning by name and minor units."""
    return tuple(each if isinstance(each, Pair) else Pair(each[0], grouped(each[1])) for each in rows)


def tabs(
    here: str, current: str, named: Sequence[tuple[str, str]], counts: dict[str, int] | None = None
) -> tuple[Chip, ...]:
    """Tabs whose key is a folder of the room; the first is the room itself."""
    return tuple(
        Chip(title, f"{here}{key}/" if key else here, key == current, (counts or {}).get(key)) for key, title in named
    )
