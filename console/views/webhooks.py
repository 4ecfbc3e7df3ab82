"""The Webhooks room: where events go, how well they arrive, what waits."""

from django.http import HttpResponse, HttpResponseRedirect

from console import paging
from console.doors import Visit, room
from zentra.tenants.permissions import Permission


@room(Permission.WEBHOOKS_READ)
def show_webhooks(visit: Visit) -> HttpResponse:
    """Deliveries, for now."""
    return HttpResponseRedirect(paging.link(f"{visit.base}webhooks/deliveries/", **visit.request.GET.dict()))
