"""What a parser says of a file, in the order of the file.

Of each statement: one ``Begins``, its lines (and what of them cannot be read), one ``Ends``. Amounts are signed minor
units from our side: money that came to us is positive.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong: where, a stable code, a sentence, the numbers."""

    place: str
    code: str
    detail: str
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Begins:
    """A statement begins. ``accounts`` are the names that the file gives its account; empty: it names none.

    ``page`` of a statement that comes in several, else None.
    """

    number: int  # of the file, from 1
    place: str
    format: str
    external_id: str
    accounts: tuple[str, ...]
    currency: str
    sequence: int | None = None
    page: int | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    problems: tuple[Problem, ...] = ()


class ParsedLine(NamedTuple):
    """A line as a file says it. ``references`` as sent; ``reference`` and ``batch`` are normalised already."""

    booked_on: date
    value_on: date
    amount_minor: int
    currency: str
    kind: str
    reference: str
    references: dict[str, Any]
    batch: str
    gross_minor: int | None
    fee_minor: int | None
    counterparty: str
    description: str
    is_reversal: bool
    # Before exchange, where the file tells it: signed, in minor units of its own currency; the rate as written.
    original_amount_minor: int | None = None
    original_currency: str = ""
    exchange_rate: str = ""


@dataclass(frozen=True, slots=True)
class LineRefused:
    """A line that cannot be read, with each thing that is wrong in it; its statement cannot count."""

    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """Control totals, as far as they are known: entries and sums without sign, ``net_minor`` signed."""

    entries: int | None = None
    sum_minor: int | None = None
    net_minor: int | None = None
    credits: int | None = None
    credits_minor: int | None = None
    debits: int | None = None
    debits_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Ends:
    """A statement ends: its balances, what the file says of its sums, and what the parser counted.

    ``entries`` of the file and lines differ: an entry of a batch is several lines. ``counted_all`` counts what is not
    booked too, which some banks put into their totals. ``problems`` are checks that only the format knows.
    """

    place: str
    opening_minor: int | None
    closing_minor: int | None
    told: Totals
    counted: Totals
    counted_all: Totals
    starts_on: date | None = None
    ends_on: date | None = None
    problems: tuple[Problem, ...] = ()


Part = Begins | ParsedLine | LineRefused | Ends


class Progress(Protocol):
    """How far into the file a parser is."""

    def __call__(self, read_bytes: int) -> None: ...


Parts = Iterator[Part]
