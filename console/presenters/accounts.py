"""Accounts, their history and their holds as people read them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from console.marks import mark
from console.presenters.words import NONE, age, dated, grouped, moment, short_code, step
from console.types import Mark
from console.types.ledger import AccountLine, Figure, HistoryLine, HoldLine, MonitorLine
from ledger.queries import MonitorRecord
from ledger.types import AccountRecord, Balances, Direction, EntryRecord, HoldRecord
from zentra.core.clock import iso
from zentra.core.money import format_minor

Names = Mapping[str, str]
_METRIC: Final = {"available": "available", "posted": "posted", "pending": "pending, in less out"}


def person(actor: Mapping[str, Any] | None, names: Names) -> str:
    """Who an actor is: a member's name, a service, or a short form of a key."""
    if not actor:
        return NONE
    key = str(actor.get("id", ""))
    if key in names:
        return names[key]
    return key if len(key) <= 16 else f"{key.partition('_')[0]}_…{key[-4:]}"


def account_line(record: AccountRecord, balances: Balances, *, base: str) -> AccountLine:
    """An account in a list."""
    return AccountLine(
        account_id=record.id,
        url=f"{base}accounts/{record.id}/",
        code=record.code,
        name=record.name if record.name != record.code else "",
        kind=record.account_type,
        currency=record.currency,
        posted=grouped(balances.posted_minor),
        pending_in=grouped(balances.pending_in_minor) if balances.pending_in_minor else NONE,
        pending_out=grouped(-balances.pending_out_minor) if balances.pending_out_minor else NONE,
        available=grouped(balances.available_minor),
        state=mark(record.state),
        customer=record.customer or "",
    )


def figures(record: AccountRecord, balances: Balances) -> tuple[Figure, ...]:
    """What the account holds, and how much room its limits leave."""
    shown = [
        _figure("posted", balances.posted_minor, record.currency, f"{record.normal_balance} balance"),
        _figure("pending in", balances.pending_in_minor, record.currency, "not available yet"),
        _figure("pending out", -balances.pending_out_minor, record.currency, "held"),
        _figure("available", balances.available_minor, record.currency, "posted less pending out"),
    ]
    if record.floor_minor is not None:
        room = balances.available_minor - record.floor_minor
        note = (
            f"above the floor of {grouped(record.floor_minor)}" if room >= 0 else f"below {grouped(record.floor_minor)}"
        )
        shown.append(_figure("room to spend", room, record.currency, note, level="" if room > 0 else "alert"))
    if record.ceiling_minor is not None:
        room = record.ceiling_minor - balances.posted_minor - balances.pending_in_minor
        note = f"up to {grouped(record.ceiling_minor)}"
        shown.append(_figure("room to receive", room, record.currency, note, level="" if room > 0 else "alert"))
    return tuple(shown)


def _figure(label: str, amount: int, currency: str, note: str, level: Any = "") -> Figure:
    return Figure(label, grouped(amount), f"{format_minor(amount, currency)} {currency}", note, level)


def history_line(
    entry: EntryRecord, *, base: str, normal: Direction, reconciliation: Mapping[str, Mark]
) -> HistoryLine:
    """An entry of an account's history; the balance after it counts in the account's normal direction."""
    after = entry.balance_after_minor
    directed = after if after is None or normal == "credit" else -after
    return HistoryLine(
        entry_id=entry.id,
        posting_id=entry.posting_id,
        url=f"{base}ledger/postings/{entry.posting_id}/",
        version=grouped(entry.version) if entry.version is not None else NONE,
        purpose=step(entry.purpose),
        words=entry.description or entry.external_reference or "",
        intent_id=entry.intent_id or "",
        intent_url=f"{base}intents/{entry.intent_id}/" if entry.intent_id else "",
        debit=grouped(entry.amount_minor) if entry.direction == "debit" else "",
        credit=grouped(entry.amount_minor) if entry.direction == "credit" else "",
        balance=NONE if directed is None else grouped(directed),
        effective=dated(entry.effective_at),
        effective_iso=iso(entry.effective_at),
        recorded=dated(entry.recorded_at) if entry.recorded_at != entry.effective_at else "",
        reconciliation=_reconciliation(entry, reconciliation),
        state=None if entry.state == "posted" else mark(entry.state, says=f"{entry.state}, no balance moved"),
    )


def _reconciliation(entry: EntryRecord, known: Mapping[str, Mark]) -> Mark | None:
    """What an entry is tied to outside of the ledger. Bank statements come with reconciliation."""
    if entry.state != "posted" or entry.intent_id is None:
        return None
    return known.get(entry.intent_id) or mark("unmatched", says="not reconciled")


def hold_line(hold: HoldRecord, *, base: str, now: datetime) -> HoldLine:
    """A hold in a list."""
    is_overdue = hold.state == "held" and hold.expires_at is not None and hold.expires_at <= now
    return HoldLine(
        hold_id=hold.id,
        url=f"{base}holds/{hold.id}/",
        reference=hold.reference,
        account=short_code(hold.account_code),
        account_url=f"{base}accounts/{hold.account_id}/",
        destination=short_code(hold.destination_code),
        source=hold.source,
        intent_id=hold.intent_id or "",
        intent_url=f"{base}intents/{hold.intent_id}/" if hold.intent_id else "",
        held=grouped(hold.amount_minor),
        remaining=grouped(hold.remaining_minor),
        captured=grouped(hold.captured_minor),
        released=grouped(hold.released_minor),
        currency=hold.currency,
        state=_hold_mark(hold, is_overdue),
        placed=moment(hold.placed_at, now),
        expires=_expiry(hold.expires_at, now) if hold.state == "held" else NONE,
        expiry=_expiry_words(hold, is_overdue, now),
        overdue=is_overdue,
        reviewed=f"reviewed {dated(hold.reviewed_at)}" if hold.reviewed_at else "",
    )


def _hold_mark(hold: HoldRecord, is_overdue: bool) -> Mark:
    if is_overdue:
        return mark("overdue")
    return mark("on hold", says="held") if hold.state == "held" else mark(hold.state)


def _expiry(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "never"
    return f"{age(now - at)} ago" if at <= now else f"in {age(at - now)}"


def _expiry_words(hold: HoldRecord, is_overdue: bool, now: datetime) -> str:
    if hold.state != "held":
        return hold.state
    if hold.expires_at is None:
        return "no expiry"
    return f"{'overdue, expired' if is_overdue else 'expires'} {_expiry(hold.expires_at, now)}"


def monitor_line(monitor: MonitorRecord) -> MonitorLine:
    """A balance monitor: when it speaks, and whether the balance is beyond it now."""
    words = f"{_METRIC[monitor.metric]} {monitor.comparison} {grouped(monitor.threshold_minor)} {monitor.currency}"
    state = mark("crossed", says="beyond it") if monitor.is_crossed else mark("inside", says="not reached")
    return MonitorLine(
        monitor.id, monitor.name or words, words if monitor.name else "", state, dated(monitor.crossed_at)
    )
