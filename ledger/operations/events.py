"""How a posting is told to the event log: one leaf, announced under every name that subscribers may know."""

from evidence.types import NewEvent
from ledger.types import Posted
from zentra.core.actors import Actor

_ANNOUNCED = ("ledger.entry.created", "ledger.balance.updated", "posting.committed")


def posting_event(
    posted: Posted,
    *,
    actor: Actor,
    intent_id: str | None,
    trace_id: str | None,
    announced_as_extra: tuple[str, ...] = (),
) -> NewEvent:
    """The ``ledger.entry.posted`` event of a posting; an intent's reserve step is ``ledger.reserved`` too."""
    reserve = ("ledger.reserved",) if intent_id is not None and posted.purpose == "reserve" else ()
    return NewEvent(
        type="ledger.entry.posted",
        actor=actor,
        data=posting_facts(posted),
        intent_id=intent_id,
        trace_id=trace_id,
        announced_as=tuple(dict.fromkeys((*_ANNOUNCED, *reserve, *announced_as_extra))),
        occurred_at=posted.recorded_at,
    )


def posting_facts(posted: Posted) -> dict[str, object]:
    """What a posting's event and packet show: proof first, then every entry, in minor units."""
    facts: dict[str, object] = {
        "posting_id": posted.posting_id,
        "entry_hash": posted.entry_hash,
        "purpose": posted.purpose,
        "correlation_id": posted.correlation_id,
        "amount_minor": posted.amount_minor,
        "currency": posted.currency,
        "debit_account": posted.entry("debit").account_code,
        "credit_account": posted.entry("credit").account_code,
        "entries": [
            {
                "entry_id": entry.id,
                "account_id": entry.account_id,
                "account": entry.account_code,
                "direction": entry.direction,
                "amount_minor": entry.amount_minor,
            }
            for entry in posted.entries
        ],
    }
    if posted.reverses_id is not None:
        facts["reverses_id"] = posted.reverses_id
    return facts
