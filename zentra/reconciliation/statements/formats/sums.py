"""What is counted while a statement is read, and what is wrong in a line or field of a text format."""

from datetime import date
from typing import Any

from zentra.reconciliation.statements.formats.amounts import NotADay
from zentra.reconciliation.statements.formats.parsed import LineRefused, Problem, Totals


class WrongField(Exception):  # control flow inside the formats alone
    """What is wrong in a field or record; it becomes a Problem where its place is known."""

    def __init__(self, code: str, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.code, self.detail, self.extra = code, detail, extra

    def at(self, number: int, tag: str) -> Problem:
        """The problem, with the line of the file and the tag or record that it is in."""
        return problem_at(number, tag, self.code, self.detail, **self.extra)

    def refused(self, number: int, tag: str) -> LineRefused:
        """The line that cannot be read."""
        return LineRefused((self.at(number, tag),))


def problem_at(number: int, tag: str, code: str, detail: str, **extra: Any) -> Problem:
    """A problem of a line of the file (from 1) and the tag (``:61:``) or record (``16``) that begins there."""
    return Problem(f"line {number}, {tag}", code, detail, {"line": number, "tag": tag.strip(":"), **extra})


class Sums:
    """Entries as they are counted. Minor units; debits without sign."""

    __slots__ = ("credits", "credits_minor", "debits", "debits_minor")

    def __init__(self) -> None:
        self.credits = self.credits_minor = self.debits = self.debits_minor = 0

    def add(self, minor: int, *, is_credit: bool) -> None:
        """Count an entry of so many minor units, without sign; one of nothing has a side too."""
        if is_credit:
            self.credits += 1
            self.credits_minor += minor
        else:
            self.debits += 1
            self.debits_minor += minor

    def totals(self) -> Totals:
        """As files tell them."""
        return Totals(
            self.credits + self.debits, self.credits_minor + self.debits_minor, self.credits_minor - self.debits_minor,
            self.credits, self.credits_minor, self.debits, self.debits_minor,
        )  # fmt: skip


def read_short_day(text: str) -> date:
    """``YYMMDD``; years from 80 on are of the twentieth century (SWIFT's rule). Raises NotADay."""
    if len(text) == 6 and text.isascii() and text.isdecimal():
        year = int(text[:2])
        try:
            return date(year + (1900 if year >= 80 else 2000), int(text[2:4]), int(text[4:]))
        except ValueError:
            pass
    raise NotADay(f"{text[:40]!r} is no day YYMMDD.")
