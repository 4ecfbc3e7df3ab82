"""The designed errors outside a workspace. The API's own are problems; these are for people."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from console.doors import public
from zentra.core.telemetry import request_id


@public
def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """403."""
    return render(request, "403.html", {"request_id": request_id()}, status=403)


@public
def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001  # Django's signature
    """403 when a form's token does not match: the page was open too long, or was not ours."""
    return render(request, "stale_form.html", {"request_id": request_id()}, status=403)


@public
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """404."""
    return render(request, "404.html", {"request_id": request_id()}, status=404)


@public
def failed(request: HttpRequest) -> HttpResponse:
    """500: nothing on this page asks the database anything."""
    return render(request, "500.html", {"request_id": request_id()}, status=500)
