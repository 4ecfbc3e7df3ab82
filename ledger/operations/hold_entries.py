"""The entries and postings of a hold's steps: what takes funds out of an account, and what gives them back."""

from collections.abc import Sequence
from datetime import datetime

from ledger.errors import InvalidHold
from ledger.queries.accounts import find_account
from ledger.queries.postings import postings_of_hold
from ledger.types import NO_FLOOR, OPPOSITE, AccountRecord, HoldRecord, Line, NewPosting, PostingState
from zentra.core import ids
from zentra.core.money import check_amount_minor


def accounts_of(*, hold: HoldRecord) -> tuple[AccountRecord, AccountRecord]:
    """The account whose funds are held, and where they go."""
    return find_account(ref=hold.account_id), find_account(ref=hold.destination_id)


def taken_out(*, held: AccountRecord, into: AccountRecord, amount_minor: int) -> tuple[Line, ...]:
    """What takes an amount out of an account, in its own direction; the taking side asks for cover.

    Raises InvalidAmount.
    """
    check_amount_minor(amount_minor)
    out = OPPOSITE[held.normal_balance]
    key, other = (ids.to_uuid(account.id, prefix="acct") for account in (held, into))
    cover = 0 if held.floor_minor is None else None
    return (
        Line(key, out, amount_minor, floor_minor=cover),
        Line(other, OPPOSITE[out], amount_minor),
    )


def entries_of_release(*, hold: HoldRecord, amount_minor: int) -> tuple[Line, ...]:
    """The entries of a release; raises InvalidHold for a part of a two-phase posting, InvalidAmount."""
    if hold.kind == "posting":
        return _taken_away(_whole(hold, amount_minor))
    held, into = accounts_of(hold=hold)
    return _taken_away(taken_out(held=held, into=into, amount_minor=amount_minor))


def entries_of_capture(
    *, hold: HoldRecord, amount_minor: int, destination: str | None, freed_minor: int
) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """The entries of a capture: those that end so much of the reservation, and those that move the money.

    Raises InvalidHold for another destination or a part of a two-phase posting, UnknownAccount, InvalidAmount.
    """
    if hold.kind == "posting":
        if destination is not None:
            raise InvalidHold(f"{hold.id} is a two-phase posting: it goes where its entries say.", hold_id=hold.id)
        lines = _whole(hold, amount_minor)
        return _taken_away(lines), _covered(lines)
    held, into = accounts_of(hold=hold)
    target = into if destination is None else find_account(ref=destination, currency=hold.currency)
    if target.id == held.id:
        raise InvalidHold("A hold goes from one account to another.", account=held.code)
    return (
        _taken_away(taken_out(held=held, into=into, amount_minor=freed_minor)),
        _covered(taken_out(held=held, into=target, amount_minor=amount_minor)),
    )


def posting_of_step(
    *,
    hold_id: str,
    step: str,
    lines: Sequence[Line],
    currency: str,
    now: datetime,
    description: str,
    state: PostingState,
) -> NewPosting:
    """The posting of a step (``hold.place``, ``hold.capture`` …), which may happen more than once for an intent."""
    return NewPosting(
        posting_id=ids.new_id("posting"),
        purpose=f"{step}.{ids.new_id('evt').removeprefix('evt_')}",
        lines=tuple(lines),
        currency=currency,
        effective_at=now,
        description=description,
        state=state,
        hold_id=hold_id,
    )


def _taken_away(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The entries that take pending ones away; giving back needs no cover."""
    return tuple(Line(line.account, OPPOSITE[line.direction], line.amount_minor) for line in lines)


def _covered(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The entries of a capture: what they take was held, and the same call releases it, so no floor is asked again."""
    immediate = {line.account for line in lines if find_account(ref=line.account).sequencing == "immediate"}
    return tuple(
        Line(
            line.account, line.direction, line.amount_minor, floor_minor=NO_FLOOR if line.account in immediate else None
        )
        for line in lines
    )


def _whole(hold: HoldRecord, amount_minor: int) -> tuple[Line, ...]:
    """The entries of a two-phase posting, which is settled or released whole; raises InvalidHold for a part."""
    if amount_minor != hold.remaining_minor:
        raise InvalidHold(
            f"{hold.id} is a two-phase posting of {hold.remaining_minor}: it is settled or released whole.",
            hold_id=hold.id, asked_minor=amount_minor, remaining_minor=hold.remaining_minor,
        )  # fmt: skip
    (pending,) = (each for each in postings_of_hold(hold_id=hold.id) if each.posted.state == "pending")
    return tuple(
        Line(ids.to_uuid(entry.account_id, prefix="acct"), entry.direction, entry.amount_minor)
        for entry in pending.posted.entries
    )
