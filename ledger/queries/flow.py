"""The ledger flow of one intent: the five accounts of the documents, with what moved and where it stands now."""

from collections.abc import Callable, Sequence
from typing import Final

from ledger.queries.postings import entries_of_intent
from ledger.types import EntryRecord, FlowRow, LedgerFlow

_NAMES: Final = ("Customer", "Reserved", "Settlement", "Merchant", "Payout")
# Which entry of which step says who plays a part. By step, not by account type: a transfer's source and destination
# are both customers' accounts, and only the step tells them apart.
_PARTS: Final[dict[str, Callable[[EntryRecord], bool]]] = {
    "Customer": lambda e: e.purpose == "reserve" and e.direction == "debit",
    "Reserved": lambda e: e.purpose == "reserve" and e.direction == "credit",
    "Settlement": lambda e: e.purpose == "success" and e.direction == "credit" and e.account_type == "settlement",
    "Merchant": lambda e: e.purpose == "settle" and e.direction == "credit",
    "Payout": lambda e: e.direction == "credit" and e.account_type == "payout",
}


def ledger_flow(*, intent_id: str, final: bool = False) -> LedgerFlow:
    """Customer, Reserved, Settlement, Merchant, Payout of an intent, payment or transfer.

    Until a step has posted, its account is not known and the row says ``pending``; a payout that has not posted says
    ``closed`` once the intent is ``final``, with nothing left to move, else ``open``.
    """
    entries = entries_of_intent(intent_id=intent_id)
    return LedgerFlow(
        intent_id=intent_id,
        currency=entries[0].currency if entries else None,
        rows=tuple(_row(name, entries, final) for name in _NAMES),
        entry_count=len(entries),
        sum_minor=sum(entry.signed_minor for entry in entries),
    )


def _row(name: str, entries: Sequence[EntryRecord], final: bool) -> FlowRow:
    part = _PARTS[name]
    chosen = next((entry for entry in entries if part(entry)), None)
    if chosen is None:
        return FlowRow(name, None, None, None, 0, _word(name, final))
    own = [entry for entry in entries if entry.account_id == chosen.account_id]
    return FlowRow(
        name=name,
        account_id=chosen.account_id,
        account_code=chosen.account_code,
        moved_minor=_moved(own, chosen),
        now_minor=sum(entry.signed_minor for entry in own),
        word=_word(name, final) if name == "Payout" else None,
    )


def _moved(own: Sequence[EntryRecord], chosen: EntryRecord) -> int:
    """Everything that went the way the part goes, reversals of others left out: they show in ``now``."""
    return sum(entry.signed_minor for entry in own if entry.direction == chosen.direction)


def _word(name: str, final: bool) -> str:
    if name == "Payout":
        return "closed" if final else "open"
    return "pending"
