"""The Holds room: what is held over all accounts, by age, expiry and source; one hold; what intents reserve."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked, minor, read_moment
from console.doors import Visit, room
from console.forms import FormIncomplete, act_once, words
from console.marks import mark
from console.presenters.accounts import Names, hold_line, person
from console.presenters.postings import posting_line
from console.presenters.words import NONE, age, dated, grouped, moment, money
from console.readings.ledger import names_of
from console.shell import build_shell
from console.types import Chip, Proof, StepView
from console.types.holds import HoldActs, HoldPage, HoldsPage, ReservedPage, ReservedRow
from console.types.ledger import Field, Figure, Option
from ledger.operations import capture_hold, extend_hold, release_hold, review_hold
from ledger.queries import (
    HoldOrder,
    find_account,
    get_hold,
    held_by_currency,
    hold_events,
    list_holds,
    postings_of_hold,
)
from ledger.types import HOLD_STATES, HoldEventRecord, HoldRecord, HoldState
from zentra.core.clock import iso
from zentra.core.errors import DomainError
from zentra.core.money import format_minor
from zentra.core.telemetry import correlation_id
from zentra.runtime.queries import list_reserved
from zentra.tenants.permissions import Permission

PAGE: Final = 50
_FILTERS: Final = ("state", "order", "account", "source", "currency", "due")
_ORDERS: Final[dict[str, str]] = {"oldest": "oldest first", "newest": "newest first", "expiry": "next to expire"}
_DUE: Final = {"overdue": timedelta(0), "1h": timedelta(hours=1), "24h": timedelta(days=1), "7d": timedelta(days=7)}


@room(Permission.ACCOUNTS_READ)
def show_holds(visit: Visit) -> HttpResponse:
    """Holds, or what intents have reserved."""
    if asked(visit, "tab") == "reserved" and visit.may(Permission.INTENTS_READ):
        return _show(visit, "console/reserved.html", _reserved(visit))
    return _show(visit, "console/holds.html", _holds(visit))


def _show(visit: Visit, template: str, page: object) -> HttpResponse:
    return render(visit.request, template, {"shell": build_shell(visit, room="holds"), "page": page})


def _tabs(visit: Visit, current: str) -> tuple[Chip, ...]:
    here = f"{visit.base}holds/"
    chips = [Chip("Holds", here, current == "holds")]
    if visit.may(Permission.INTENTS_READ):
        chips.append(Chip("Reserved by intents", paging.link(here, tab="reserved"), current == "reserved"))
    return tuple(chips)


def _here(visit: Visit, **changes: object) -> str:
    return paging.link(f"{visit.base}holds/", **{**{name: asked(visit, name) for name in _FILTERS}, **changes})


def _holds(visit: Visit) -> HoldsPage:
    state = asked(visit, "state") or "held"
    order = _order(asked(visit, "order"))
    account_id, problem = _account(asked(visit, "account"))
    due = asked(visit, "due")
    before = asked(visit, "after")
    found = [] if problem else list_holds(
        limit=PAGE + 1,
        after=paging.decode(before),
        order=order,
        state=_state(state),
        account_id=account_id,
        currency=asked(visit, "currency") or None,
        source=asked(visit, "source") or None,
        due_before=visit.now + _DUE[due] if due in _DUE else None,
    )  # fmt: skip
    shown = found[:PAGE]
    return HoldsPage(
        tabs=_tabs(visit, "holds"),
        figures=_totals(visit.now),
        states=tuple(Chip(word or "all", _here(visit, state=word), word == state) for word in (*HOLD_STATES, "all")),
        fields=_fields(visit, order),
        rows=tuple(hold_line(hold, base=visit.base, now=visit.now) for hold in shown),
        kept=(("state", asked(visit, "state")),) if asked(visit, "state") else (),
        clear_url=f"{visit.base}holds/" if any(asked(visit, name) for name in _FILTERS) else "",
        next_url=_here(visit, after=_place(shown[-1], order)) if len(found) > PAGE else "",
        first_url=_here(visit) if before else "",
        problem=problem,
    )


def _account(text: str) -> tuple[str | None, str]:
    if not text:
        return None, ""
    try:
        return find_account(ref=text).id, ""
    except DomainError as error:
        return None, error.detail


def _order(text: str) -> HoldOrder:
    return "newest" if text == "newest" else "expiry" if text == "expiry" else "oldest"


def _state(text: str) -> HoldState | None:
    return next((word for word in HOLD_STATES if word == text), None)


def _place(hold: HoldRecord, order: HoldOrder) -> str:
    at = hold.expires_at if order == "expiry" else hold.placed_at
    return paging.encode((at, hold.id)) if at else ""


def _fields(visit: Visit, order: HoldOrder) -> tuple[Field, ...]:
    due = asked(visit, "due")
    words_of_due = {"": "any", "overdue": "overdue", "1h": "within 1 h", "24h": "within 24 h", "7d": "within 7 d"}
    return (
        Field("order", "Order", options=tuple(Option(key, title, key == order) for key, title in _ORDERS.items())),
        Field("due", "Expires", options=tuple(Option(key, title, key == due) for key, title in words_of_due.items())),
        Field("account", "Account", asked(visit, "account"), placeholder="code or acct_…"),
        Field("source", "Source", asked(visit, "source"), placeholder="authorization…"),
        Field("currency", "Currency", asked(visit, "currency"), placeholder="USD"),
    )


def _totals(now: datetime) -> tuple[Figure, ...]:
    """What is held now, per currency, never added across."""
    return tuple(
        Figure(
            f"held {currency}",
            grouped(amount),
            f"{format_minor(amount, currency)} {currency}",
            f"{grouped(count)} hold{'s' if count != 1 else ''}, oldest {age(now - oldest)}" if oldest else "",
        )
        for currency, (count, amount, oldest) in held_by_currency().items()
    )


def _reserved(visit: Visit) -> ReservedPage:
    """Intents whose reserve is still open, the oldest first."""
    after = asked(visit, "after")
    found = list_reserved(limit=PAGE + 1, after=paging.decode(after))
    shown = found[:PAGE]
    here = f"{visit.base}holds/"
    following = paging.encode((shown[-1].created_at, shown[-1].id)) if len(found) > PAGE else ""
    return ReservedPage(
        tabs=_tabs(visit, "reserved"),
        rows=tuple(
            ReservedRow(
                intent_id=intent.intent_id,
                url=f"{visit.base}intents/{intent.intent_id}/",
                mark=mark("unknown", says="outcome unknown")
                if intent.is_outcome_unknown
                else mark(intent.status.value),
                money=money(intent.amount_minor, intent.currency),
                source=intent.source_label,
                account_url=f"{visit.base}accounts/{intent.source_account}/",
                rail=intent.rail or NONE,
                moment=moment(intent.created_at, visit.now),
            )
            for intent in shown
        ),
        next_url=paging.link(here, tab="reserved", after=following) if following else "",
        first_url=paging.link(here, tab="reserved") if after else "",
    )


# --- one hold --------------------------------------------------------------------------------------------------------


@room(Permission.ACCOUNTS_READ)
def show_hold(visit: Visit, hold_id: str) -> HttpResponse:
    """The page of a hold."""
    hold = get_hold(hold_id=hold_id)
    steps, postings = hold_events(hold_id=hold_id), postings_of_hold(hold_id=hold_id)
    people = (*(step.actor for step in steps), *(each.facts.actor.as_dict() for each in postings))
    names = names_of((hold.placed_by, hold.reviewed_by, *people))
    page = HoldPage(
        row=hold_line(hold, base=visit.base, now=visit.now),
        kind="two-phase posting" if hold.kind == "posting" else "hold",
        major=f"{format_minor(hold.remaining_minor, hold.currency)} {hold.currency}",
        figures=_figures(hold),
        steps=tuple(_step(visit, step, names) for step in steps),
        postings=tuple(posting_line(each, base=visit.base, names=names) for each in postings),
        facts=_facts(hold, names),
        acts=_acts(visit, hold),
        can_split=hold.kind == "hold",
        left=str(hold.remaining_minor),
        expiry=f"{hold.expires_at or visit.now + timedelta(days=7):%Y-%m-%dT%H:%M}",
        note="" if visit.may(Permission.HOLDS_MANAGE) else f"As {visit.member.role} you can follow this hold.",
    )
    return _show(visit, "console/hold.html", page)


def _figures(hold: HoldRecord) -> tuple[Figure, ...]:
    return tuple(
        Figure(label, grouped(amount), f"{format_minor(amount, hold.currency)} {hold.currency}", note)
        for label, amount, note in (
            ("held", hold.amount_minor, "with increases"),
            ("captured", hold.captured_minor, ""),
            ("released", hold.released_minor, ""),
            ("still held", hold.remaining_minor, ""),
        )
    )


def _facts(hold: HoldRecord, names: Names) -> tuple[Proof, ...]:
    return (
        Proof("hold", hold.id, hold.id),
        Proof("reference", hold.reference, hold.reference),
        Proof("source", hold.source, hold.source),
        Proof("release when", hold.release_condition or NONE),
        Proof("expires", f"{dated(hold.expires_at)} UTC" if hold.expires_at else "never by itself"),
        Proof("placed by", person(hold.placed_by, names)),
        Proof("placed", f"{dated(hold.placed_at)} UTC"),
        Proof("reviewed", f"{person(hold.reviewed_by, names)}: “{hold.review_note}”" if hold.reviewed_at else NONE),
        Proof("closed", f"{dated(hold.closed_at)} UTC" if hold.closed_at else NONE),
    )


def _acts(visit: Visit, hold: HoldRecord) -> HoldActs:
    """The forms that this person may use, while something is held."""
    if not visit.may(Permission.HOLDS_MANAGE) or hold.state != "held":
        return HoldActs()
    here = f"{visit.base}holds/{hold.id}/"
    return HoldActs(
        release=f"{here}release/", capture=f"{here}capture/", extend=f"{here}extend/", review=f"{here}review/"
    )


def _step(visit: Visit, step: HoldEventRecord, names: Names) -> StepView:
    amount = grouped(step.amount_minor) if step.amount_minor is not None else ""
    until = f"until {dated(step.expires_at)}" if step.kind == "extended" and step.expires_at else ""
    said = " · ".join(part for part in (amount, until, step.reason) if part)
    return StepView(
        type=f"hold.{step.kind}",
        tone="review" if step.kind == "expired" else "ledgered",
        words=said,
        who=person(step.actor, names),
        delta=dated(step.recorded_at),
        iso=iso(step.recorded_at),
        url=f"{visit.base}ledger/postings/{step.posting_id}/" if step.posting_id else "",
    )


def _once(visit: Visit, hold_id: str, operation: str, effect: Callable[[], str]) -> HttpResponse:
    return act_once(visit, operation=f"holds.{operation}", effect=effect, to=f"{visit.base}holds/{hold_id}/")


def _amount(visit: Visit) -> int | None:
    """What the form says, or None for all that is left."""
    text = visit.request.POST.get("amount_minor", "")
    return minor(text, what="The amount") if text.strip() else None


@room(Permission.HOLDS_MANAGE, step_up=True)
def release(visit: Visit, hold_id: str) -> HttpResponse:
    """Give back what is held, or a part of it."""
    reason, amount = words(visit, "reason"), _amount(visit)

    def effect() -> str:
        done = release_hold(
            hold_id=hold_id,
            reason=reason,
            actor=visit.actor(),
            now=visit.now,
            correlation_id=correlation_id(),
            amount_minor=amount,
            idempotency_key=visit.request.POST.get("idempotency_key"),
        )
        left = done.hold.remaining_minor
        rest = f"; {grouped(left)} are still held" if left else ""
        return f"{done.hold.reference}: {grouped(done.hold.released_minor)} {done.hold.currency} are released{rest}."

    return _once(visit, hold_id, "release", effect)


@room(Permission.HOLDS_MANAGE, step_up=True)
def capture(visit: Visit, hold_id: str) -> HttpResponse:
    """Move what is held, or a part of it, to where the hold leads."""
    reason, amount = words(visit, "reason"), _amount(visit)
    release_rest = visit.request.POST.get("rest") == "release"

    def effect() -> str:
        done = capture_hold(
            hold_id=hold_id,
            actor=visit.actor(),
            now=visit.now,
            correlation_id=correlation_id(),
            amount_minor=amount,
            release_rest=release_rest,
            description=reason,
            idempotency_key=visit.request.POST.get("idempotency_key"),
        )
        hold = done.hold
        return f"{hold.reference}: {grouped(hold.captured_minor)} {hold.currency} went to {hold.destination_code}."

    return _once(visit, hold_id, "capture", effect)


@room(Permission.HOLDS_MANAGE)
def extend(visit: Visit, hold_id: str) -> HttpResponse:
    """Let a hold end later."""
    reason = words(visit, "reason")
    expires_at = read_moment(visit.request.POST.get("expires_at", ""))
    if expires_at is None:
        raise FormIncomplete("Say until when it is held: a day and a time, in UTC.")

    def effect() -> str:
        done = extend_hold(hold_id=hold_id, expires_at=expires_at, reason=reason, actor=visit.actor(), now=visit.now)
        return f"{done.hold.reference} is held until {dated(expires_at)} UTC."

    return _once(visit, hold_id, "extend", effect)


@room(Permission.HOLDS_MANAGE)
def review(visit: Visit, hold_id: str) -> HttpResponse:
    """Keep that somebody looked at it, and what they found."""
    note = words(visit, "reason")

    def effect() -> str:
        done = review_hold(hold_id=hold_id, note=note, actor=visit.actor(), now=visit.now)
        return f"{done.hold.reference} is marked as reviewed by you."

    return _once(visit, hold_id, "review", effect)
