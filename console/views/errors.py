"""The designed errors outside a workspace."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from zentra.core.telemetry import request_id


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """403: also what a failed CSRF check shows."""
    return render(request, "403.html", {"request_id": request_id()}, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """404."""
    return render(request, "404.html", {"request_id": request_id()}, status=404)


def failed(request: HttpRequest) -> HttpResponse:
    """500: nothing on this page asks the database anything."""
    return render(request, "500.html", {"request_id": request_id()}, status=500)
