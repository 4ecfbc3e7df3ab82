"""``/webhook-keys/{endpoint}``: the public keys that verify what an endpoint receives, for everyone."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from webhooks.queries import public_keys
from webhooks.types import SecretRecord
from zentra.api.doors import answer_json, public_door
from zentra.api.problems import RouteNotFound
from zentra.api.v1.endpoint_answers import PublicKeysAnswer, moment
from zentra.core import clock
from zentra.core.queue.lanes import find_workspace
from zentra.core.tenancy import tenant_work

router = Router(tags=["Webhooks"])


@public_door(router, "GET", "/webhook-keys/{endpoint_id}", response=PublicKeysAnswer)
def get(request: HttpRequest, endpoint_id: str) -> HttpResponse:  # noqa: ARG001  # a view takes one
    """The public keys of an endpoint, newest first; no credential is needed. Keep the answer for at most a minute."""
    workspace_id = find_workspace(lane=endpoint_id)
    if workspace_id is None:
        raise RouteNotFound("There are no keys of such an endpoint.")
    with tenant_work(workspace_id):
        keys = public_keys(endpoint_id=endpoint_id, now=clock.now())
    answer = answer_json({"object": "webhook_keys", "endpoint_id": endpoint_id, "keys": [_show(each) for each in keys]})
    answer["Cache-Control"] = "public, max-age=60"
    return answer


def _show(key: SecretRecord) -> dict[str, Any]:
    return {
        "public_key": key.public_key,
        "created_at": clock.iso(key.created_at),
        "expires_at": moment(key.expires_at),
    }
