"""The story of one intent, three ways: what the ledger, the provider and the statements say, and where they differ."""

from datetime import UTC, datetime, time
from typing import Final, Literal

from zentra.reconciliation.matching.desk import store
from zentra.reconciliation.matching.desk.comparing import breaks_of
from zentra.reconciliation.matching.desk.facts import MONEY_MOVED, Facts, Seen, Word, gather
from zentra.reconciliation.matching.desk.types import StoryBreak, StoryRow, ThreeWay
from zentra.runtime.queries import get_intent

_OURS: Final = frozenset({"rail_receivable", "rail_payable"})
_DAY_HAS_NO_HOUR: Final = time(tzinfo=UTC)


def story_of_intent(*, intent_id: str, now: datetime) -> ThreeWay:
    """What each side says about an intent, where they differ, and which exceptions are open about it.

    Amounts are minor units, from our side: what comes to us is positive. Raises IntentNotFound.
    """
    get_intent(intent_id=intent_id)
    facts = gather(intent_ids=[intent_id])[intent_id]
    broken = breaks_of(facts, now=now, today=store.today(now))
    exceptions = _open_about(facts, now)
    return ThreeWay(
        intent_id=intent_id,
        status=str(facts.intent.status),
        amount_minor=facts.intent.amount_minor,
        currency=facts.intent.currency,
        rail=facts.intent.rail or "",
        ledger=tuple(_ledger(facts)),
        provider=tuple(_provider(word, facts) for word in facts.words),
        statement=tuple(_statement(line, facts) for line in facts.lines),
        breaks=broken,
        exceptions=exceptions,
        verdict=_verdict(facts, broken, exceptions),
    )


def _verdict(
    facts: Facts, broken: tuple[StoryBreak, ...], exceptions: tuple[str, ...]
) -> Literal["agreed", "waiting", "broken"]:
    """Agreed once the bank has the money, or once nobody says that any moved and the intent has ended."""
    if broken or exceptions:
        return "broken"
    if facts.booked is None:
        moved = any(word.outcome in MONEY_MOVED for word in facts.words)
        return "agreed" if facts.intent.final_state and not moved else "waiting"
    return "agreed" if any(line.account_kind == "bank" for line in facts.lines) else "waiting"


def _ledger(facts: Facts) -> list[StoryRow]:
    """One row for each posting: what it did to what the rail owes us, or how much it moved beside that."""
    rows: dict[str, StoryRow] = {}
    moved = any(word.outcome in MONEY_MOVED for word in facts.words)
    for entry in facts.entries:
        is_ours = entry.account_code in _OURS
        if entry.posting_id in rows and not is_ours:
            continue
        rows[entry.posting_id] = StoryRow(
            source="ledger",
            at=entry.recorded_at,
            what=entry.purpose,
            amount_minor=-entry.signed_minor if is_ours else entry.amount_minor,
            currency=entry.currency,
            reference=entry.external_reference or "",
            id=entry.posting_id,
            agrees=moved if entry.purpose == "success" else None,
        )
    return list(rows.values())


def _provider(word: Word, facts: Facts) -> StoryRow:
    intent = facts.intent
    agrees = word.amount_minor in (None, intent.amount_minor) and word.currency in ("", intent.currency)
    if agrees and word.outcome in MONEY_MOVED:
        agrees = facts.booked is not None
    return StoryRow(
        source="provider",
        at=word.at,
        what=word.outcome,
        amount_minor=word.amount_minor,
        currency=word.currency or intent.currency,
        reference=word.reference,
        id=word.id,
        agrees=agrees,
    )


def _statement(line: Seen, facts: Facts) -> StoryRow:
    agrees = None
    if line.is_own and line.kind == "payment":
        gross = line.amount_minor if line.gross_minor is None else line.gross_minor
        agrees = facts.booked is not None and abs(gross) == facts.booked.amount_minor
    return StoryRow(
        source="statement",
        at=datetime.combine(line.booked_on, _DAY_HAS_NO_HOUR),
        what=line.kind or line.account_kind,
        amount_minor=line.amount_minor,
        currency=line.currency,
        reference=line.reference,
        id=line.id,
        agrees=agrees,
    )


def _open_about(facts: Facts, now: datetime) -> tuple[str, ...]:
    """Unresolved exceptions of the intent, and of the lines that are about it alone."""
    keys = [line.id for line in facts.lines if line.is_own]
    found = store.select(
        "WHERE x.state <> 'resolved' AND (x.intent_id = %s OR x.line_id = ANY(%s)) ORDER BY x.opened_at, x.id",
        [facts.intent.intent_id, [store.key_of_line(each) for each in keys]],
        now=now,
    )
    return tuple(each.id for each in found)
