"""Callbacks as people read them: a line of the list, the outcome in a sentence, arrivals side by side."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from console.marks import mark
from console.presenters.words import NONE, age, dated, grouped, moment, shorten, took
from console.types import Proof
from console.types.inbound import ArrivalColumn, BodyView, CallbackRow
from console.types.ledger import Figure
from webhooks.queries import CallbackDetail
from webhooks.types import CallbackRecord

SOURCES: Final = {
    "callback": "the rail sent it",
    "poll": "we asked for it",
    "repair": "a person corrected it",
    "match": "its payment began",
}
SCHEMES: Final = {
    "standard_webhooks": "Standard Webhooks",
    "v1": "Standard Webhooks, v1 HMAC",
    "v1a": "Standard Webhooks, v1a Ed25519",
    "stripe": "Stripe-style, t= and v1=",
    "hmac_hex": "HMAC-SHA256, hex",
    "ed25519": "Ed25519",
}
_OUTCOMES: Final = {
    "applied": "It took effect: what the rail said is posted, once.",
    "duplicate": "It says what was known already; nothing was posted again.",
    "late": "It came after a later word about the same payment; kept, nothing was posted.",
    "mismatch": "It speaks of other money than we ordered; kept, nothing was posted.",
    "unmatched": "It names no payment of ours yet; it waits, and is taken in by itself as soon as there is one.",
    "quarantined": "It is signed and could not be taken in; it waits for a person, and nothing was posted.",
}
_SINCE: Final = {
    "applied": "Since then it took effect.",
    "duplicate": "Since then it turned out to say what was known already.",
    "late": "Since then it was taken in, after a later word about the same payment.",
    "mismatch": "Since then it was read: it speaks of other money than we ordered.",
    "unmatched": "Since then it was read; it names no payment of ours yet.",
    "quarantined": "Since then it could not be taken in, and waits for a person.",
}


def callback_row(record: CallbackRecord, *, base: str, now: datetime, rails: Mapping[str, str]) -> CallbackRow:
    """An arrival in a list."""
    return CallbackRow(
        callback_id=record.id,
        url=f"{base}inbound/{record.id}/",
        event_id=record.provider_event_id,
        kind=record.provider_type or ("repeat" if is_repeat(record) else NONE),
        mark=mark(record.state),
        rail=rails.get(record.rail_id, f"…{record.rail_id[-6:]}"),
        intent_id=record.intent_id or "",
        intent_url=f"{base}intents/{record.intent_id}/" if record.intent_id else "",
        source=SOURCES.get(record.source, record.source),
        number=f"{record.arrival:02d}",
        detail=record.detail,
        moment=moment(record.recorded_at, now),
    )


def is_repeat(record: CallbackRecord) -> bool:
    """Whether the provider's event came before; a duplicate may also be another event that says the same."""
    return record.state == "duplicate" and record.first_id != record.id


def kind_of(detail: CallbackDetail) -> str:
    """What the event says, ``payment.settled``; a repeat is not read again, so its first arrival tells."""
    return next((each.provider_type for each in (detail.callback, *detail.repeats) if each.provider_type), NONE)


def reference_of(detail: CallbackDetail) -> str:
    """Our key at the rail, as the event names it."""
    return next((each.reference for each in (detail.callback, *detail.repeats) if each.reference), "")


def outcome(detail: CallbackDetail) -> str:
    """What came of it, in one sentence; a second one where something happened to it since."""
    record = detail.callback
    if is_repeat(record):
        converged = _now(detail)
        return f"A repeat: this event of the rail came before. It changed nothing{converged}"
    said = _OUTCOMES[record.state]
    if record.state in {"unmatched", "quarantined"} and detail.now_state != record.state:
        return f"{said.partition(';')[0]}. {_SINCE[detail.now_state]}"
    return f"{said} {record.detail}".strip() if record.state == "mismatch" else said


def _now(detail: CallbackDetail) -> str:
    if detail.now_state in {"unmatched", "quarantined"}:
        return f"; the event is {detail.now_state} still."
    return ", and the rail was told what the first one came to."


def posting_of(detail: CallbackDetail) -> str:
    """The posting that it stands for now: its own, or what a repair or a match brought about since."""
    return detail.callback.posting_id or next((each.posting_id for each in detail.repeats[::-1] if each.posting_id), "")


def intent_of(detail: CallbackDetail) -> str:
    """The intent that it speaks of, as far as is known now."""
    return detail.callback.intent_id or next((each.intent_id for each in detail.repeats[::-1] if each.intent_id), "")


def figures(detail: CallbackDetail) -> tuple[Figure, ...]:
    """How often it came, which of them this is, how old its signature was."""
    record = detail.callback
    decided = sum(1 for each in detail.repeats if each.source not in {"callback", "poll"})
    return (
        Figure("came", f"{grouped(detail.arrivals)} ×", "", "this event of the rail"),
        Figure("this is", f"no. {record.arrival}", "", SOURCES.get(record.source, record.source)),
        Figure("looked at again", f"{grouped(decided)} ×", "", "matched or repaired by us"),
        Figure("signed", _before(record), "", "before it came" if record.signed_at else "no moment is signed"),
        Figure("body", grouped(len(record.body)), "", "bytes"),
    )


def _before(record: CallbackRecord) -> str:
    if record.signed_at is None:
        return NONE
    seconds = (record.recorded_at - record.signed_at).total_seconds()
    return age(record.recorded_at - record.signed_at) if seconds >= 60 else took(max(seconds, 0) * 1000)


def facts(detail: CallbackDetail, *, rail: str) -> tuple[Proof, ...]:
    """What is known of it, beside its bytes."""
    record = detail.callback
    return (
        Proof("callback", record.id, record.id),
        Proof("rail", rail),
        Proof("its event id", record.provider_event_id, record.provider_event_id),
        Proof("type", kind_of(detail)),
        Proof("reference", reference_of(detail) or NONE, reference_of(detail)),
        Proof("received", f"{dated(record.recorded_at)} UTC"),
        Proof("effect", record.effect.replace("_", " ") or "none"),
        Proof("body sha-256", record.body_sha256, record.body_sha256),
    )


def signature(record: CallbackRecord) -> tuple[Proof, ...]:
    """How it was proven to be the rail's."""
    verified = "verified over the exact bytes, before anything was read"
    if record.source == "repair":
        verified = "the original's: nobody signed the correction"
    return (
        Proof("signature", verified),
        Proof("scheme", SCHEMES.get(record.scheme, record.scheme or NONE)),
        Proof("signed at", f"{dated(record.signed_at)} UTC" if record.signed_at else "no moment is signed"),
    )


def columns(
    detail: CallbackDetail, arrivals: Sequence[CallbackRecord], *, base: str, now: datetime
) -> tuple[ArrivalColumn, ...]:
    """Arrivals as columns, the newest first."""
    return tuple(_column(each, detail.callback, base, now) for each in reversed(arrivals))


def _column(record: CallbackRecord, this: CallbackRecord, base: str, now: datetime) -> ArrivalColumn:
    is_same = record.body_sha256 == this.body_sha256
    has_come = record.source in {"callback", "poll"}
    return ArrivalColumn(
        callback_id=record.id,
        url="" if record.id == this.id else f"{base}inbound/{record.id}/",
        title=f"{record.arrival:02d}" if has_come else {"repair": "repair", "match": "match"}[record.source],
        mark=mark(record.state),
        at=moment(record.recorded_at, now),
        source=SOURCES.get(record.source, record.source),
        said=record.detail or record.provider_type or NONE,
        posting_id=record.posting_id or "",
        posting_url=f"{base}ledger/postings/{record.posting_id}/" if record.posting_id else "",
        scheme=SCHEMES.get(record.scheme, record.scheme or NONE),
        signed=f"{dated(record.signed_at)} UTC" if record.signed_at else NONE,
        body=f"{grouped(len(record.body))} bytes, " + ("the same as here" if is_same else "other ones"),
        sha256=shorten(record.body_sha256, head=8),
        is_this=record.id == this.id,
    )


def body_view(body: bytes) -> BodyView:
    """Bytes as they are: text, or hex where they are not UTF-8."""
    sha256 = hashlib.sha256(body).hexdigest()
    if not body:
        return BodyView("", sha256, "empty")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return BodyView(body.hex(" "), sha256, f"{grouped(len(body))} bytes that are no UTF-8, as hex", is_text=False)
    return BodyView(text, sha256, f"{grouped(len(body))} bytes")
