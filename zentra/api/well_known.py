"""``/.well-known``: the keys that verify our tokens (RFC 7517), and what our authorization server does (RFC 8414)."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET

from zentra.api.auth.tokens import audience, issuer
from zentra.core import clock
from zentra.tenants.access import PUBLIC, require
from zentra.tenants.permissions import API_SCOPES
from zentra.tenants.services.queries.signing import list_public_keys
from zentra.tenants.services.tokens import ALGORITHM, as_jwk


@require(PUBLIC)
@require_GET
def jwks(request: HttpRequest) -> JsonResponse:  # noqa: ARG001  # a view's signature
    """The public keys of our tokens. A new one stands here for ten minutes before it signs."""
    keys = [as_jwk(kid=kid, public_key=public_key) for kid, public_key in list_public_keys(now=clock.now())]
    return _cached({"keys": keys})


@require(PUBLIC)
@require_GET
def authorization_server(request: HttpRequest) -> JsonResponse:  # noqa: ARG001  # a view's signature
    """What the authorization server does, and where."""
    methods = ["client_secret_basic", "client_secret_post", "tls_client_auth"]
    return _cached(
        {
            "issuer": issuer(),
            "token_endpoint": f"{audience()}/oauth/token",
            "revocation_endpoint": f"{audience()}/oauth/revoke",
            "jwks_uri": f"{issuer()}/.well-known/jwks.json",
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_methods_supported": methods,
            "tls_client_certificate_bound_access_tokens": True,
            "scopes_supported": sorted(str(each) for each in API_SCOPES),
            "access_token_signing_alg_values_supported": [ALGORITHM],
            "service_documentation": f"{issuer()}/v1/openapi.json",
        }
    )


def _cached(document: dict[str, Any]) -> JsonResponse:
    answer = JsonResponse(document)
    answer["Cache-Control"] = "public, max-age=300"
    return answer
