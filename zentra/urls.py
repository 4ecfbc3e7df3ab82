"""The one URLconf: health, API, then the console with its path-based workspaces."""

from django.urls import include, path

from zentra import health

urlpatterns = [
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("v1/", include("zentra.api.urls")),
    path("", include("console.urls")),
]
