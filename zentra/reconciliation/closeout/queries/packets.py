"""Closeout packets."""

from zentra.core import ids
from zentra.reconciliation.closeout.errors import CloseoutPacketFailed, CloseoutPacketNotFound, CloseoutPacketPending
from zentra.reconciliation.closeout.models import Packet
from zentra.reconciliation.closeout.store import get_row
from zentra.reconciliation.closeout.types import PacketRecord


def list_packets(*, period_id: str) -> list[PacketRecord]:
    """The packets of a period, the newest first; raises PeriodNotFound, BadId."""
    get_row(period_id)
    return [
        read_packet(row=row)
        for row in Packet.objects.filter(period_id=period_id).defer("content", "sample").order_by("-created_at", "-id")
    ]


def get_packet(*, packet_id: str) -> PacketRecord:
    """A packet, sealed or not; raises CloseoutPacketNotFound, BadId."""
    return read_packet(row=_find(packet_id, with_content=False))


def open_packet(*, packet_id: str) -> bytes:
    """The zip of a sealed packet.

    Raises CloseoutPacketNotFound, CloseoutPacketPending (ask again), CloseoutPacketFailed, BadId.
    """
    row = _find(packet_id, with_content=True)
    if row.state == "failed":
        raise CloseoutPacketFailed(f"The packet {packet_id} could not be sealed.", problem=row.problem)
    if row.content is None:
        raise CloseoutPacketPending(f"The packet {packet_id} is not sealed yet.", packet_id=packet_id)
    return bytes(row.content)


def read_packet(*, row: Packet) -> PacketRecord:
    """A packet's row as others see it."""
    return PacketRecord(
        id=row.id,
        period_id=row.period_id,
        revision=row.revision,
        state=row.state,  # type: ignore[arg-type]  # a constraint's words
        sha256=row.sha256,
        contents_hash=row.contents_hash,
        size_bytes=row.size_bytes,
        problem=row.problem,
        requested_by=row.requested_by,
        created_at=row.created_at,
        sealed_at=row.sealed_at,
    )


def _find(packet_id: str, *, with_content: bool) -> Packet:
    ids.to_uuid(packet_id, prefix="pkt")
    asked = Packet.objects.filter(id=packet_id)
    row = asked.first() if with_content else asked.defer("content", "sample").first()
    if row is None:
        raise CloseoutPacketNotFound(f"There is no closeout packet {packet_id}.", packet_id=packet_id)
    return row
