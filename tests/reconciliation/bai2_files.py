"""BAI2 files as a bank writes them.

From the Cash Management Balance Reporting Specifications Version 2 (Bank Administration Institute): records 01, 02, 03,
16, 49, 88, 98, 99, their fields in order, control totals and counts of records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ACCOUNT = "DE89370400440532013000"


@dataclass
class Detail:
    """A ``16``; minor units without sign, the code says which way they go."""

    code: str = "195"
    minor: int = 100
    funds: str = "0"
    bank_reference: str = ""
    customer_reference: str = ""
    text: str = ""
    more: Sequence[str] = ()
    raw: str = ""

    @property
    def signed(self) -> int:
        """From our side."""
        return self.minor if int(self.code) < 400 else -self.minor

    def rows(self) -> list[str]:
        """As it stands in the file."""
        row = f"16,{self.code},{self.minor},{self.funds},{self.bank_reference},{self.customer_reference},{self.text}"
        return [self.raw or (row if self.text else f"{row}/"), *(f"88,{line}" for line in self.more)]


@dataclass
class Account:
    """A ``03`` to its ``49``. ``control`` and ``records`` None: as they are."""

    details: Sequence[Detail] = ()
    opening: int = 0
    closing: int | None = None
    name: str = ACCOUNT
    currency: str = "USD"
    head: Sequence[str] = ()
    head_total: int = 0
    totals: bool = True
    control: int | None = None
    records: int | None = None

    def parts(self) -> tuple[list[str], int]:
        """Its rows, and its control total."""
        credits_ = [one.minor for one in self.details if one.signed > 0]
        debits = [one.minor for one in self.details if one.signed < 0]
        closing = self.opening + sum(credits_) - sum(debits) if self.closing is None else self.closing
        rows = [f"03,{self.name},{self.currency},010,{self.opening:+},,,015,{closing:+},,/"]
        total = self.opening + closing
        if self.totals:
            rows.append(f"88,100,{sum(credits_)},{len(credits_)},,400,{sum(debits)},{len(debits)},/")
            total += sum(credits_) + sum(debits)
        if self.head:
            rows, total = list(self.head), self.head_total
        rows += [row for one in self.details for row in one.rows()]
        total += sum(credits_) + sum(debits)
        total = total if self.control is None else self.control
        count = len(rows) + 1 if self.records is None else self.records
        return [*rows, f"49,{total},{count}/"], total


@dataclass
class Group:
    """A ``02`` to its ``98``."""

    accounts: Sequence[Account] = ()
    status: str = "1"
    day: str = "260430"
    currency: str = ""
    modifier: str = "2"
    originator: str = "121000248"
    control: int | None = None
    members: int | None = None
    records: int | None = None

    def parts(self) -> tuple[list[str], int]:
        """Its rows, and its control total."""
        every = [one.parts() for one in self.accounts]
        head = f"02,ZENTRA,{self.originator},{self.status},{self.day},2400,{self.currency},{self.modifier}/"
        rows = [head, *(row for found, _total in every for row in found)]
        total = sum(part for _rows, part in every) if self.control is None else self.control
        members = len(every) if self.members is None else self.members
        records = len(rows) + 1 if self.records is None else self.records
        return [*rows, f"98,{total},{members},{records}/"], total


def bai2(
    *groups: Group, control: int | None = None, members: int | None = None, records: int | None = None,
    version: str = "2", newline: str = "\r\n",
) -> bytes:  # fmt: skip
    """A file of them."""
    every = [one.parts() for one in groups]
    rows = [f"01,121000248,ZENTRA,260501,0600,1,,,{version}/", *(row for found, _total in every for row in found)]
    total = sum(part for _rows, part in every) if control is None else control
    members = len(every) if members is None else members
    records = len(rows) + 1 if records is None else records
    return newline.join([*rows, f"99,{total},{members},{records}/", ""]).encode()
