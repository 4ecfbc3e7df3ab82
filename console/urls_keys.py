"""The pages of API keys and OAuth clients."""

from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from console.views import clients, keys

_K = "w/<slug:slug>/keys/"
_C = _K + "clients/"
_ONE = _C + "<str:client_id>/"

urlpatterns = [
    path(_K, require_GET(keys.show_keys), name="keys"),
    path(_K + "issue/", require_POST(keys.issue), name="key_issue"),
    path(_C, require_GET(clients.show_clients), name="clients"),
    path(_C + "create/", require_POST(clients.create), name="client_create"),
    path(_ONE, require_GET(clients.show_client), name="client"),
    path(_ONE + "change/", require_POST(clients.change), name="client_change"),
    path(_ONE + "revoke/", require_POST(clients.revoke), name="client_revoke"),
    path(_ONE + "secrets/add/", require_POST(clients.add_secret), name="client_secret_add"),
    path(_ONE + "secrets/<str:secret_id>/end/", require_POST(clients.end_secret), name="client_secret_end"),
    path(_ONE + "certificates/add/", require_POST(clients.add_certificate), name="client_certificate_add"),
    path(
        _ONE + "certificates/<str:certificate_id>/end/",
        require_POST(clients.end_certificate),
        name="client_certificate_end",
    ),
    path(_K + "<str:key_id>/", require_GET(keys.show_key), name="key"),
    path(_K + "<str:key_id>/rotate/", require_POST(keys.rotate), name="key_rotate"),
    path(_K + "<str:key_id>/revoke/", require_POST(keys.revoke), name="key_revoke"),
]
