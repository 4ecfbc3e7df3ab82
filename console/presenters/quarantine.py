"""Quarantined and refused callbacks as people read them: why, and what became of them."""

from datetime import datetime
from typing import Final

from console.marks import mark
from console.presenters.accounts import Names, person
from console.presenters.words import NONE, dated, grouped, moment
from console.types import Mark, Proof
from console.types.inbound import QuarantineRow, RefusedRow
from webhooks.queries import QuarantineRecord, RefusalRecord

APPLY_FAILED: Final = "callback_apply_failed"
_WHY: Final = {
    "malformed_callback": "cannot be read",
    APPLY_FAILED: "applying it failed",
}
_WORDS: Final = {
    "malformed_callback": "The rail signed it, but it is no callback that we can read. The rail was asked to send it"
    " better (400); a copy under the same id that can be read closes this by itself.",
    APPLY_FAILED: "It is genuine and can be read, but applying it failed on our side. The rail was told that it is"
    " ours now (202). Once the cause is mended, apply the same bytes again.",
}
# Why a callback was refused, as somebody reads it who connects a rail.
REASONS: Final = {
    "invalid_signature": ("forged or wrongly signed", "No signature holds over its bytes."),
    "stale_signature": ("signed too far away in time", "It was signed more than five minutes from now."),
    "callback_too_large": ("too large", "A callback has at most 64 KB; it was not read."),
    "callback_encoding_unsupported": ("compressed", "Nothing is unpacked before its signature holds."),
    "callback_length_wrong": ("wrong length", "It had not the length that it declared."),
    "callback_id_reused": ("event id reused", "Its event id came before with another body: a replayed id."),
    "malformed_callback": ("signed, not readable", "It is kept in quarantine, where a person can correct it."),
}
_CAUSES: Final = {
    "no_match": "No signature matches a secret of this rail: another secret, other bytes, or nobody we know.",
    "missing_header": "A header that the rail's scheme needs is missing.",
    "malformed_header": "A header of the signature cannot be read.",
    "no_secret": "The rail has no secret that is valid now.",
    "too_old": "It was signed more than five minutes ago: late, replayed, or the rail's clock is behind.",
    "too_new": "It was signed in the future: the rail's clock is ahead of ours.",
}


def quarantine_row(
    record: QuarantineRecord, *, base: str, now: datetime, rails: dict[str, str], names: Names
) -> QuarantineRow:
    """A quarantined callback in the list."""
    return QuarantineRow(
        callback_id=record.id,
        url=f"{base}inbound/quarantine/{record.id}/",
        event_id=record.provider_event_id,
        mark=mark(record.state, says="taken in" if record.state == "applied" else ""),
        why=_WHY.get(record.code, record.code.replace("_", " ")),
        detail=record.detail,
        rail=rails.get(record.rail_id, f"…{record.rail_id[-6:]}"),
        by=_by(record, rails, names),
        note=record.note,
        moment=moment(record.opened_at, now),
    )


def _by(record: QuarantineRecord, rails: dict[str, str], names: Names) -> str:
    """Who decided; the rail itself where it sent a better copy."""
    who = record.decided_by
    if who is None:
        return NONE
    return rails.get(str(who.get("id", "")), "the rail") if who.get("kind") == "provider" else person(who, names)


def quarantine_words(record: QuarantineRecord) -> str:
    """Why it is here, and what the rail was told."""
    return _WORDS.get(record.code, "It is signed and could not be taken in.")


def quarantine_facts(record: QuarantineRecord, *, row: QuarantineRow) -> tuple[Proof, ...]:
    """What is known of it."""
    decided = (
        (
            Proof("decided by", row.by),
            Proof("decided", f"{dated(record.decided_at)} UTC"),
            Proof("because", record.note or NONE),
        )
        if record.state != "open"
        else ()
    )
    return (
        Proof("callback", record.id, record.id),
        Proof("rail", row.rail),
        Proof("its event id", record.provider_event_id, record.provider_event_id),
        Proof("error", record.code.replace("_", " ")),
        Proof("opened", f"{dated(record.opened_at)} UTC"),
        *decided,
    )


def refused_row(record: RefusalRecord, *, base: str, now: datetime, rails: dict[str, str]) -> RefusedRow:
    """A refused callback in the list."""
    title, words = REASONS.get(record.reason, (record.reason.replace("_", " "), ""))
    refused = mark("quarantined" if record.callback_id else "refused")
    is_unread = record.reason == "callback_too_large"  # without a declared length nobody knows its size
    return RefusedRow(
        event_id=record.event_id,
        url=f"{base}events/{record.event_id}/",
        reason=Mark(word=title, glyph=refused.glyph, tone=refused.tone),
        words=_CAUSES.get(record.cause, words),
        rail=rails.get(record.rail_id, f"…{record.rail_id[-6:]}"),
        size=f"{grouped(record.body_bytes)} B" if record.body_bytes or not is_unread else "not read",
        callback_url=f"{base}inbound/quarantine/{record.callback_id}/" if record.callback_id else "",
        moment=moment(record.recorded_at, now),
    )
