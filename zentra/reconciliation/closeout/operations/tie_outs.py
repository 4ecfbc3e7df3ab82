"""Tie-outs: computed, explained, signed by two people. What changes after a signature suspends it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from evidence.types import NewEvent
from zentra.core import ids
from zentra.core.actors import RECONCILIATION, Actor
from zentra.reconciliation.closeout import calendar, figures
from zentra.reconciliation.closeout.errors import NotTied, SameHand, StaleTieOut, TieOutNotFound, WrongState
from zentra.reconciliation.closeout.models import Period, SignOff, TieOut
from zentra.reconciliation.closeout.queries.tie_outs import get_tie_out, list_tie_outs
from zentra.reconciliation.closeout.reasons import check_reason
from zentra.reconciliation.closeout.store import get_row, record_of_period
from zentra.reconciliation.closeout.types import Step, TieOutRecord
from zentra.reconciliation.statements.types import ReconciledAccountRecord


@transaction.atomic
def refresh_tie_outs(*, period_id: str, now: datetime) -> list[TieOutRecord]:
    """Compute every tie-out of a period anew. Signatures under other figures are suspended, with an event.

    Harmless to repeat: the same figures change nothing. Raises PeriodNotFound, BadId.
    """
    period = get_row(period_id)
    today = calendar.business_day(at=now, zone=period.time_zone, hour=period.cut_off_hour)
    for account in figures.reconciled_accounts():
        _refresh(period, account, figures.figures_json(figures.compute(period, account, today=today)), now)
    return list_tie_outs(period_id=period_id)


def explain_tie_out(*, tie_out_id: str, explanation: str, version: int, actor: Actor, now: datetime) -> TieOutRecord:  # noqa: ARG001  # every door has one
    """Say why something is left unexplained by matches and exceptions; it counts for these figures only.

    Raises TieOutNotFound, StaleTieOut, WrongState (signed already), CloseoutInvalid, BadId.
    """
    text = check_reason(explanation)
    row = _lock(tie_out_id)
    if row.version != version:
        raise StaleTieOut("The tie-out was changed in the meantime.", figures_hash=row.figures_hash)
    if row.state in ("prepared", "approved"):
        raise WrongState("The figures are signed; what is said of them stays.", state=row.state)
    row.explanation, row.explained_hash, row.explained_by = text, row.figures_hash, actor.as_dict()
    row.version += 1
    row.save(update_fields=["explanation", "explained_hash", "explained_by", "version"])
    return get_tie_out(tie_out_id=tie_out_id)


@transaction.atomic
def prepare_tie_out(*, tie_out_id: str, figures_hash: str, actor: Actor, now: datetime) -> TieOutRecord:
    """The first signature. Records ``tie_out.signed``.

    Raises TieOutNotFound, StaleTieOut (other figures stand), NotTied, WrongState (signed already, or the period is
    open), BadId.
    """
    row = _to_sign(tie_out_id, figures_hash)
    if row.state not in ("open", "suspended"):
        raise WrongState("It is prepared already.", state=row.state)
    return _sign(row, "prepared", actor, now, prepared_by=None)


@transaction.atomic
def approve_tie_out(*, tie_out_id: str, figures_hash: str, actor: Actor, now: datetime) -> TieOutRecord:
    """The second signature, by another person. Records ``tie_out.signed``.

    Raises SameHand, and what ``prepare_tie_out`` does.
    """
    row = _to_sign(tie_out_id, figures_hash)
    if row.state != "prepared":
        raise WrongState("It is prepared first, and approved once.", state=row.state)
    prepared = SignOff.objects.get(tie_out_id=row.id, step="prepared", suspended_at__isnull=True)
    if prepared.maker == actor.maker:
        raise SameHand("Who prepared a tie-out does not approve it.")
    return _sign(row, "approved", actor, now, prepared_by=str(prepared.signed_by["id"]))


def _refresh(period: Period, account: ReconciledAccountRecord, found: dict[str, Any], now: datetime) -> None:
    hashed = figures.figures_hash(found)
    row, is_made = TieOut.objects.get_or_create(
        period_id=period.id,
        account_id=account.id,
        defaults={
            "id": ids.new_id("tie"), "currency": account.currency, "figures": found, "figures_hash": hashed,
            "computed_at": now,
        },
    )  # fmt: skip
    if is_made or row.figures_hash == hashed:
        return
    row = _lock(row.id)
    if row.figures_hash == hashed:
        return
    signed = list(SignOff.objects.filter(tie_out_id=row.id, suspended_at__isnull=True))
    row.figures, row.figures_hash, row.computed_at = found, hashed, now
    row.state = "suspended" if signed else row.state
    row.version += 1
    row.save(update_fields=["figures", "figures_hash", "computed_at", "state", "version"])
    if signed:
        SignOff.objects.filter(tie_out_id=row.id, suspended_at__isnull=True).update(
            suspended_at=now, suspended_hash=hashed
        )
        data = {**_facts(row), "signed_hash": signed[0].figures_hash, "signatures": len(signed)}
        event = NewEvent(type="tie_out.suspended", actor=RECONCILIATION, data=data)
        record_of_period(period.id, [event], now=now)


def _to_sign(tie_out_id: str, figures_hash: str) -> TieOut:
    row = _lock(tie_out_id)
    if row.figures_hash != figures_hash:
        raise StaleTieOut("The figures have changed; look at them again.", figures_hash=row.figures_hash)
    stored = row.figures
    is_tied = stored["statement_minor"] is not None and stored["unexplained_minor"] == 0
    if not is_tied and row.explained_hash != row.figures_hash:
        raise NotTied(
            f"{stored['unexplained_minor']:,} {row.currency} minor units are unexplained."
            if stored["statement_minor"] is not None
            else "No statement reaches the period.",
            unexplained_minor=stored["unexplained_minor"],
        )
    return row


def _sign(row: TieOut, step: Step, actor: Actor, now: datetime, *, prepared_by: str | None) -> TieOutRecord:
    sign_off = SignOff(
        id=ids.new_id("sgn"),
        tie_out_id=row.id,
        step=step,
        figures=row.figures,
        figures_hash=row.figures_hash,
        explanation=row.explanation if row.explained_hash == row.figures_hash else "",
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
    data = {**_facts(row), "step": step, "sign_off_id": sign_off.id, "prepared_by": prepared_by}
    record_of_period(row.period_id, [NewEvent(type="tie_out.signed", actor=actor, data=data)], now=now)
    return get_tie_out(tie_out_id=row.id)


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
