"""Tie-outs: computed, explained, signed by two people. What changes after a signature suspends it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction

from evidence.types import NewEvent
from zentra.core import ids
from zentra.core.actors import RECONCILIATION, Actor
from zentra.core.canonical import sha256_hex
from zentra.reconciliation.closeout import calendar, figures
from zentra.reconciliation.closeout.errors import NotTied, SameHand, StaleTieOut, TieOutNotFound, WrongState
from zentra.reconciliation.closeout.models import Period, SignOff, TieOut
from zentra.reconciliation.closeout.queries.tie_outs import get_tie_out, list_tie_outs
from zentra.reconciliation.closeout.reasons import check_reason
from zentra.reconciliation.closeout.store import add_act, get_row, lock_period, record_of_period
from zentra.reconciliation.closeout.types import Step, TieOutRecord
from zentra.reconciliation.statements.types import ReconciledAccountRecord


@transaction.atomic
def refresh_tie_outs(*, period_id: str, now: datetime) -> list[TieOutRecord]:
    """Compute every tie-out of a period anew. Signatures under other figures are suspended, with an event.

    Harmless to repeat: the same figures change nothing. Raises PeriodNotFound, BadId.
    """
    period = get_row(period_id)
    today = calendar.business_day(at=now, zone=period.time_zone, hour=period.cut_off_hour)
    for account in figures.reconciled_accounts(period):
        _refresh(period, account, today, now)
    return list_tie_outs(period_id=period_id)


@transaction.atomic
def explain_tie_out(*, tie_out_id: str, explanation: str, version: int, actor: Actor, now: datetime) -> TieOutRecord:
    """Say why something is left unexplained by matches and exceptions; it counts for these figures only.

    Other words under a signature suspend it, with an event. Every explanation stays in the period's history. Raises
    TieOutNotFound, StaleTieOut, WrongState (the period is locked), CloseoutInvalid, BadId.
    """
    text = check_reason(explanation)
    period, row = _hold(tie_out_id)
    if row.version != version:
        raise StaleTieOut("The tie-out was changed in the meantime.", figures_hash=row.figures_hash)
    if period.state == "closed":
        raise WrongState("The period is locked; what is said of it stays.", state=period.state)
    suspend(row=row, hashed=row.figures_hash, now=now)
    row.explanation, row.explained_hash = text, row.figures_hash
    row.explained_by, row.explained_maker = actor.as_dict(), actor.maker
    row.explanation_version += 1
    row.version += 1
    row.save(
        update_fields=["explanation", "explained_hash", "explained_by", "explained_maker", "explanation_version",
                       "state", "version"]
    )  # fmt: skip
    facts = {"tie_out_id": row.id, "explanation_version": row.explanation_version, "figures_hash": row.figures_hash}
    add_act(period, "tie_out_explained", by=actor, now=now, reason=text, facts=facts)
    return get_tie_out(tie_out_id=tie_out_id)


@transaction.atomic
def prepare_tie_out(
    *, tie_out_id: str, figures_hash: str, actor: Actor, now: datetime, explanation_version: int | None = None
) -> TieOutRecord:
    """The first signature, in a period that is closed softly or locked. Records ``tie_out.signed``.

    It is of the figures of that hash and, where given, of the explanation of that number. Raises TieOutNotFound,
    StaleTieOut (others stand), NotTied, WrongState (signed already, or the period is open), BadId.
    """
    row = _to_sign(tie_out_id, figures_hash, explanation_version)
    if row.state not in ("open", "suspended"):
        raise WrongState("It is prepared already.", state=row.state)
    return _sign(row, "prepared", actor, now, prepared_by=None)


@transaction.atomic
def approve_tie_out(
    *, tie_out_id: str, figures_hash: str, actor: Actor, now: datetime, explanation_version: int | None = None
) -> TieOutRecord:
    """The second signature, by another person, who did not explain it either. Records ``tie_out.signed``.

    Raises SameHand, and what ``prepare_tie_out`` does.
    """
    row = _to_sign(tie_out_id, figures_hash, explanation_version)
    if row.state != "prepared":
        raise WrongState("It is prepared first, and approved once.", state=row.state)
    prepared = SignOff.objects.get(tie_out_id=row.id, step="prepared", suspended_at__isnull=True)
    if prepared.maker == actor.maker:
        raise SameHand("Who prepared a tie-out does not approve it.")
    if row.explained_hash == row.figures_hash and row.explained_maker == actor.maker:
        raise SameHand("Who explained what is left does not approve it.")
    return _sign(row, "approved", actor, now, prepared_by=str(prepared.signed_by["id"]))


def suspend(*, row: TieOut, hashed: str, now: datetime) -> None:
    """Suspend the signatures that stand under a tie-out, with an event, and set its state; its row is locked, not
    saved. ``hashed`` is of the figures that stand from now on.
    """
    standing = SignOff.objects.filter(tie_out_id=row.id, suspended_at__isnull=True)
    signed = list(standing)
    if not signed:
        return
    standing.update(suspended_at=now, suspended_hash=hashed)
    row.state = "suspended"
    data = {**_facts(row), "figures_hash": hashed, "signed_hash": signed[0].figures_hash, "signatures": len(signed)}
    record_of_period(row.period_id, [NewEvent(type="tie_out.suspended", actor=RECONCILIATION, data=data)], now=now)


def suspend_all(*, period_id: str, now: datetime) -> None:
    """Suspend every signature that stands in a period, whose row is locked."""
    for row in TieOut.objects.select_for_update().filter(period_id=period_id).order_by("account_id"):
        before = row.state
        suspend(row=row, hashed=row.figures_hash, now=now)
        if row.state != before:
            row.version += 1
            row.save(update_fields=["state", "version"])


def _refresh(period: Period, account: ReconciledAccountRecord, today: date, now: datetime) -> None:
    found = figures.figures_json(figures.compute(period, account, today=today))
    hashed = figures.figures_hash(found)
    row, is_made = TieOut.objects.get_or_create(
        period_id=period.id,
        account_id=account.id,
        defaults={
            "id": ids.new_id("tie"), "currency": account.currency, "figures": found, "figures_hash": hashed,
            "computed_at": now,
        },
    )  # fmt: skip
    if is_made:
        return
    if row.figures_hash == hashed:
        if period.state == "closed":  # it is looked at in turn, the one that was computed longest ago first
            TieOut.objects.filter(id=row.id).update(computed_at=now)
        return
    row = _lock(row.id)
    # Computed once more, now that nobody else writes: ours may be older than what was written while we waited.
    found = figures.figures_json(figures.compute(period, account, today=today))
    hashed = figures.figures_hash(found)
    if row.figures_hash == hashed:
        return
    row.figures, row.computed_at = found, now
    suspend(row=row, hashed=hashed, now=now)
    row.figures_hash = hashed
    row.version += 1
    row.save(update_fields=["figures", "figures_hash", "computed_at", "state", "version"])


def _to_sign(tie_out_id: str, figures_hash: str, explanation_version: int | None) -> TieOut:
    period, row = _hold(tie_out_id)
    if period.state == "open":
        raise WrongState("The period is open; it is closed softly first.", state=period.state)
    if row.figures_hash != figures_hash or explanation_version not in (None, row.explanation_version):
        raise StaleTieOut("The figures or what is said of them changed; look again.", figures_hash=row.figures_hash)
    found = figures.read_figures(row.figures)
    if not found.is_tied and row.explained_hash != row.figures_hash:
        open_ones = sum(part.count for part in found.parts if part.group == "unexplained")
        raise NotTied(
            "No statement reaches the period."
            if found.statement_minor is None
            else f"{open_ones:,} are unexplained, together {found.unexplained_minor:,} {row.currency} minor units.",
            unexplained_minor=found.unexplained_minor,
        )
    return row


def _sign(row: TieOut, step: Step, actor: Actor, now: datetime, *, prepared_by: str | None) -> TieOutRecord:
    sign_off = SignOff(
        id=ids.new_id("sgn"),
        tie_out_id=row.id,
        step=step,
        figures=row.figures,
        figures_hash=row.figures_hash,
        explanation=_words(row),
        explanation_version=row.explanation_version,
        signed_by=actor.as_dict(),
        maker=actor.maker,
        signed_at=now,
    )
    try:
        with transaction.atomic():
            sign_off.save(force_insert=True)
    except IntegrityError as error:
        raise SameHand("Two people sign, one after the other.") from error
    row.state = step
    row.version += 1
    row.save(update_fields=["state", "version"])
    data = {**_facts(row), "step": step, "sign_off_id": sign_off.id, "prepared_by": prepared_by, **_said(row)}
    record_of_period(row.period_id, [NewEvent(type="tie_out.signed", actor=actor, data=data)], now=now)
    return get_tie_out(tie_out_id=row.id)


def _words(row: TieOut) -> str:
    """What is said of the figures that stand; an explanation of others counts no more."""
    return row.explanation if row.explained_hash == row.figures_hash else ""


def _said(row: TieOut) -> dict[str, object]:
    """What a signature tells the log of the explanation: who gave it, its number, and a hash of its words."""
    words = _words(row)
    return {
        "explained_by": row.explained_by["id"] if words and row.explained_by else None,
        "explanation_version": row.explanation_version,
        "explanation_sha256": sha256_hex(words.encode()) if words else None,
    }


def _hold(tie_out_id: str) -> tuple[Period, TieOut]:
    """The period of a tie-out and it, both locked, in that order."""
    ids.to_uuid(tie_out_id, prefix="tie")
    found = TieOut.objects.filter(id=tie_out_id).first()
    if found is None:
        raise TieOutNotFound(f"There is no tie-out {tie_out_id}.", tie_out_id=tie_out_id)
    return lock_period(found.period_id), _lock(tie_out_id)


def _lock(tie_out_id: str) -> TieOut:
    ids.to_uuid(tie_out_id, prefix="tie")
    row = TieOut.objects.select_for_update().filter(id=tie_out_id).first()
    if row is None:
        raise TieOutNotFound(f"There is no tie-out {tie_out_id}.", tie_out_id=tie_out_id)
    return row


def _facts(row: TieOut) -> dict[str, object]:
    stored: Mapping[str, Any] = row.figures
    names = ("ledger_minor", "statement_minor", "in_transit_minor", "explained_minor", "unexplained_minor")
    return {
        "tie_out_id": row.id,
        "period_id": row.period_id,
        "account_id": row.account_id,
        "currency": row.currency,
        **{name: stored[name] for name in names},
        "figures_hash": row.figures_hash,
    }
