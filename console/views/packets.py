"""Exporting an audit packet: the zip exactly as it was sealed; each export is itself recorded."""

from django.http import HttpResponse

from console.asked import asked, read_place
from console.doors import Visit, room
from evidence.operations import read_packet, record_events
from evidence.types import NewEvent
from zentra.core.telemetry import trace_id
from zentra.tenants.permissions import Permission


@room(Permission.PACKETS_EXPORT)
def export(visit: Visit, intent_id: str) -> HttpResponse:
    """The latest revision, or the one that is named."""
    packet = read_packet(intent_id=intent_id, revision=read_place(asked(visit, "revision")))
    said: dict[str, object] = {"intent_id": intent_id, "revision": packet.revision, "packet_sha256": packet.sha256}
    record_events(events=[NewEvent("evidence.exported", visit.actor(), said, trace_id=trace_id())], now=visit.now)
    return HttpResponse(
        packet.content,
        content_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{packet.filename}"',
            "X-Content-Type-Options": "nosniff",
        },
    )
