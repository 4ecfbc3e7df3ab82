"""Receiving a callback: verify raw bytes, store, recognise repeats, apply once, all in the door's transaction."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from ledger.queries import find_step_posting
from webhooks.inbound import arrivals, holding
from webhooks.inbound.arrivals import Arrival, Known
from webhooks.inbound.payload import MalformedCallback, Outcome, ProviderOutcome, parse_callback, peek_event_id
from webhooks.inbound.schemes import proof_headers, verify_callback
from webhooks.signing import InvalidSignature
from webhooks.types import CallbackReceipt, CallbackSource, CallbackState
from zentra.core.errors import DomainError
from zentra.routing.queries import callback_keys, find_attempt_by_key
from zentra.runtime.operations import apply_provider_outcome, count_replay, revise_packet

MAX_BODY_BYTES: Final = 64 * 1024

# What the runtime answers, and what we call the callback then.
_STATE_OF_EFFECT: Final[dict[str, CallbackState]] = {
    "applied": "applied",
    "duplicate": "duplicate",
    "late": "late",
    "mismatch": "mismatch",
    "unknown_intent": "unmatched",
}
_EVENT_OF_STATE: Final[dict[CallbackState, str]] = {
    "applied": "callback.applied",
    "duplicate": "callback.duplicate",
    "late": "callback.late",
    "mismatch": "callback.received",
    "unmatched": "callback.received",
}
# The step of the ledger that an outcome asks for.
_PURPOSE_OF: Final[dict[Outcome, str]] = {
    "succeeded": "success",
    "settled": "settle",
    "declined": "release",
    "failed": "release",
}
# These may come after the packet was sealed; copies of one callback come together and make one revision.
_LATER_FACTS: Final = ("duplicate", "late", "mismatch")
_GATHER_COPIES: Final = timedelta(seconds=2)


class CallbackTooLarge(DomainError):
    """The body is larger than 64 KB; it was not looked at."""

    code = "callback_too_large"
    status = 413
    title = "The callback is too large"


class CallbackIdReused(DomainError):
    """The provider's event id came before with another body: a replayed id, refused before anything changed."""

    code = "callback_id_reused"
    status = 400
    title = "This event id belongs to another callback"


def receive_callback(
    *,
    connection_id: str,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    source: CallbackSource = "callback",
    failure: DomainError | None = None,
) -> CallbackReceipt:
    """Take in one callback of a rail connection (``rail_…``) inside the workspace's transaction.

    Nothing is read from the body before its signature is verified. A refusal is *returned* in ``refusal``, with its
    evidence recorded in this transaction: the door lets that commit and raises the refusal afterwards. An unexpected
    error is raised and leaves nothing behind; ``taking.take_callback`` then comes back with it as ``failure``, and
    the callback is quarantined instead of applied.

    Refusals: CallbackTooLarge 413, InvalidSignature and StaleSignature 401, MalformedCallback and CallbackIdReused 400.
    """
    if len(body) > MAX_BODY_BYTES:
        return refuse_callback(connection_id=connection_id, refusal=too_large(), now=now, size=len(body))
    keys = callback_keys(rail_id=connection_id, now=now)
    try:
        proven = verify_callback(headers=headers, body=body, keys=keys, now=now)
    except InvalidSignature as refusal:
        return refuse_callback(connection_id=connection_id, refusal=refusal, now=now, size=len(body))
    arrival = Arrival(
        rail_id=connection_id,
        event_id=proven.event_id or peek_event_id(body),
        proven=proven,
        body=body,
        sha256=hashlib.sha256(body).hexdigest(),
        headers=arrivals.kept_headers(headers, proof_headers(keys)),
        now=now,
        source=source,
    )
    receipt = _take_in(arrival, failure)
    revise_later(receipt, now=now)
    return receipt


def refuse_callback(*, connection_id: str, refusal: DomainError, now: datetime, size: int) -> CallbackReceipt:
    """Record a callback that is refused before it was looked at; ``size`` is the body's in bytes, as far as known."""
    arrivals.record_refusal(connection_id, refusal, now=now, size=size, callback_id=None)
    return CallbackReceipt(status=refusal.status, state="refused", refusal=refusal)


def too_large() -> CallbackTooLarge:
    """The refusal of a body that is too large."""
    return CallbackTooLarge(f"A callback has at most {MAX_BODY_BYTES} bytes.", limit_bytes=MAX_BODY_BYTES)


def revise_later(receipt: CallbackReceipt, *, now: datetime) -> None:
    """Ask for the packet's next revision when something was said that came after it."""
    if receipt.intent_id is not None and receipt.state in _LATER_FACTS:
        revise_packet(intent_id=receipt.intent_id, now=now, gather=_GATHER_COPIES)


def _take_in(arrival: Arrival, failure: DomainError | None) -> CallbackReceipt:
    known = arrivals.remember(arrival)
    if known is None:
        return decide(replace(arrival, first_id=arrival.id), failure=failure)
    repeat = replace(arrival, first_id=known.first_id, number=known.arrivals + 1)
    is_same = known.body_sha256 == arrival.sha256
    if known.state == "quarantined" and not (is_same and holding.is_dismissed(known.first_id)):
        return decide(repeat, failure=failure, was_held=True)
    if known.state == "unmatched" and is_same:
        return decide(repeat, failure=failure)
    if not is_same and not arrivals.came_before(arrival):
        refusal = CallbackIdReused(
            f"{known.first_id} came under this event id with another body; a new callback needs an id of its own.",
            first=known.first_id,
        )
        return refuse_callback(connection_id=arrival.rail_id, refusal=refusal, now=arrival.now, size=len(arrival.body))
    return _replay(repeat, known)


def decide(arrival: Arrival, *, failure: DomainError | None = None, was_held: bool = False) -> CallbackReceipt:
    """Read and apply a callback that nothing was decided by yet; ``first_id``'s key row is held by us.

    ``failure`` says why it could not be applied a moment ago: it is quarantined then. Raises what applying raises.
    """
    if failure is not None:
        return holding.hold(arrival, failure)
    try:
        outcome = parse_callback(arrival.body)
    except MalformedCallback as refusal:
        return holding.hold(arrival, refusal)
    result = apply_provider_outcome(
        rail_id=arrival.rail_id,
        intent_id=outcome.reference,  # the runtime's parameter takes our key at the rail
        outcome=outcome.outcome,
        amount_minor=outcome.amount_minor,
        currency=outcome.currency,
        provider_reference=outcome.provider_reference,
        callback_id=arrival.id,
        now=arrival.now,
    )
    intent_id = _intent_of(arrival.rail_id, outcome.reference)
    receipt = CallbackReceipt(
        status=200,
        state=_STATE_OF_EFFECT[result.effect],
        callback_id=arrival.id,
        first_id=arrival.first_id,
        arrival=arrival.number,
        effect=result.effect,
        mutations=result.mutations,
        intent_id=intent_id,
        posting_id=_posting_of(intent_id, outcome, effect=result.effect),
    )
    arrivals.keep_arrival(arrival, receipt, outcome)
    arrivals.settle_key(arrival, receipt, reference=outcome.reference)
    arrivals.record_arrival(arrival, _EVENT_OF_STATE[receipt.state], receipt, outcome)
    if was_held:
        holding.release(arrival)
    return receipt


def _intent_of(rail_id: str, reference: str) -> str | None:
    """The intent that our key at this rail belongs to; None for a key that is not ours, or another rail's."""
    attempt = find_attempt_by_key(key=reference)
    return attempt.intent_id if attempt is not None and attempt.rail_id == rail_id else None


def _posting_of(intent_id: str | None, outcome: ProviderOutcome, *, effect: str) -> str | None:
    """The posting that stands for what the callback says, whoever brought it about; None where there is none."""
    purpose = _PURPOSE_OF.get(outcome.outcome)
    if intent_id is None or purpose is None or effect == "mismatch":
        return None
    return find_step_posting(intent_id=intent_id, purpose=purpose)


def _replay(arrival: Arrival, known: Known) -> CallbackReceipt:
    """Keep a repeat and say what it converged on; nothing else changes."""
    receipt = CallbackReceipt(
        status=200,
        state="duplicate",
        callback_id=arrival.id,
        first_id=known.first_id,
        arrival=arrival.number,
        effect=known.effect,
        mutations=known.mutations,
        intent_id=known.intent_id,
        posting_id=known.posting_id,
    )
    arrivals.keep_arrival(arrival, receipt, None, detail=f"repeat of {known.first_id}, which was {known.state}")
    arrivals.count_repeat(arrival)
    arrivals.record_arrival(arrival, "callback.replayed", receipt, None)
    if known.intent_id is not None:
        count_replay(intent_id=known.intent_id)
    return receipt
