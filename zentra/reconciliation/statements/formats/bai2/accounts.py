"""Accounts (``03`` to ``49``) and what they move (``16``): a statement each."""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from zentra.core.money import UnknownCurrency, check_currency
from zentra.reconciliation.references import normalise_reference
from zentra.reconciliation.statements.formats.bai2.records import (
    Cursor,
    Record,
    read_count,
    read_day,
    read_funds,
    read_minor,
    read_total,
)
from zentra.reconciliation.statements.formats.parsed import Begins, Ends, ParsedLine, Problem, Totals
from zentra.reconciliation.statements.formats.sums import Sums, WrongField, problem_at

DEFAULT_CURRENCY: Final = "USD"
MAX_TEXT: Final = 1_000
_OPENING, _CLOSING, _CREDITS, _DEBITS = "010", "015", "100", "400"
_MAX_SUMMARIES: Final = 2_000
_CODE: Final = re.compile(r"[0-9]{3}")
_NO_MONEY: Final = "890"
_LOANS_IN: Final = frozenset(["706", "708", "720", "721", "722"])
_LOANS_OUT: Final = frozenset(["760"])
_WORD: Final = re.compile(r"([A-Z]{4}): ?(.*)")
_KEY_OF: Final = {"EREF": "end_to_end_id", "CREF": "clearing_reference", "CHKN": "cheque_number", "UETR": "uetr"}
_BEST_FIRST: Final = ("end_to_end_id", "customer_reference", "bank_reference")


@dataclass(slots=True)
class Group:
    """A group (``02``): whose account it is, its day, its currency, what is wrong with it as a whole."""

    originator: str
    day: date | None
    currency: str
    problems: list[Problem] = field(default_factory=list)


def read_group(record: Record) -> Group:
    """The head of a group. Deletions, corrections, tests and interim reports are none that can count."""
    cells = [*record.fields(), *[""] * 7]
    group = Group(cells[1], None, cells[5] or DEFAULT_CURRENCY)
    try:
        group.day = read_day(cells[3])
    except WrongField as wrong:
        group.problems.append(wrong.at(record.number, "02"))
    if cells[2] != "1":
        detail = f"The group's status is {cells[2][:20]!r}; only updates (1) are taken."
        group.problems.append(problem_at(record.number, "02", "group_status_refused", detail, status=cells[2][:20]))
    if cells[6] not in ("", "2", "4"):
        detail = f"The as-of-date modifier is {cells[6][:20]!r}; only final reports (2, 4) are taken."
        group.problems.append(problem_at(record.number, "02", "statement_interim", detail, modifier=cells[6][:20]))
    return group


class Account:
    """A statement while it is read. ``total`` is what its control total has to be, ``seen`` the accounts before it."""

    def __init__(self, record: Record, group: Group, *, number: int, seen: Counter[tuple[object, ...]]) -> None:
        self.record, self.group = record, group
        self.sums = Sums()
        self.total = 0
        self.balances: dict[str, int] = {}
        self.counts: dict[str, int] = {}
        self.problems: list[Problem] = []
        self.has_broken_lines = False
        cursor = Cursor(record)
        self.name = "".join(cursor.next().split()).upper()
        self.currency = cursor.next() or group.currency
        self._read_summaries(record)
        key = (group.originator, group.day, self.name, self.currency)
        seen[key] += 1
        self.begins = self._begins(number, seen[key])

    def _begins(self, number: int, repeated: int) -> Begins:
        group, line = self.group, self.record.number
        problems = [*group.problems, *self.problems]
        try:
            check_currency(self.currency)
        except UnknownCurrency as error:
            problems.append(problem_at(line, "03", "unknown_currency", error.detail, currency=self.currency[:20]))
        if not self.name:
            problems.append(problem_at(line, "03", "account_missing", "The record names no account."))
        day = "" if group.day is None else group.day.isoformat()
        self.problems = []
        return Begins(
            number=number, place=f"line {line}, 03", format="bai2",
            external_id=f"{group.originator} {day}"[:120] + (f" part {repeated}" if repeated > 1 else ""),
            accounts=(self.name, f"{group.originator}/{self.name}") if self.name else (), currency=self.currency,
            starts_on=group.day, ends_on=group.day, problems=tuple(problems),
        )  # fmt: skip

    def _read_summaries(self, record: Record) -> None:
        """Balances and totals, each a type code, an amount, a count of items, a funds type and what it asks for."""
        try:
            for code, amount, count in summaries(record):
                minor = read_minor(amount, is_signed=True) if amount else None
                if minor is None:
                    continue
                self.total += minor
                if self.balances.setdefault(code, minor) != minor:
                    raise WrongField("balance_twice", f"{code} is there twice and differs.", type_code=code)
                if count:
                    self.counts[code] = read_count(count)
        except WrongField as wrong:
            self.problems.append(wrong.at(record.number, "03"))

    def line(self, record: Record) -> ParsedLine | None:
        """A ``16``; None for one that moves nothing. Raises WrongField."""
        cursor = Cursor(record)
        code, amount, funds = cursor.next(), cursor.next(), cursor.next()
        value_on, available = read_funds(funds, cursor)
        minor = read_minor(amount, is_signed=False) if amount else 0
        self.total += minor
        if code == _NO_MONEY:
            return None
        is_credit = _is_credit(code)
        self.sums.add(minor, is_credit=is_credit)
        day = self.group.day
        if not minor or day is None:
            return None
        references: dict[str, Any] = {}
        for key in ("bank_reference", "customer_reference"):
            if normalise_reference(sent := cursor.next()):
                references[key] = sent[:140]
        if funds:
            references["funds_type"] = funds
        if available:
            references["availability"] = available[:60]
        counterparty, description = _read_text(cursor.text(), references, is_credit=is_credit)
        normalised = (normalise_reference(str(references[key])) for key in _BEST_FIRST if key in references)
        return ParsedLine(
            day, value_on or day, minor if is_credit else -minor, self.currency, f"BAI/{code}",
            next((text for text in normalised if text), ""), references, "", None, None, counterparty[:MAX_TEXT],
            description[:MAX_TEXT], False,
        )  # fmt: skip

    def ends(self, record: Record) -> Ends:
        """The end of it, with its control total (``49``) against what its records have."""
        problems = list(self.problems)
        told = read_total(record.fields()[0])  # read before, with the controls of the file
        if told != self.total and not self.has_broken_lines:
            problems.append(
                problem_at(
                    record.number,
                    "49",
                    "control_total_differs",
                    f"The control total is {told}, the amounts of the account make {self.total}.",
                    total="account",
                    told=told,
                    counted=self.total,
                    difference=told - self.total,
                )
            )
        counted = self.sums.totals()
        return Ends(
            place=self.begins.place, opening_minor=self.balances.get(_OPENING),
            closing_minor=self.balances.get(_CLOSING),
            told=Totals(
                credits=self.counts.get(_CREDITS), credits_minor=self.balances.get(_CREDITS),
                debits=self.counts.get(_DEBITS), debits_minor=self.balances.get(_DEBITS),
            ),
            counted=counted, counted_all=counted, starts_on=self.group.day, ends_on=self.group.day,
            problems=tuple(problems),
        )  # fmt: skip


def summaries(record: Record) -> list[tuple[str, str, str]]:
    """Type code, amount and count of each summary; raises WrongField.

    A line that ends with ``,/`` ends with an empty field by the letter; where that would leave an amount without a type
    code, the bank meant the end of the line, and nothing else can be meant.
    """
    cells = record.fields()
    last_of_row: set[int] = set()
    place = 0
    for row in record.rows:
        place += len(row.partition("/")[0].split(","))
        last_of_row.add(place - 1)
    found: list[tuple[str, str, str]] = []
    at = 2
    while at < len(cells):
        code = cells[at]
        if not code:
            at = _past_nothing(cells, at, last_of_row)
            continue
        if not _CODE.fullmatch(code):
            raise WrongField("type_code_malformed", f"{code[:20]!r} is no type code.")
        amount, count, funds = (*cells[at + 1 : at + 4], "", "", "")[:3]
        found.append((code, amount, count))
        at += 4
        width = {"S": 3, "V": 2}.get(funds, 0)
        if funds == "D":
            times = read_count(cells[at]) if at < len(cells) else 0
            width = 1 + 2 * times
        elif funds not in ("", "0", "1", "2", "Z", "S", "V"):
            raise WrongField("funds_type_malformed", f"{funds[:20]!r} is none of Z, 0, 1, 2, S, V, D.")
        at += width
        if len(found) > _MAX_SUMMARIES:
            raise WrongField("record_too_long", f"More than {_MAX_SUMMARIES} summaries.")
    return found


def _past_nothing(cells: list[str], at: int, last_of_row: set[int]) -> int:
    """Where to go on after a summary that is not there: four empty fields, or empty fields to the end of a line."""
    end = at
    while not cells[end] and end not in last_of_row:
        end += 1
    if not cells[end]:
        return end + 1
    if any(cells[at + 1 : at + 4]):
        raise WrongField("type_code_missing", "A summary has an amount and no type code.")
    return at + 4


def _is_credit(code: str) -> bool:
    """Whether a type code of a detail brings money, by the ranges of the specification; raises WrongField."""
    if _CODE.fullmatch(code):
        number = int(code)
        if 101 <= number <= 399 or 920 <= number <= 959 or code in _LOANS_IN:
            return True
        if 401 <= number <= 699 or 960 <= number <= 999 or code in _LOANS_OUT:
            return False
    raise WrongField("type_code_unknown", f"{code[:20]!r} is no type code of a credit or debit.", type_code=code[:20])


def _read_text(lines: list[str], references: dict[str, Any], *, is_credit: bool) -> tuple[str, str]:
    """The other party and a description of a text; some banks write ``EREF: …`` in lines of their own."""
    said: dict[str, list[str]] = {}
    free: list[str] = []
    for text in lines:
        found = _WORD.fullmatch(text)
        if found is None:
            free.append(text)
        elif found[2].strip() and found[2].strip() not in said.setdefault(found[1], []):
            said[found[1]].append(found[2].strip())
    for word, key in _KEY_OF.items():
        values = said.get(word, [])
        if len(values) == 1:
            references[key] = values[0][:140]
        elif values:
            references[f"{key}_ambiguous"] = values[:10]
    party = said.get("DBNM" if is_credit else "CRNM", [""])[0]
    return party, " ".join(" ".join((*said.get("REMI", ()), *free)).split())
