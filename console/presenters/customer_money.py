"""The daily proofs of customers' money as a chart and a sheet."""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Final

from console.marks import mark
from console.presenters.finance import amount, columns, row, sheet
from console.presenters.finance import day as day_cell
from console.presenters.health import BOTTOM, HEIGHT, LEFT, TOP, WIDTH, foot_labels, left_label
from console.presenters.words import NONE, grouped, short
from console.types.finance import Cell, Sheet, SheetRow
from console.types.plots import Chart
from zentra.reconciliation.closeout.money_types import MoneyProofRecord

_HEADS: Final = (
    "Day", "Proof", "Owed|r", "Held|r", "With the rails|r opt", "Difference|r", "Banks say|r", "Ledger of them|r opt",
    "Revision|r opt",
)  # fmt: skip


def difference_chart(proofs: Sequence[MoneyProofRecord], *, currency: str) -> Chart:
    """What was there beyond what was owed, day by day, in one currency; below the line it was missing."""
    title = f"Held less owed, {currency}" if currency else "Held less owed"
    known = sorted(proofs, key=lambda each: each.business_day)
    if not known:
        return Chart(title, "No day is proven yet.")
    values = [each.difference_minor for each in known]
    low, high = min(0, *values), max(0, *values)
    reach = (high - low) or 1
    start, end = known[0].business_day, known[-1].business_day
    span = max((end - start).days, 1)

    def up(value: int) -> float:
        return HEIGHT - BOTTOM - (value - low) / reach * (HEIGHT - BOTTOM - TOP)

    line = "".join(
        f"{'L' if at else 'M'}{LEFT + (each.business_day - start).days / span * (WIDTH - LEFT):.1f},"
        f"{up(each.difference_minor):.1f}"
        for at, each in enumerate(known)
    )
    missing = sum(value < 0 for value in values)
    return Chart(
        title=title,
        words=f"{len(known)} days, {f'money is missing on {missing}' if missing else 'covered on each'};"
        f" last {grouped(values[-1])}",
        height=f"{HEIGHT:.0f}",
        zero=f"{up(0):.1f}",
        first=f"{line}h4" if len(known) == 1 else line,
        grid=tuple(f"{up(value):.1f}" for value in sorted({low, high}) if value),
        labels=(
            *(left_label(up(value), short(value)) for value in sorted({low, 0, high})),
            *foot_labels(datetime.combine(start, time(), UTC), datetime.combine(end, time(), UTC)),
        ),
    )


def money_sheet(proofs: Sequence[MoneyProofRecord]) -> Sheet:
    """One row a day and currency, the newest first."""
    return sheet(
        "Customers' money by day and currency",
        columns(*_HEADS),
        (_row_of(each) for each in proofs),
        empty_title="No day of this month is proven yet",
        empty_words="A day is proven by itself some minutes after its cut-off, from the first day with money in it.",
    )


def _row_of(proof: MoneyProofRecord) -> SheetRow:
    said = proof.bank_difference_minor
    return row(
        proof.id,
        day_cell(proof.business_day),
        Cell(mark=mark("diverged", says="money is missing") if proof.is_short else mark("sound", says="covered")),
        amount(proof.owed_minor, proof.currency),
        amount(proof.held_minor, proof.currency),
        amount(proof.in_transit_minor, proof.currency),
        amount(proof.difference_minor, proof.currency, css="amt off" if proof.is_short else "amt"),
        amount(proof.bank_minor, proof.currency, css="amt off" if said else "amt"),
        amount(proof.bank_ledger_minor, proof.currency),
        Cell(NONE, css="quiet") if proof.revision == 1 else Cell(f"{proof.revision}", css="num"),
    )
