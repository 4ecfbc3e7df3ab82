"""``/webhook-attempts``: every call of every delivery, to search what came back."""

from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from webhooks.queries import AttemptFilter, search_attempts
from zentra.api.doors import answer_keyed_page, door
from zentra.api.fields import Edge
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit
from zentra.api.v1.delivery_answers import AttemptPage, show_attempt
from zentra.tenants.permissions import Permission

router = Router(tags=["Webhooks"])


class AttemptQuery(Schema):
    """What a search of attempts is narrowed to. Times are moments, or days for their beginning in UTC."""

    endpoint_id: str | None = None
    delivery_id: str | None = None
    replay_id: str | None = None
    error_class: str | None = None
    status: int | None = Field(None, ge=100, le=599, description="The answer's HTTP status.")
    trigger: Literal["auto", "manual", "replay"] | None = None
    since: Edge | None = Field(None, description="Made from here on.")
    until: Edge | None = Field(None, description="Made before this.")
    q: str = Field("", max_length=128, description="What headers, the answer's body or the error hold.")


@door(router, "GET", "/webhook-attempts", permission=Permission.WEBHOOKS_READ, response=AttemptPage)
def search(
    request: HttpRequest,
    asked: Annotated[AttemptQuery, Query()],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> HttpResponse:
    """Attempts over all deliveries, newest first. Go on while ``has_more``: a page of a rare kind may hold few."""
    where = AttemptFilter(**asked.model_dump(exclude={"q"}), text=asked.q.strip())
    return answer_keyed_page(
        request,
        listing="webhook_attempts",
        cursor=cursor,
        read=lambda before: search_attempts(where=where, before=before, limit=limit),
        show=show_attempt,
    )
