"""What became of a rail's payout in the ledger, and the form with which a person lets it be posted."""

from dataclasses import dataclass
from typing import Final

from console.doors import Visit
from console.marks import mark
from console.presenters.finance import amount, columns, day, facts, row, sheet
from console.presenters.words import NONE, dated, grouped
from console.readings.recon import home, people, who
from console.types import Mark
from console.types.finance import Act, Cell, Fact, Facts, Sheet
from zentra.reconciliation.statements.queries import find_settlement, list_settlements
from zentra.reconciliation.statements.types import SettlementRecord
from zentra.tenants.permissions import Permission

_MARKS: Final = {
    "awaiting_person": ("review", "waits for a person"),
    "waiting": ("overdue", "refused, tried again"),
    "posted": ("posted", "posted"),
    "conflict": ("diverged", "other figures in the ledger"),
}


@dataclass(frozen=True, slots=True)
class Settled:
    """The settlement of a statement, as it stands beside it."""

    facts: tuple[Facts, ...] = ()
    acts: tuple[Act, ...] = ()
    note: str = ""


def settled(visit: Visit, statement_id: str) -> Settled:
    """The settlement of a rail's report; nothing for a bank's statement."""
    found = find_settlement(statement_id=statement_id)
    if found is None:
        return Settled()
    return Settled((_facts(visit, found),), _acts(visit, found), _note(found))


def settlement_mark(found: SettlementRecord) -> Mark:
    """How a settlement stands."""
    word, says = _MARKS[found.state]
    return mark(word, says=says)


def _facts(visit: Visit, found: SettlementRecord) -> Facts:
    names = people([found.confirmed_by])
    posting = Fact("posting", "")
    if found.posting_id:
        posting = Fact("posting", f"…{found.posting_id[-8:]}", url=f"{visit.base}ledger/postings/{found.posting_id}/")
    by = f"{who(found.confirmed_by, names).text}, {dated(found.confirmed_at)} UTC" if found.confirmed_by else ""
    return Facts(
        "Settlement",
        facts(
            Fact("state", "", mark=settlement_mark(found)),
            Fact("batch", found.batch, copy=found.batch),
            ("gross", f"{grouped(found.gross_minor)} {found.currency}"),
            ("fee", f"{grouped(found.fee_minor)} {found.currency}"),
            ("net, to the bank", f"{grouped(found.net_minor)} {found.currency}"),
            ("paid on", f"{found.paid_on:%Y-%m-%d}"),
            ("came", "collected from the rail" if found.is_collected else "sent by a person"),
            ("why not", found.reason),
            ("tried again", f"{dated(found.next_try_at)} UTC" if found.next_try_at else ""),
            ("let through by", by),
            ("counts from", f"{dated(found.effective_at)} UTC" if found.effective_at else ""),
            ("late for", f"{found.late_for}, which was closed" if found.late_for else ""),
            posting,
        ),
    )


def _acts(visit: Visit, found: SettlementRecord) -> tuple[Act, ...]:
    if not found.is_open or not visit.may(Permission.LEDGER_POST):
        return ()
    return (
        Act(
            "settle",
            "Post this settlement" if found.state == "awaiting_person" else "Try to post it again",
            f"{home(visit)}statements/{found.statement_id}/settle/",
            is_primary=True,
            shortcut="s",
            words=f"bank {grouped(found.net_minor)}, fees {grouped(found.fee_minor)}, rail receivable "
            f"{grouped(found.gross_minor)} {found.currency}; asks for your second factor",
        ),
    )


def _note(found: SettlementRecord) -> str:
    if found.state == "awaiting_person":
        return (
            "Somebody sent this report: nothing of it is in the ledger until a person who may post lets it be posted."
        )
    if found.state == "waiting":
        return f"The ledger refused this payout: {found.reason or found.reason_code}"
    if found.state == "conflict":
        return "The ledger has this batch with other figures; nothing was posted."
    return ""


def waiting_sheet(visit: Visit) -> tuple[Sheet, ...]:
    """Settlements that are not in the ledger; nothing when all are."""
    found = list_settlements(limit=50)
    if not found:
        return ()
    return (
        sheet(
            "Settlements that are not in the ledger, oldest first",
            columns("Batch", "State", "Why|wrap", "Paid on", "Gross|r opt", "Fee|r opt", "Net|r"),
            (
                row(
                    each.statement_id,
                    Cell(each.batch, url=f"{home(visit)}statements/{each.statement_id}/"),
                    Cell(mark=settlement_mark(each)),
                    each.reason or NONE,
                    day(each.paid_on),
                    amount(each.gross_minor),
                    amount(each.fee_minor),
                    amount(each.net_minor, each.currency),
                )
                for each in found
            ),
            title="Settlements that wait",
            label="nothing of them is in the ledger",
        ),
    )
