"""Settlement reports as CSV: every payment of a batch, what was paid out for it, and a trailer that counts and sums."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from zentra.routing.sandbox.days import date_of

COLUMNS = (
    "type", "payment_key", "reference", "provider_reference", "executed_on", "currency", "gross_minor", "fee_minor",
    "net_minor", "batch", "payout_on",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settlement:
    """A batch that was paid out: the columns of its table, in their order. Minor units; net = gross - fee."""

    number: int
    batch: str
    rail: str
    connection_id: str
    currency: str
    starts_ms: int
    ends_ms: int
    payout_ms: int
    items: int
    gross_minor: int
    fee_minor: int
    net_minor: int
    closed_ms: int


@dataclass(frozen=True, slots=True)
class Item:
    """A payment or refund in a batch, as the rail tells it. Signed: a refund's gross is negative."""

    payment: int
    kind: str
    payment_key: str
    reference: str
    provider_reference: str
    executed_ms: int
    gross_minor: int
    fee_minor: int

    @property
    def net_minor(self) -> int:
        return self.gross_minor - self.fee_minor


def write_report(settlement: Settlement, items: Sequence[Item]) -> bytes:
    """The report of a batch. The payout's amounts are negative: by so much the rail owes less.

    The trailer has the number of rows before it in the place of the key, and the sums of payments and refunds.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    payout_on, batch, currency = str(date_of(settlement.payout_ms)), settlement.batch, settlement.currency
    sums = (settlement.gross_minor, settlement.fee_minor, settlement.net_minor)
    writer.writerow(COLUMNS)
    for item in items:
        writer.writerow(
            (
                item.kind, item.payment_key, item.reference, item.provider_reference, date_of(item.executed_ms),
                currency, item.gross_minor, item.fee_minor, item.net_minor, batch, payout_on,
            )
        )  # fmt: skip
    writer.writerow(("payout", "", batch, batch, payout_on, currency, *(-each for each in sums), batch, payout_on))
    writer.writerow(("trailer", len(items) + 1, "", "", "", currency, *sums, batch, payout_on))
    return out.getvalue().encode()
