"""The one URLconf: health, API, then the console with its path-based workspaces."""

from django.urls import include, path

from zentra import health
from zentra.api import well_known

handler403 = "console.views.errors.forbidden"
handler404 = "console.views.errors.not_found"
handler500 = "console.views.errors.failed"

urlpatterns = [
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("v1/", include("zentra.api.urls")),
    path(".well-known/jwks.json", well_known.jwks),
    path(".well-known/oauth-authorization-server", well_known.authorization_server),
    path("", include("console.urls")),
]
