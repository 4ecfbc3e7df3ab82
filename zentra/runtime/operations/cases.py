"""Cases for what should have ended by itself: amounts held for too long, and outcomes that nobody has known for long.

Sweeps, not steps of an intent: what they find is true whoever died in between, a case of a subject is opened once, and
one whose reason went away is ended. A case that a person ended is not opened again for a day.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from ledger.queries import list_holds, read_holds
from ledger.types import HoldRecord
from policy.reviews.operations import open_case, settle_case
from policy.reviews.queries import open_subjects, was_decided_since
from policy.reviews.types import CaseKind, NewAlert
from zentra.core import actors
from zentra.core.clock import iso
from zentra.runtime.queries.waiting import list_unknown, still_unknown
from zentra.runtime.types import IntentRecord

PAST_EXPIRY: Final = timedelta(minutes=5)
"""A hold this long past its expiry should have been given back."""

HELD_FOR: Final = timedelta(hours=24)
"""A hold this old, with or without an expiry, is looked at by a person."""

UNKNOWN_FOR: Final = timedelta(minutes=15)
"""The rail is asked meanwhile; after this a person asks the provider."""

NOT_AGAIN_FOR: Final = timedelta(hours=24)
PAGE: Final = 200
"""Rows read at once, and about as many cases as one sweep opens; the next one goes on."""

MOST_PAGES: Final = 25
_T = TypeVar("_T")
_Key = tuple[datetime, str]


def sweep_holds(*, now: datetime) -> int:
    """Open a case for each hold past its expiry or held for long, and end those that are held no more; how many."""
    subjects = open_subjects(kind="hold", limit=PAGE * MOST_PAGES)
    holds = read_holds(hold_ids=subjects)
    over = [each for each in subjects if each not in holds or holds[each].state != "held"]
    ended = _settle("hold", over, now)

    def expired(after: _Key | None) -> list[HoldRecord]:
        return list_holds(state="held", order="expiry", due_before=now - PAST_EXPIRY, after=after, limit=PAGE)

    def old(after: _Key | None) -> list[HoldRecord]:
        found = list_holds(state="held", order="oldest", after=after, limit=PAGE)
        return [each for each in found if each.placed_at < now - HELD_FOR]

    opened = 0
    for page in _pages(expired, lambda hold: (hold.expires_at or hold.placed_at, hold.id)):
        opened += _open_holds(page, "hold.past_expiry", now)
        if opened >= PAGE:
            return opened + ended
    for page in _pages(old, lambda hold: (hold.placed_at, hold.id)):
        opened += _open_holds(page, "hold.long_pending", now)
        if opened >= PAGE:
            return opened + ended
    return opened + ended


def _open_holds(holds: Sequence[HoldRecord], name: str, now: datetime) -> int:
    known = was_decided_since(kind="hold", subjects=[hold.id for hold in holds], since=now - NOT_AGAIN_FOR)
    fresh = [hold for hold in holds if hold.id not in known]
    for hold in fresh:
        since = hold.expires_at if name == "hold.past_expiry" and hold.expires_at else hold.placed_at
        open_case(
            kind="hold", subject=hold.id, queue="operations", maker=_maker(hold.placed_by),
            alert=NewAlert("system", name, f"held on {hold.account_code}, since {iso(since)}"),
            intent_id=hold.intent_id or "", amount_minor=hold.remaining_minor, currency=hold.currency, now=now,
            actor=actors.RUNTIME,
        )  # fmt: skip
    return len(fresh)


def sweep_unknown(*, now: datetime) -> int:
    """Open a case for each outcome that nobody has known for long, and end those that are known by now; how many."""
    subjects = open_subjects(kind="outcome_unknown", limit=PAGE * MOST_PAGES)
    unknown = still_unknown(intent_ids=subjects)
    done = _settle("outcome_unknown", [each for each in subjects if each not in unknown], now)

    def waiting(after: _Key | None) -> list[IntentRecord]:
        return list_unknown(unchanged_since=now - UNKNOWN_FOR, after=after, limit=PAGE)

    for page in _pages(waiting, lambda intent: (intent.created_at, intent.id)):
        if done >= PAGE:
            return done
        subjects = [intent.intent_id for intent in page]
        known = was_decided_since(kind="outcome_unknown", subjects=subjects, since=now - NOT_AGAIN_FOR)
        for intent in page:
            if intent.intent_id in known:
                continue
            done += 1
            open_case(
                kind="outcome_unknown", subject=intent.intent_id, queue="operations", intent_id=intent.intent_id,
                maker=_maker(intent.actor), amount_minor=intent.amount_minor, currency=intent.currency,
                alert=NewAlert("system", "outcome.unknown", f"{intent.rail or 'the rail'} has not said what it did"),
                now=now, actor=actors.RUNTIME,
            )  # fmt: skip
    return done


def _maker(actor: Mapping[str, Any]) -> str:
    """Who brought it about, as far as it was kept; of an end user, the credential that their token was made by."""
    name = "credential" if actor.get("kind") == "end_user" else "id"
    return str(actor.get(name) or "")


def _settle(kind: CaseKind, subjects: Sequence[str], now: datetime) -> int:
    return sum(
        settle_case(kind=kind, subject=subject, actor=actors.RUNTIME, now=now) is not None for subject in subjects
    )


def _pages(read: Callable[[_Key | None], list[_T]], key: Callable[[_T], _Key]) -> Iterator[list[_T]]:
    """The pages of a list by keyset, until one is not full; the rest is the next sweep's."""
    after: _Key | None = None
    for _ in range(MOST_PAGES):
        page = read(after)
        if page:
            yield page
        if len(page) < PAGE:
            return
        after = key(page[-1])
