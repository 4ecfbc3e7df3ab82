"""Cases of the review queue in words: rows, reasons, what is left of their time, alerts, steps, notes, files."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from console.marks import mark
from console.presenters.words import NONE, age, clock, grouped, moment, money, stamp
from console.types import Mark, Tone
from console.types.cases import AlertView, ApprovalRow, CaseStep, Choice, FileRow, NoteRow
from console.types.reviews import DueView, QueueRow
from policy.reviews import codes
from policy.reviews.types import (
    QUEUE_OWNER,
    ReviewAlert,
    ReviewApproval,
    ReviewAttachment,
    ReviewNote,
    ReviewRecord,
    ReviewStep,
)
from zentra.core.clock import iso
from zentra.core.money import format_minor

Names = Mapping[str, str]

SOON: Final = timedelta(minutes=15)
"""From here on, what is left of a case's time is said in the tone of review."""

KIND_WORDS: Final[Mapping[str, str]] = {
    "intent": "held intent",
    "hold": "hold",
    "callback": "callback in quarantine",
    "exception": "exception",
    "alert": "alert about a party",
    "outcome_unknown": "outcome unknown",
}
KIND_PLURALS: Final[Mapping[str, str]] = {
    "intent": "Intents",
    "hold": "Holds",
    "callback": "Callbacks",
    "exception": "Exceptions",
    "alert": "Alerts",
    "outcome_unknown": "Outcome unknown",
}
_STEPS: Final[Mapping[str, tuple[str, Tone]]] = {
    "opened": ("opened", "review"),
    "alert_added": ("another alert joined", "review"),
    "assigned": ("assigned", "quiet"),
    "claimed": ("claimed", "ledgered"),
    "claim_expired": ("the lease ran out", "quiet"),
    "released": ("claim released", "quiet"),
    "handed_over": ("handed over", "ledgered"),
    "snoozed": ("snoozed", "quiet"),
    "woken": ("woken", "quiet"),
    "escalated": ("escalated", "review"),
    "breached": ("time limit breached", "failed"),
    "noted": ("note", "quiet"),
    "attached": ("file attached", "quiet"),
    "alert_cleared": ("hit cleared", "synchronized"),
    "alert_confirmed": ("hit confirmed", "failed"),
    "approval_given": ("first approval", "synchronized"),
    "approved": ("approved", "synchronized"),
    "declined": ("declined", "failed"),
    "resolved": ("resolved", "synchronized"),
}
_MENTION: Final = re.compile(r"(@[\w.-]+)")
_NO_HANDLE: Final = re.compile(r"[^\w.-]+")
_CODES: Final[Mapping[str, str]] = {**codes.APPROVE, **codes.DECLINE, **codes.RESOLVE}


def reason_words(rule: str) -> str:
    """``limit.single_intent`` as people read it: "limit single intent"."""
    return re.sub(r"[._]+", " ", rule)


def person(user_id: str, names: Names, *, me: str = "") -> str:
    """A person by name; the reader is "you", the queue itself "the queue"."""
    if user_id and user_id == me:
        return "you"
    return names.get(user_id, "the queue" if user_id == QUEUE_OWNER else user_id)


def handle(name: str) -> str:
    """How a person is mentioned: "Second operator" is @second_operator."""
    return _NO_HANDLE.sub("_", name.strip().lower()).strip("_") or "nobody"


def mentioned(text: str, people: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """The ids of those of ``people`` (id, name) whom a text mentions, each once."""
    by_handle = {handle(name): user_id for user_id, name in people}
    found = (by_handle.get(piece[1:].rstrip(".-").lower()) for piece in _MENTION.findall(text))
    return tuple(dict.fromkeys(user_id for user_id in found if user_id))


# --- time ------------------------------------------------------------------------------------------------------------


def span(left: timedelta) -> str:
    """Hours and minutes: "0:51", "3:59", "1 d 2:00"."""
    minutes = max(0, int(left.total_seconds() // 60))
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    return f"{days} d {hours}:{minutes:02d}" if days else f"{hours}:{minutes:02d}"


def countdown(until: datetime, now: datetime) -> str:
    """What is left of a lease: "4:12", "over"."""
    seconds = int((until - now).total_seconds())
    return f"{seconds // 60}:{seconds % 60:02d}" if seconds > 0 else "over"


def due(review: ReviewRecord, now: datetime) -> DueView:
    """What is left of a case's time, or how late it is; for a closed one how long it took."""
    if review.decided_at is not None:
        took = review.decided_at - review.opened_at
        late = review.decided_at > review.due_at
        words = f"opened {stamp(review.opened_at)}, due {stamp(review.due_at)} UTC{', late' if late else ''}"
        return DueView(iso(review.decided_at), span(took), words, "done")
    left = review.due_at - now
    title = f"due {stamp(review.due_at)} UTC"
    if left < timedelta():
        return DueView(iso(review.due_at), f"breached {span(-left)}", title, "breached")
    return DueView(iso(review.due_at), span(left), title, "soon" if left < SOON else "")


def wakes(review: ReviewRecord, now: datetime) -> DueView:
    """When a snoozed case comes back."""
    until = review.snoozed_until or now
    return DueView(iso(until), f"in {age(until - now)}", f"snoozed until {stamp(until)} UTC", "done")


def holder(review: ReviewRecord, now: datetime) -> str:
    """Who works on it now, or nobody."""
    return review.claimed_by if review.claimed_by and review.claimed_until and review.claimed_until > now else ""


# --- the queue -------------------------------------------------------------------------------------------------------


def groups(review: ReviewRecord, *, given: int, now: datetime) -> tuple[str, ...]:
    """The tabs and filters under which a case shows, whoever looks."""
    found = [f"kind:{review.case_kind}", f"queue:{review.queue}", f"rule:{review.rule}"]
    if not review.is_open:
        return ("closed", *found)
    if review.breached_at is not None:
        found.append("breached")
    if review.snoozed_until is not None and review.snoozed_until > now:
        return ("snoozed", *found)
    return ("open", *(("second",) if review.needs_two and given else ()), *found)


def row(
    review: ReviewRecord, *, given: int, link: str, names: Names, now: datetime, me: str = "", is_snoozed: bool = False
) -> QueueRow:
    """A line of the queue. ``link`` ends where the case's id goes; ``given`` are the approvals it has."""
    holding = holder(review, now)
    return QueueRow(
        review_id=review.id,
        subject=review.subject,
        url=link + review.id,
        reason=case_mark(review, says=reason_words(review.rule)),
        saw=review.saw,
        owner=person(review.owner if review.is_open else review.decided_by or review.owner, names, me=me),
        owner_id=review.owner if review.is_open else review.decided_by or review.owner,
        waiting=moment(review.decided_at or review.opened_at, now),
        due=wakes(review, now) if is_snoozed else due(review, now),
        kind=review.case_kind,
        money=money(review.amount_minor, review.currency) if review.currency else None,
        claimed_by=person(holding, names, me=me) if holding else "",
        claimed_by_id=holding,
        claimed_until=iso(review.claimed_until) if holding and review.claimed_until else "",
        second=f"{given} of {review.approvals_needed}" if review.is_open and review.needs_two else "",
        escalated=review.is_open and review.escalation > 0,
        groups=groups(review, given=given, now=now),
        place=f"{0 if review.breached_at else 1}{iso(review.due_at)}{review.id}",
        is_mine_made=bool(me) and review.maker == me,
    )


def case_mark(review: ReviewRecord, *, says: str = "") -> Mark:
    """The state of a case; ``says`` are the words of an open one, and stand before the state of a closed one."""
    if review.is_open:
        return mark("review" if review.case_kind == "intent" else "open", says=says)
    word = review.outcome_code if review.state == "resolved" else review.state
    found = mark("done" if review.state == "resolved" else review.state)
    return Mark(f"{says}, {word}" if says else word, found.glyph, found.tone)


def happened(review: ReviewRecord, names: Names, *, now: datetime) -> str:
    """The last news of a case in one sentence, for whoever has it open."""
    if not review.is_open and review.decided_at:
        return f"{person(review.decided_by or '', names)} {review.state} it at {clock(review.decided_at)[:8]} UTC."
    if holding := holder(review, now):
        return f"{person(holding, names)} works on it since a moment ago."
    if review.snoozed_until is not None and review.snoozed_until > now:
        return f"{person(review.snoozed_by or '', names)} snoozed it until {stamp(review.snoozed_until)} UTC."
    return "Something changed in this case."


# --- the case --------------------------------------------------------------------------------------------------------


def alert_mark(alert: ReviewAlert) -> Mark:
    """How an alert stands: hits wait, are cleared or confirmed; what a rule said just stands."""
    if alert.state == "cleared":
        return mark("passed", says="cleared")
    if alert.state == "confirmed":
        return mark("failed", says="confirmed")
    if alert.kind in {"screening", "aml"}:
        return Mark("open hit", "ring", "failed")
    return mark("review")


_READ_AND_CLEARED: Final = frozenset({"now_review", "now_blocked"})
"""What marks a rule that says more against a case than when it was held; what now declines is cleared by nobody."""


def alert_view(
    alert: ReviewAlert,
    *,
    names: Names,
    result: Mapping[str, object] | None = None,
    currency: str = "",
    resolve_url: str = "",
    url: str = "",
) -> AlertView:
    """An alert with its figure: the rule's own where there is one, the score otherwise."""
    figure = f"{alert.score}" if alert.score else ""
    said = alert.words
    if result is not None:
        figure, said = figure_of(result) or figure, said or result_words(result, currency)
    settled = ""
    if alert.resolved_by and alert.resolved_at:
        note = f": “{alert.note}”" if alert.note else ""
        settled = f"{alert.state} by {person(alert.resolved_by, names)}, {stamp(alert.resolved_at)} UTC{note}"
    is_hit = alert.kind in {"screening", "aml"}
    is_change = alert.kind in {"rule", "limit"} and alert.reference in _READ_AND_CLEARED
    return AlertView(
        alert_id=alert.id,
        name=alert.name,
        kind=alert.kind,
        words=said,
        figure=figure,
        mark=alert_mark(alert),
        settled=settled,
        url=url,
        resolve_url=resolve_url if alert.state == "open" and (is_hit or is_change) else "",
        is_change=is_change,
    )


def figure_of(result: Mapping[str, object]) -> str:
    """What a rule saw against its limit, in whole percent; empty where there is nothing to compare."""
    seen, limit = result.get("input_minor"), result.get("limit_minor")
    if isinstance(seen, int) and isinstance(limit, int) and limit > 0:
        return f"{seen * 100 // limit} %"
    return ""


def result_words(result: Mapping[str, object], currency: str) -> str:
    """A rule's result in words: its reason, after what it saw of what it allows."""
    seen, limit, reason = result.get("input_minor"), result.get("limit_minor"), str(result.get("reason", ""))
    if isinstance(seen, int) and isinstance(limit, int) and currency:
        return f"{format_minor(seen, currency)} of {format_minor(limit, currency)} {currency} · {reason}"
    return reason


def code_words(code: str) -> str:
    """A reason code in words."""
    return _CODES.get(code, reason_words(code))


def choices(among: Mapping[str, str], *, chosen: str = "", first: int = 1) -> tuple[Choice, ...]:
    """Codes to choose from, each with the digit that chooses it."""
    return tuple(
        Choice(code, words, str(number) if number < 10 else "", code == chosen)
        for number, (code, words) in enumerate(among.items(), start=first)
    )


def approval_row(approval: ReviewApproval, names: Names, *, me: str, counts: bool = True) -> ApprovalRow:
    """One approval: who, in which role, when and why."""
    return ApprovalRow(
        place=str(approval.place),
        who=person(approval.by_user, names, me=me),
        role=approval.by_role,
        at=stamp(approval.at),
        iso=iso(approval.at),
        reason=code_words(approval.reason_code),
        note=approval.note,
        counts=counts,
    )


def note_row(note: ReviewNote, names: Names, *, me: str, now: datetime) -> NoteRow:
    """A note, its mentions apart so that they can be told from the rest."""
    pieces = [piece for piece in _MENTION.split(note.text) if piece]
    known = {f"@{handle(names.get(user_id, ''))}" for user_id in note.mentions}
    return NoteRow(
        note_id=note.id,
        author=person(note.author, names, me=me),
        at=moment(note.at, now),
        parts=tuple((piece, piece.rstrip(".-").lower() in known) for piece in pieces),
    )


def file_row(file: ReviewAttachment, names: Names, *, me: str, now: datetime, url: str) -> FileRow:
    """A file of the case; ``url`` ends where its id goes, and is empty for who may not read it."""
    return FileRow(
        attachment_id=file.id,
        name=file.name,
        size=size(file.size),
        type=file.content_type,
        by=person(file.by, names, me=me),
        at=moment(file.at, now),
        sha256=file.sha256,
        url=f"{url}{file.id}/" if url else "",
    )


def size(count: int) -> str:
    """Bytes as "412 KB"."""
    if count < 1024:
        return f"{count} bytes"
    return f"{count / 1024:.0f} KB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MB"


def step_view(step: ReviewStep, names: Names, *, me: str) -> CaseStep:
    """A step of the case's history."""
    what, tone = _STEPS.get(step.what, (reason_words(step.what), "quiet"))
    moved = ""
    if step.what in {"assigned", "handed_over", "escalated"} and step.after:
        moved = f"{person(step.before, names, me=me) if step.before else NONE} → {person(step.after, names, me=me)}"
    elif step.what == "snoozed":
        moved = f"until {step.after[:16].replace('T', ' ')} UTC"
    elif step.what not in {"opened", "claimed", "released", "claim_expired", "noted", "attached"}:
        moved = code_words(step.after) if step.after in _CODES else step.after
    said = " · ".join(part for part in (moved, f"“{step.words}”" if step.words else "") if part)
    who = person(step.by, names, me=me)
    return CaseStep(what, said, who, f"{step.at:%d %b} {clock(step.at)[:8]}", iso(step.at), tone)


def people_of(
    review: ReviewRecord,
    *,
    alerts: Sequence[ReviewAlert] = (),
    approvals: Sequence[ReviewApproval] = (),
    notes: Sequence[ReviewNote] = (),
    files: Sequence[ReviewAttachment] = (),
    steps: Sequence[ReviewStep] = (),
) -> list[str]:
    """Everybody whose name a case needs."""
    found = [review.owner, review.maker, review.claimed_by, review.decided_by, review.edited_by, review.snoozed_by]
    found += [review.escalated_by, review.changed_by, *(each.resolved_by for each in alerts)]
    found += [each.by_user for each in approvals]
    found += [user for each in notes for user in (each.author, *each.mentions)]
    found += [each.by for each in files]
    found += [user for each in steps for user in (each.by, each.before, each.after)]
    return [user for user in dict.fromkeys(found) if user and user.startswith("usr_")]


def score_words(review: ReviewRecord) -> str:
    """ "score 72 · lane C"; empty where there is none."""
    return f"score {grouped(review.score)} · lane {review.lane}" if review.lane else ""
