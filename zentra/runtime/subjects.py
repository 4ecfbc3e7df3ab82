"""What policy sees of an intent."""

from policy.rules import Subject
from zentra.runtime.types import IntentRecord


def subject_of(intent: IntentRecord, *, account_code: str, customer: str | None) -> Subject:
    """The intent as rules weigh it. The counterparty is the payee, else the destination's customer or code."""
    corridor = intent.corridor
    return Subject(
        intent_id=intent.intent_id,
        kind=intent.kind,
        amount_minor=intent.amount_minor,
        currency=intent.currency,
        customer=customer,
        account=intent.source_account,
        account_code=account_code,
        counterparty=intent.destination_label,
        corridor_source=str(corridor.get("source", "")),
        corridor_destination=str(corridor.get("destination", "")),
        corridor_method=str(corridor.get("method", "")),
        channel=str(intent.actor.get("kind", "")),
        at=intent.created_at,
    )
