"""The quarantine's rows: what was signed and could not be taken in waits here for a person, or for a better copy."""

from typing import Final

from policy.reviews.operations import open_case, settle_case
from policy.reviews.types import NewAlert
from webhooks.inbound import arrivals
from webhooks.inbound.arrivals import Arrival, cb_uuid, execute, record, record_refusal
from webhooks.models import Quarantined
from webhooks.types import CallbackReceipt
from zentra.core import actors, ids
from zentra.core.errors import DomainError

SENT_AGAIN: Final = "The provider sent it again, and it could be taken in."
_LONGEST_DETAIL: Final = 500


class CallbackApplyFailed(DomainError):
    """The callback is genuine and can be read, but applying it failed on our side; it is kept in quarantine.

    The provider is answered 202: the bytes are ours now, and sending them again would fail in the same way.
    """

    code = "callback_apply_failed"
    status = 202
    title = "The callback was kept and not applied"


def hold(arrival: Arrival, refusal: DomainError) -> CallbackReceipt:
    """Keep a signed callback that cannot be taken in, so that a person sees what the provider sent.

    What cannot be read is refused (400): the provider should send it better. What we failed to apply is accepted (202).
    """
    is_ours = isinstance(refusal, CallbackApplyFailed)
    receipt = CallbackReceipt(
        status=refusal.status,
        state="quarantined",
        callback_id=arrival.id,
        first_id=arrival.first_id,
        arrival=arrival.number,
        refusal=None if is_ours else refusal,
    )
    detail = refusal.detail[:_LONGEST_DETAIL]
    arrivals.keep_arrival(arrival, receipt, None, detail=detail)
    arrivals.settle_key(arrival, receipt)
    _open(arrival, refusal.code, detail)
    data: dict[str, object] = {
        "callback_id": arrival.first_id,
        "rail_id": arrival.rail_id,
        "provider_event_id": arrival.event_id,
        "code": refusal.code,
        "body_sha256": arrival.sha256,
    }
    record("callback.quarantined", arrival.actor, data, now=arrival.now)
    open_case(
        kind="callback", subject=arrival.first_id, queue="operations", maker=arrival.actor.id, now=arrival.now,
        alert=NewAlert("system", "callback.quarantined", f"{refusal.code}: {detail}", reference=refusal.code),
        actor=actors.EVENTS,
    )  # fmt: skip
    if not is_ours:
        record_refusal(arrival.rail_id, refusal, now=arrival.now, size=len(arrival.body), callback_id=arrival.id)
    return receipt


def release(arrival: Arrival) -> None:
    """Close the quarantine of a callback that came again and was taken in; a dismissed one too: it counts after all."""
    Quarantined.objects.filter(id=arrival.first_id).exclude(state="applied").update(
        state="applied", note=SENT_AGAIN, decided_by=arrival.actor.as_dict(), decided_at=arrival.now
    )
    settle_case(kind="callback", subject=arrival.first_id, actor=arrival.actor, now=arrival.now)


def is_dismissed(first_id: str) -> bool:
    """Whether a person decided that nothing comes of it: the provider may stop repeating it."""
    return Quarantined.objects.filter(id=first_id, state="dismissed").exists()


def _open(arrival: Arrival, code: str, detail: str) -> None:
    """Open the quarantine, or tell how it looks now; what a person decided stays decided."""
    execute(
        "INSERT INTO webhooks_quarantine (id, rail_id, provider_event_id, code, detail, state, body, note, opened_at)"
        " VALUES (%s, %s, %s, %s, %s, 'open', %s, '', %s)"
        " ON CONFLICT (id) DO UPDATE SET code = excluded.code, detail = excluded.detail, body = excluded.body"
        " WHERE webhooks_quarantine.state = 'open'",
        [
            cb_uuid(arrival.first_id),
            ids.to_uuid(arrival.rail_id, prefix="rail"),
            arrival.event_id,
            code,
            detail,
            arrival.body,
            arrival.now,
        ],
    )
