"""Whether ledger, provider and bank say the same about an intent: a pure function of what each of them said."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from zentra.core.money import format_minor
from zentra.reconciliation.matching.calendars import add_business_days
from zentra.reconciliation.matching.desk.facts import MONEY_DID_NOT, MONEY_MOVED, Facts, Seen, Word
from zentra.reconciliation.matching.desk.types import BreakKind, StoryBreak

GRACE: Final = timedelta(seconds=3)
"""How long one side may be ahead of the other: a callback and its posting commit together, a poll's may not."""

EXCEPTION_KINDS: Final[dict[BreakKind, str]] = {
    "provider_without_ledger": "line_only",
    "settlement_without_ledger": "line_only",
    "ledger_without_provider": "entry_only",
    "provider_changed_its_word": "entry_only",
    "amount_differs": "amount_differs",
    "settled_amount_differs": "amount_differs",
    "currency_differs": "currency_differs",
    "provider_twice": "duplicate",
    "bank_missing": "missing",
}
"""Which kind of exception each break becomes."""


def breaks_of(facts: Facts, *, now: datetime, today: date) -> tuple[StoryBreak, ...]:
    """Where two of the sides differ, first what differs first; ``today`` is the workspace's day."""
    found = [
        *_about_amounts(facts), *_about_success(facts, now), *_about_twice(facts), *_about_settlement(facts),
        *_about_arrival(facts, today),
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda each: (each.since, each.kind)))


def _moved(facts: Facts) -> list[Word]:
    return [word for word in facts.words if word.outcome in MONEY_MOVED]


def _about_amounts(facts: Facts) -> Iterator[StoryBreak]:
    """The first word whose amount or currency is not the intent's, and that the provider has not put right since."""
    intent = facts.intent
    standing = {(word.key, word.outcome): word for word in facts.words}
    for word in standing.values():
        if word.currency and word.currency != intent.currency:
            yield StoryBreak(
                "currency_differs", ("provider", "ledger"),
                f"The provider says {word.currency}, the intent is in {intent.currency}.", intent.amount_minor,
                word.amount_minor, word.at,
            )  # fmt: skip
            return
        if word.amount_minor is not None and word.amount_minor != intent.amount_minor:
            yield StoryBreak(
                "amount_differs", ("provider", "ledger"),
                f"The provider says {format_minor(word.amount_minor, intent.currency)}, the intent"
                f" {format_minor(intent.amount_minor, intent.currency)}.",
                intent.amount_minor, word.amount_minor, word.at,
            )  # fmt: skip
            return


def _about_success(facts: Facts, now: datetime) -> Iterator[StoryBreak]:
    """Success in one of the books and not in the other, and a provider that took its word back."""
    booked, amount = facts.booked, facts.intent.amount_minor
    said = [word for word in _moved(facts) if _agrees(word, facts)]
    if said and booked is None and now - said[0].at > GRACE:
        yield StoryBreak(
            "provider_without_ledger", ("provider", "ledger"), "The provider moved the money, the ledger has nothing.",
            amount, None, said[0].at,
        )  # fmt: skip
    if booked is None:
        return
    if not _moved(facts) and now - booked.recorded_at > GRACE:
        yield StoryBreak(
            "ledger_without_provider", ("ledger", "provider"), "The ledger has it, the provider never said so.",
            None, amount, booked.recorded_at,
        )  # fmt: skip
    denied = [word for word in facts.words if word.outcome in MONEY_DID_NOT]
    keys = {word.key for word in _moved(facts)}
    taken_back = next((word for word in denied if word.key in keys), None)
    if taken_back is not None:
        yield StoryBreak(
            "provider_changed_its_word", ("provider", "ledger"),
            f"The provider says {taken_back.outcome} of what it said had moved.", amount, None, taken_back.at,
        )  # fmt: skip


def _agrees(word: Word, facts: Facts) -> bool:
    return word.amount_minor in (None, facts.intent.amount_minor) and word.currency in ("", facts.intent.currency)


def _about_twice(facts: Facts) -> Iterator[StoryBreak]:
    """Money that moved under two keys or as two orders of the provider."""
    moved = _moved(facts)
    orders = {(word.key, word.reference) for word in moved if word.reference}
    keys = {word.key for word in moved}
    if len(orders) > 1 or len(keys) > 1:
        yield StoryBreak(
            "provider_twice", ("provider", "ledger"), f"The provider moved it {max(len(orders), len(keys))} times.",
            facts.intent.amount_minor, facts.intent.amount_minor * max(len(orders), len(keys)), moved[-1].at,
        )  # fmt: skip


def _payments(facts: Facts) -> list[Seen]:
    return [line for line in facts.lines if line.is_own and line.account_kind == "rail" and line.kind == "payment"]


def _about_settlement(facts: Facts) -> Iterator[StoryBreak]:
    """A settlement report that names what the ledger does not have, or has with another amount."""
    booked = facts.booked
    for line in _payments(facts):
        gross = line.amount_minor if line.gross_minor is None else line.gross_minor
        if booked is None:
            yield StoryBreak(
                "settlement_without_ledger", ("statement", "ledger"), "The rail settles it, the ledger has nothing.",
                None, gross, line.written_at,
            )  # fmt: skip
            return
        if abs(gross) != booked.amount_minor:
            yield StoryBreak(
                "settled_amount_differs", ("statement", "ledger"),
                f"The rail settles {format_minor(abs(gross), line.currency)}, the ledger has"
                f" {format_minor(booked.amount_minor, booked.currency)}.",
                booked.amount_minor, abs(gross), line.written_at,
            )  # fmt: skip
            return


def _about_arrival(facts: Facts, today: date) -> Iterator[StoryBreak]:
    """A batch that the rail has paid out and that no bank statement shows after its day."""
    at_bank = {line.reference for line in facts.lines if line.account_kind == "bank"}
    for line in facts.lines:
        if line.kind != "payout" or line.is_own or line.reference in at_bank:
            continue
        due = add_business_days(line.value_on, line.settle_days, calendar=line.calendar)
        if today > due:
            yield StoryBreak(
                "bank_missing", ("statement", "ledger"), "The rail has paid it out, the bank does not show it.",
                abs(line.amount_minor), None, datetime.combine(due, time(), tzinfo=UTC),
            )  # fmt: skip
