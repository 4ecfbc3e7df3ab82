"""``/openapi.json``: the contract, as it is stored and compared."""

from functools import cache

from django.http import HttpRequest, HttpResponse
from ninja import Router

from zentra.api import openapi
from zentra.api.doors import public_door

router = Router(tags=["Contract"])


@public_door(router, "GET", "/openapi.json", response=None, include_in_schema=False)
def get_contract(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # a view takes one
    """The OpenAPI 3.1 document."""
    return HttpResponse(_rendered(), content_type="application/json", headers={"Cache-Control": "max-age=300"})


@cache
def _rendered() -> bytes:
    return openapi.render(openapi.describe())
