"""Closeout packets: asked for by a person, sealed by a work item as soon as the log has signed what they hold."""

from datetime import datetime
from typing import Final

from django.db import transaction

from evidence.operations import seal_bundle
from evidence.types import NewEvent
from evidence.verifier import closeout as claims
from zentra.core import clock, ids
from zentra.core.actors import RECONCILIATION, Actor
from zentra.core.queue import enqueue
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.closeout.bundle import make_files
from zentra.reconciliation.closeout.errors import CloseoutInvalid, CloseoutPacketNotFound, WrongState
from zentra.reconciliation.closeout.models import Packet, PeriodEvent
from zentra.reconciliation.closeout.queries.packets import get_packet, read_packet
from zentra.reconciliation.closeout.queries.samples import MOST_DRAWN
from zentra.reconciliation.closeout.store import get_row, lock_period, period_facts, record_of_period
from zentra.reconciliation.closeout.types import PacketRecord

SEAL: Final = "closeout.seal"
"""The kind of work that seals a packet; its ref is the packet's id."""


@transaction.atomic
def request_packet(*, period_id: str, sample_size: int, actor: Actor, now: datetime) -> PacketRecord:
    """Ask for the packet of a locked period, with an audit sample of so many postings (1 to 500).

    It is sealed within seconds. One that is still pending is returned as it is. Raises PeriodNotFound, WrongState (not
    locked), CloseoutInvalid, BadId.
    """
    if not 1 <= sample_size <= MOST_DRAWN:
        raise CloseoutInvalid(f"A sample has 1 to {MOST_DRAWN} postings.")
    row = lock_period(period_id)
    if row.state != "closed":
        raise WrongState("A closeout packet is of a locked period.", state=row.state)
    latest = Packet.objects.filter(period_id=row.id).defer("content").order_by("-revision").first()
    if latest is not None and latest.state == "pending":
        return read_packet(row=latest)
    made = Packet.objects.create(
        id=ids.new_id("pkt"),
        period_id=row.id,
        revision=latest.revision + 1 if latest else 1,
        sample_size=sample_size,
        requested_by=actor.as_dict(),
        created_at=now,
    )
    enqueue(workspace_id=current_tenant().id, kind=SEAL, ref=made.id, due_at=now)
    return read_packet(row=made)


@transaction.atomic
def seal_requested(*, packet_id: str, now: datetime) -> PacketRecord:
    """Seal a packet that was asked for; one that is sealed already stays. Records ``closeout.sealed``.

    Raises NotYetCheckpointed (ask again), PacketUnverifiable, CloseoutPacketNotFound, BadId.
    """
    ids.to_uuid(packet_id, prefix="pkt")
    row = Packet.objects.select_for_update().filter(id=packet_id).first()
    if row is None:
        raise CloseoutPacketNotFound(f"There is no closeout packet {packet_id}.", packet_id=packet_id)
    if row.state != "pending":
        return read_packet(row=row)
    period = get_row(row.period_id)
    before = Packet.objects.filter(period_id=period.id, revision=row.revision - 1).first()
    files, drawn = make_files(period=period, sample_size=row.sample_size, now=now)
    known = PeriodEvent.objects.filter(period_id=period.id).values_list("event_id", flat=True)
    sealed = seal_bundle(
        kind=claims.KIND,
        subject=period.id,
        revision=row.revision,
        previous_sha256=before.sha256 if before else None,
        facts={"period": {**period_facts(period), "state": period.state, "time_zone": period.time_zone}},
        files=files,
        event_ids=[str(each) for each in known],
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
        **drawn,
    }
    record_of_period(period.id, [NewEvent(type="closeout.sealed", actor=RECONCILIATION, data=data)], now=now)
    return get_packet(packet_id=row.id)
