"""``/providers/{rail}/callbacks``: what rails send us. A provider has no key; its signature proves the raw bytes."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from ninja import Router

from evidence.types import NewEvent
from webhooks.operations import receive_callback
from webhooks.types import CallbackReceipt
from zentra.api.doors import answer_json, public_door
from zentra.api.refusals import record_nameless
from zentra.core import clock, telemetry
from zentra.core.actors import ANONYMOUS
from zentra.core.errors import DomainError
from zentra.core.tenancy import tenant_work
from zentra.routing.directory.queries import find_connection

router = Router(tags=["Providers"])

_LONGEST_ID: Final = 64


class UnknownConnection(DomainError):
    """No rail connection has this id. The attempt is recorded in ``platform``."""

    code = "unknown_connection"
    status = 404
    title = "There is no such rail connection"


@public_door(
    router,
    "POST",
    "/providers/{rail}/callbacks",
    response=None,
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The provider's event, signed by Standard Webhooks over these bytes.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    },
)
def receive(request: HttpRequest, rail: str) -> HttpResponse:
    """Take in a callback: verify the raw bytes, store, recognise repeats, apply once."""
    connection = find_connection(rail_id=rail)
    if connection is None:
        _record_unknown(rail)
        raise UnknownConnection("There is no such rail connection.")
    with tenant_work(connection.workspace_id):
        receipt = receive_callback(
            connection_id=connection.rail_id, headers=request.headers, body=request.body, now=clock.now()
        )
    return _answer(receipt)


def _answer(receipt: CallbackReceipt) -> HttpResponse:
    # Raised only here, after the commit: a refusal's evidence must not roll back with it.
    if receipt.refusal is not None:
        raise receipt.refusal
    return answer_json(receipt.as_dict(), status=receipt.status)


def _record_unknown(rail: str) -> None:
    data: dict[str, object] = {"reason": UnknownConnection.code, "rail_id": rail[:_LONGEST_ID]}
    record_nameless(NewEvent("callback.refused", ANONYMOUS, data, trace_id=telemetry.trace_id()))
