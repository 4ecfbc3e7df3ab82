"""MT940 files as a bank writes them.

From the field specifications of SWIFT Standards MT, Category 9, MT 940 Customer Statement Message: 20 (16x), 25 (35x),
28C (5n[/5n]), 60a and 62a (1!a6!n3!a15d), 61 (6!n[4!n]2a[1!a]15d1!a3!c16x[//16x][34x]), 86 (6*65x), 64, 65; sums 90a
(5n3!a15d) as MT 942 has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from tests.reconciliation.banking import decimal_of

ACCOUNT = "37040044/0532013000"  # the number of DE89370400440532013000


def amount_of(minor: int, currency: str = "USD") -> str:
    """Minor units as MT940 writes them: a comma always, no sign."""
    text = decimal_of(minor, currency).replace(".", ",")
    return text if "," in text else f"{text},"


@dataclass
class Entry:
    """A ``:61:`` and its ``:86:``; positive amounts come to us."""

    minor: int
    day: date = date(2026, 4, 30)
    value_day: date | None = None
    is_reversal: bool = False
    kind: str = "NTRF"
    reference: str = "NONREF"
    bank_reference: str = ""
    supplement: str = ""
    info: Sequence[str] = ()
    raw: str = ""

    def lines(self, currency: str) -> list[str]:
        """As it stands in the file."""
        valued = self.value_day or self.day
        mark = ("RD" if self.minor > 0 else "RC") if self.is_reversal else ("C" if self.minor > 0 else "D")
        text = f"{valued:%y%m%d}{self.day:%m%d}{mark}{amount_of(self.minor, currency)}{self.kind}{self.reference}"
        text += f"//{self.bank_reference}" if self.bank_reference else ""
        found = [self.raw or f":61:{text}"]
        found += [self.supplement] if self.supplement else []
        return [*found, *(f":86:{line}" if place == 0 else line for place, line in enumerate(self.info))]


@dataclass
class Message:
    """A message; ``closing`` None: the one that follows from the entries."""

    entries: Sequence[Entry] = ()
    opening: int = 0
    closing: int | None = None
    number: str = "1/1"
    reference: str = "STARTUMSE"
    account: str = ACCOUNT
    currency: str = "USD"
    opened_on: date = date(2026, 4, 29)
    day: date = date(2026, 4, 30)
    first: str = "60F"
    last: str = "62F"
    after: Sequence[str] = ()
    before_lines: Sequence[str] = ()
    net: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.net = sum(entry.minor for entry in self.entries)

    def lines(self) -> list[str]:
        """Its fields."""
        closing = self.opening + self.net if self.closing is None else self.closing
        return [
            f":20:{self.reference}", f":25:{self.account}", f":28C:{self.number}",
            self._balance(self.first, self.opening, self.opened_on), *self.before_lines,
            *(line for entry in self.entries for line in entry.lines(self.currency)),
            self._balance(self.last, closing, self.day), *self.after,
        ]  # fmt: skip

    def _balance(self, tag: str, minor: int, day: date) -> str:
        return f":{tag}:{'C' if minor >= 0 else 'D'}{day:%y%m%d}{self.currency}{amount_of(minor, self.currency)}"


def mt940(*messages: Message, end: str = "-", newline: str = "\r\n") -> bytes:
    """A file of them."""
    return "".join(line + newline for one in messages for line in (*one.lines(), end)).encode()


def enveloped(*messages: Message) -> bytes:
    """As SWIFT delivers them: blocks 1 and 2 before, the trailer behind."""
    head = "{1:F01BANKDEFFXXXX0000000000}{2:O9401200260430BANKDEFFXXXX00000000002604301200N}{4:"
    return "".join(
        "\r\n".join((head, *one.lines(), "-}{5:{CHK:123456789ABC}}")) + "\r\n" for one in messages
    ).encode()  # fmt: skip
