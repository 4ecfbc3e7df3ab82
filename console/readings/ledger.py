"""What the rooms of the ledger read from several apps: what providers said, where a posting is told and sealed."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from console.marks import mark
from console.types import Mark
from evidence.queries import find_event_that_says, timeline
from evidence.types import RecordedEvent
from ledger.errors import AccountNotFound, UnknownAccount
from ledger.queries import StoredPosting, find_account
from ledger.types import AccountRecord
from zentra.runtime.queries import list_intents
from zentra.tenants.queries import names_of_users

# The provider's last word about money: whoever said it was verified, by signature or by our own question.
_FINAL: Final = frozenset({"succeeded", "settled", "declined", "failed"})
# A posting's event is recorded with it; this much is between their two clocks at most.
_AROUND: Final = timedelta(seconds=5)
# The first events of an intent; the policy decision is among them, before anything is posted.
_BEGINNING: Final = 12


def account_of(ref: str) -> AccountRecord:
    """The account that an address names, by id or code; raises AccountNotFound."""
    try:
        return find_account(ref=ref)
    except UnknownAccount as error:
        raise AccountNotFound(error.detail, account=ref[:100]) from error


def reconciliation_of(intent_ids: Iterable[str | None]) -> dict[str, Mark]:
    """For each intent whether a verified provider outcome stands beside its entries, in one statement."""
    wanted = sorted({intent_id for intent_id in intent_ids if intent_id})
    if not wanted:
        return {}
    return {
        intent.intent_id: mark("matched", says="provider matched")
        for intent in list_intents(intent_ids=wanted, limit=len(wanted))
        if intent.outcome in _FINAL
    }


def names_of(actors: Iterable[Any]) -> dict[str, str]:
    """The names of those actors that are members, in one statement."""
    found = {str(actor.get("id", "")) for actor in actors if actor}
    return names_of_users(user_ids=[key for key in found if key.startswith("usr_")])


def find_event_of(stored: StoredPosting) -> RecordedEvent | None:
    """The event that told of a posting; None of one that was written without (opening balances)."""
    posted = stored.posted
    return find_event_that_says(
        text=posted.posting_id,
        start=posted.recorded_at - _AROUND,
        end=posted.recorded_at + _AROUND,
        intent_id=posted.intent_id,
    )


def find_causes(stored: StoredPosting) -> tuple[RecordedEvent | None, RecordedEvent | None]:
    """The request that began what a posting is a step of, and the event that told of its policy decision."""
    intent_id, decision_id = stored.posted.intent_id, stored.facts.decision_id
    begun = timeline(intent_id=intent_id, limit=_BEGINNING) if intent_id else []
    said = (event for event in begun if decision_id and decision_id.encode() in event.body)
    return next(iter(begun), None), next(said, None)
