"""A month as the journey of finance has it: what the ledger says, and what a bank and a rail say of the same money.

Banks and books come apart in each of the ten ways that reconciliation knows; ``BREAKS`` names them. Minor units, from
our side.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from ledger.operations import create_chart
from tests.ledger.book import Book
from tests.reconciliation.banking import IBAN, Ntry, Stmt, Tx, camt, report
from tests.reconciliation.closing import LAST
from zentra.core.clock import now
from zentra.core.tenancy import tenant_work

if TYPE_CHECKING:
    from pathlib import Path

    from zentra.core.tenancy import TenantRef

MONTH: Final = f"{LAST:%Y-%m}"
FIRST: Final = LAST.replace(day=1)
DAY: Final = LAST - timedelta(days=12)
"""The day of all money that is not said to be of another one."""
RAIL: Final = "rail_a"
EURO_IBAN: Final = "DE02500105170137075030"
FEE_PERCENT_BP: Final = 140
FEE_FIXED_MINOR: Final = 25

# What the ledger has at the bank: reference, minor units, days before the month's last one.
POSTED: Final = (
    ("SALE1", 100_000, 12),
    ("SALE2", 50_000, 2),
    ("INVOICE7700", 7_700, 12),
    ("ORDER20", 20_000, 12),
    ("PARTS30", 10_000, 12),
    ("PARTS30", 5_000, 12),
    ("SLOWBOAT", 6_000, 24),
    ("TWICE", -900, 12),
    ("UNSEEN", 4_800, 12),
)
# What the bank has, up to the day and after it.
BANKED: Final = (
    ("SALE1", 100_000),
    ("INV0ICE770O", 7_700),  # mistyped by the payer
    ("ORDER20", 17_500),  # 2,500 short: more than one person may force
    ("PARTS30", 14_600),  # 400 short: one person may
    ("SLOWBOAT", 6_000),  # many days later than the books say
    ("TWICE", -900),
    ("TWICE", -900),
    ("FXPAY", 9_800),  # the books have it in the account in euros
    ("STRAYMONEY", 300),
    ("MONTHLYFEE", -500),
    ("TINYREST", -40),
    ("rail_a-b1", 29_330),
)
AFTERWARDS: Final = (("SALE2", 50_000),)
# What the rail collected: reference, gross, and the fee that it tells. The second one is 200 more than was agreed.
FIRST_BATCH: Final = (("COLLECT1", 10_000, 165), ("COLLECT2", 20_000, 505))
SECOND_BATCH: Final = (("COLLECT3", 8_000, 137),)
"""Its payout never arrives at the bank."""
EUROS: Final = (("EUROSALE", 30_000, 12), ("EUROREST", 5_000, 0))
NO_ACCOUNT_IN_THE_BOOKS: Final = ("FXPAY", 9_000, 12)

BREAKS: Final = frozenset({
    "line_only", "entry_only", "missing", "amount_differs", "date_differs", "currency_differs", "duplicate",
    "split_mismatch", "fee_variance", "continuity_break",
})  # fmt: skip


def keep_the_books(workspace: TenantRef) -> None:
    """What the ledger has of the month, before any bank says a word."""
    with tenant_work(workspace):
        create_chart(currency="EUR", now=now())
    book = Book(workspace)
    for reference, amount, before in POSTED:
        _move(book, "bank", reference, amount, before)
    for reference, amount, before in (*EUROS, NO_ACCOUNT_IN_THE_BOOKS):
        _move(book, "bank", reference, amount, before, currency="EUR")
    for reference, gross, _ in (*FIRST_BATCH, *SECOND_BATCH):
        _move(book, "rail_receivable", reference, gross, 12)


def _move(book: Book, account: str, reference: str, amount: int, before: int, **more: str) -> None:
    debit, credit = (account, "suspense") if amount > 0 else ("suspense", account)
    at = datetime.combine(LAST - timedelta(days=before), time(12), tzinfo=UTC)
    book.move(debit, credit, abs(amount), effective_at=at, external_reference=reference, purpose="manual", **more)


@dataclass(frozen=True)
class Files:
    """What the bank and the rail send, on disk."""

    directory: Path

    def bank(self) -> Path:
        """The bank's camt.053: two statements, and number 2 between them, of days without money, is not there."""
        first = Stmt(f"S-{MONTH}-1", _entries(BANKED, DAY), sequence=1, first_day=f"{FIRST}", day=f"{DAY}", iban=IBAN)
        third = Stmt(
            f"S-{MONTH}-3", _entries(AFTERWARDS, LAST - timedelta(days=2)), sequence=3, opening=first.net,
            first_day=f"{DAY + timedelta(days=1)}", day=f"{LAST}", iban=IBAN,
        )  # fmt: skip
        return self._write("month.xml", camt(first, third))

    def euros(self) -> Path:
        """The other bank's CSV, as its customers in Germany get it."""
        rows, balance = ["Buchungstag;Betrag;Referenz;Verwendungszweck;Saldo"], 0
        for reference, amount, before in EUROS:
            balance += amount
            on = LAST - timedelta(days=before)
            rows.append(f"{on:%d.%m.%Y};{_comma(amount)};{reference};about {reference};{_comma(balance)}")
        return self._write("euros.csv", "\n".join([*rows, ""]).encode())

    def reports(self) -> tuple[Path, Path]:
        """The rail's settlement reports of its two batches."""
        return (
            self._write("batch1.csv", _report(*FIRST_BATCH, batch=f"{RAIL}-b1")),
            self._write("batch2.csv", _report(*SECOND_BATCH, batch=f"{RAIL}-b2")),
        )

    def letter(self) -> Path:
        """What the bank wrote about its statement number 2."""
        return self._write("letter.txt", b"Statement 2 of the month has no entries and was not sent.\n")

    def _write(self, name: str, content: bytes) -> Path:
        path = self.directory / name
        path.write_bytes(content)
        return path


def _entries(money: tuple[tuple[str, int], ...], on: date) -> list[Ntry]:
    said = (Tx(reference, text=f"about {reference}, {number}") for number, (reference, _) in enumerate(money, 1))
    return [Ntry(amount, [tx], day=f"{on}") for (_, amount), tx in zip(money, said, strict=True)]


def _report(*payments: tuple[str, int, int], batch: str) -> bytes:
    return report(*payments, batch=batch, payout_on=f"{DAY}").replace(b"2026-04-30", f"{DAY}".encode())


def _comma(minor: int) -> str:
    return f"{minor // 100:,}".replace(",", ".") + f",{minor % 100:02}"
