"""Closeout packets: asked for by a person, sealed by a work item as soon as the log has signed what they hold."""

from datetime import datetime
from typing import Final

from django.db import transaction

from evidence.operations import check_covered, seal_bundle
from evidence.types import NewEvent
from evidence.verifier import closeout as claims
from zentra.core import clock, ids
from zentra.core.actors import RECONCILIATION, Actor
from zentra.core.queue import enqueue
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.closeout.bundle import books_json, make_files
from zentra.reconciliation.closeout.errors import CloseoutInvalid, CloseoutPacketNotFound, WrongState
from zentra.reconciliation.closeout.models import Packet, Period, PeriodEvent
from zentra.reconciliation.closeout.operations.tie_outs import refresh_tie_outs
from zentra.reconciliation.closeout.queries.balances import roll_forward
from zentra.reconciliation.closeout.queries.packets import get_packet, read_packet
from zentra.reconciliation.closeout.queries.samples import MOST_DRAWN, audit_sample, read_sample, sample_json
from zentra.reconciliation.closeout.store import get_row, lock_period, period_facts, record_of_period
from zentra.reconciliation.closeout.types import AuditSample, PacketRecord

SEAL: Final = "closeout.seal"
"""The kind of work that seals a packet; its ref is the packet's id."""
_LONGEST_PROBLEM: Final = 1_000


@transaction.atomic
def request_packet(*, period_id: str, sample_size: int, actor: Actor, now: datetime) -> PacketRecord:
    """Ask for the packet of a locked period, with an audit sample of so many postings (1 to 500).

    The sample is drawn here, once, and the tie-outs are computed anew. Records ``closeout.requested``. It is sealed
    within seconds. One that is still pending is returned as it is. Raises PeriodNotFound, WrongState (not locked),
    CloseoutInvalid, BadId.
    """
    if not 1 <= sample_size <= MOST_DRAWN:
        raise CloseoutInvalid(f"A sample has 1 to {MOST_DRAWN} postings.")
    row = lock_period(period_id)
    _check_locked(row)
    last = Packet.objects.filter(period_id=row.id).exclude(state="failed").defer("content").order_by("-revision")
    latest = last.first()
    if latest is not None and latest.state == "pending":
        return read_packet(row=latest)
    refresh_tie_outs(period_id=row.id, now=now)
    sample = audit_sample(period_id=row.id, size=sample_size)
    made = Packet.objects.create(
        id=ids.new_id("pkt"),
        period_id=row.id,
        revision=latest.revision + 1 if latest else 1,
        sample_size=sample_size,
        sample=sample_json(sample=sample),
        requested_by=actor.as_dict(),
        created_at=now,
    )
    record_of_period(row.id, [_requested(row, made, sample, actor)], now=now)
    enqueue(workspace_id=current_tenant().id, kind=SEAL, ref=made.id, due_at=now)
    return read_packet(row=made)


@transaction.atomic
def refresh_for_packet(*, packet_id: str, now: datetime) -> None:
    """Before it is sealed, in a transaction before: what changed since it was asked for suspends its signatures.

    Raises CloseoutPacketNotFound, BadId.
    """
    refresh_tie_outs(period_id=get_packet(packet_id=packet_id).period_id, now=now)


@transaction.atomic
def seal_requested(*, packet_id: str, now: datetime) -> PacketRecord:
    """Seal a packet that was asked for; one that is not pending stays as it is. Records ``closeout.sealed``.

    Raises NotYetCheckpointed (ask again), CloseoutPacketNotFound, BadId; and what ends it: PacketUnverifiable,
    WrongState (opened again, or other postings than those of the sample), NotCanonical, NoLog.
    """
    row = _lock(packet_id)
    if row.state != "pending":
        return read_packet(row=row)
    period = get_row(row.period_id)
    _check_locked(period)
    known = [str(each) for each in PeriodEvent.objects.filter(period_id=period.id).values_list("event_id", flat=True)]
    check_covered(event_ids=known)  # before the files are made: it is asked every second
    before = Packet.objects.filter(period_id=period.id, state="ready", revision__lt=row.revision)
    previous = before.order_by("-revision").values_list("sha256", flat=True).first()
    files = make_files(period=period, asked=row.sample_size, sample=read_sample(stored=row.sample), now=now)
    sealed = seal_bundle(
        kind=claims.KIND,
        subject=period.id,
        revision=row.revision,
        previous_sha256=previous,
        facts={
            "packet_id": row.id,
            "period": {**period_facts(period), "state": period.state, "time_zone": period.time_zone},
        },
        files=files,
        event_ids=known,
        ws=current_tenant(),
        now=now,
    )
    row.state, row.content, row.sha256 = "ready", sealed.content, sealed.sha256
    row.contents_hash, row.size_bytes, row.sealed_at = sealed.manifest_sha256, len(sealed.content), clock.now()
    row.save(update_fields=["state", "content", "sha256", "contents_hash", "size_bytes", "sealed_at"])
    data = {
        **period_facts(period),
        "packet_id": row.id,
        "revision": row.revision,
        "contents_hash": sealed.manifest_sha256,
        "files": dict(sealed.files),
        "sample_seed": row.sample["seed"],
        "sample_size": row.sample["size"],
        "sample_population": row.sample["population"],
    }
    record_of_period(period.id, [NewEvent(type="closeout.sealed", actor=RECONCILIATION, data=data)], now=now)
    return get_packet(packet_id=row.id)


@transaction.atomic
def fail_packet(*, packet_id: str, problem: str) -> PacketRecord:
    """Say of a pending packet why it cannot be sealed; another one can be asked for then.

    Raises CloseoutPacketNotFound, BadId.
    """
    row = _lock(packet_id)
    if row.state == "pending":
        row.state, row.problem = "failed", problem[:_LONGEST_PROBLEM]
        row.save(update_fields=["state", "problem"])
    return read_packet(row=row)


def _check_locked(row: Period) -> None:
    if row.state != "closed":
        raise WrongState("A closeout packet is of a locked period.", state=row.state)


def _requested(row: Period, made: Packet, sample: AuditSample, actor: Actor) -> NewEvent:
    data = {
        **period_facts(row),
        "packet_id": made.id,
        "revision": made.revision,
        "trial_balance_hash": claims.books_hash(books_json(books=roll_forward(period_id=row.id))),
        "sample_seed": sample.seed,
        "sample_size": sample.size,
        "sample_population": sample.population,
    }
    return NewEvent(type="closeout.requested", actor=actor, data=data)


def _lock(packet_id: str) -> Packet:
    ids.to_uuid(packet_id, prefix="pkt")
    row = Packet.objects.select_for_update().filter(id=packet_id).first()
    if row is None:
        raise CloseoutPacketNotFound(f"There is no closeout packet {packet_id}.", packet_id=packet_id)
    return row
