"""Sealing a packet of a locked period, and taking a sealed one away."""

from typing import Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from console.asked import read_whole
from console.doors import Visit, room
from console.downloads import attached
from console.forms import FormIncomplete
from console.kept import keeping
from console.readings.closeout import act_on_period, period_of, period_url
from console.views.closeout import period_page
from zentra.reconciliation.closeout import operations as closing
from zentra.reconciliation.closeout.errors import CloseoutPacketNotFound
from zentra.reconciliation.closeout.queries import get_packet, open_packet
from zentra.tenants.permissions import Permission

MOST_SAMPLED: Final = 500


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False)
@keeping(period_page, act="packet")
def seal_packet(visit: Visit, month: str) -> HttpResponseBase:
    """Ask for a packet; a worker seals it within seconds."""
    period = period_of(month)
    size = read_whole(visit.request.POST.get("sample_size", ""))
    if size is None or not 1 <= size <= MOST_SAMPLED:
        raise FormIncomplete("An audit sample has 1 to 500 postings.", field="sample_size")

    def effect() -> str:
        made = closing.request_packet(period_id=period.id, sample_size=size, actor=visit.actor(), now=visit.now)
        return f"Revision {made.revision} is being sealed; it stands here in a few seconds."

    return act_on_period(visit, "packet", f"{period_url(visit, period)}?tab=packet", effect)


@room(Permission.PACKETS_EXPORT)
def download_packet(visit: Visit, month: str, packet_id: str) -> HttpResponse:  # noqa: ARG001  # all have a visit
    """A sealed packet."""
    period, record = period_of(month), get_packet(packet_id=packet_id)
    if record.period_id != period.id:
        raise CloseoutPacketNotFound(f"There is no packet {packet_id} of {period.month}.")
    return attached(open_packet(packet_id=packet_id), record.filename, "application/zip")
