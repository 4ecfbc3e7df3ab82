"""``/audit-packets``: the sealed proof of an intent, as a zip that is verified offline."""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from evidence.operations import NotYetCheckpointed, read_packet, record_events
from evidence.types import NewEvent, SealedPacket
from zentra.api.doors import caller_of, door
from zentra.core import clock, telemetry
from zentra.core.errors import DomainError
from zentra.core.tenancy import tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Evidence"])


class PacketPending(DomainError):
    """The packet is not sealed yet; ask again after ``Retry-After`` seconds."""

    code = "packet_pending"
    status = 409
    title = "The packet is not sealed yet"
    retryable = True
    retry_after = 1


@door(
    router,
    "GET",
    "/audit-packets/{intent_id}",
    permission=Permission.PACKETS_READ,
    rate="heavy",
    response=None,
    openapi_extra={
        "responses": {
            200: {
                "description": "The packet; verify it with python -m evidence.verifier.",
                "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
            }
        }
    },
)
def get_packet(
    request: HttpRequest,
    intent_id: str,
    revision: Annotated[
        int | None, Query(ge=1, le=2**31 - 1, description="An earlier revision; the latest when left out.")
    ] = None,
) -> HttpResponse:
    """The packet of an intent; before it is sealed, 409 ``packet_pending`` and ``Retry-After``. Each export is kept."""
    caller = caller_of(request)
    now = clock.now()
    with tenant_work(caller.tenant):
        packet = _read(intent_id, revision)
        exported = {"intent_id": intent_id, "revision": packet.revision, "packet_sha256": packet.sha256}
        record_events(
            events=[NewEvent("evidence.exported", caller.actor, exported, trace_id=telemetry.trace_id())], now=now
        )
    return _answer(packet)


def _read(intent_id: str, revision: int | None) -> SealedPacket:
    try:
        return read_packet(intent_id=intent_id, revision=revision)
    except NotYetCheckpointed as error:
        raise PacketPending(f"The packet of {intent_id} is not sealed yet; ask again in a second.") from error


def _answer(packet: SealedPacket) -> HttpResponse:
    return HttpResponse(
        packet.content,
        content_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{packet.filename}"',
            "Zentra-Packet-Revision": str(packet.revision),
            "Zentra-Packet-Sha256": packet.sha256,
            "ETag": f'"{packet.sha256}"',
        },
    )
