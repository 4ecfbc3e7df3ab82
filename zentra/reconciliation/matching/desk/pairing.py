"""Pairing what an adjustment posted with the line and the entry of its exception, once the ledger has numbered it."""

from datetime import datetime

from ledger.queries import get_posting
from zentra.core import actors
from zentra.core.errors import DomainError
from zentra.reconciliation.matching.desk import store
from zentra.reconciliation.matching.desk.queries.adjustments import get_adjustment
from zentra.reconciliation.matching.errors import AlreadyMatched, EmptyMatch, MatchDiffers
from zentra.reconciliation.matching.operations import confirm_match, take_entries
from zentra.reconciliation.matching.queries import get_entries
from zentra.reconciliation.statements.queries import get_reconciled_account

_NOT_A_PAIR: tuple[type[DomainError], ...] = (AlreadyMatched, EmptyMatch, MatchDiffers)


class NotTakenYet(Exception):
    """The sequencer has not numbered the entries; there is nothing wrong, it only takes a moment."""


def pair_adjustment(*, adjustment_id: str, now: datetime) -> bool:
    """Match line, entry and adjustment of an exception where they agree; whether they are one now.

    Where they do not, they stay open and the next run says so with an exception of its own. Raises NotTakenYet,
    NoSuchAdjustment.
    """
    adjustment = get_adjustment(adjustment_id=adjustment_id)
    found = store.get(adjustment.exception_id, now=now)
    if adjustment.posting_id is None:
        return False
    account = get_reconciled_account(account_id=found.account_id)
    while take_entries(account_id=account.id, now=now).more:
        pass
    posted = get_posting(posting_id=adjustment.posting_id).posted
    own = [entry.id for entry in posted.entries if entry.account_id == account.ledger_account_id]
    if len(get_entries(entry_ids=own)) < len(own):
        raise NotTakenYet
    entries = [*own, *([found.entry_id] if found.entry_id else [])]
    try:
        match = confirm_match(
            account_id=account.id, line_ids=[found.line_id] if found.line_id else [], entry_ids=entries,
            actor=actors.RECONCILIATION, reason=f"{adjustment.kind} {adjustment.id}", now=now,
        )  # fmt: skip
    except _NOT_A_PAIR:
        return False
    store.change(store.lock(found.id, now=now), now=now, match_id=match.id)
    return True
