"""Which certificate a request came with: from our own TLS, or from a proxy that we trust (RFC 9440)."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest

from zentra.tenants.services.certificates import read_client_cert_header
from zentra.tenants.services.networks import is_within

PEER: Final = "zentra.peer_certificate"
"""Where ``zentra.wsgi`` puts the DER of the peer's certificate. No header can: those are called HTTP_…."""


def shown_certificate(request: HttpRequest) -> bytes | None:
    """The DER of the client's certificate, None without one. Whoever ended TLS verified its chain.

    The header ``Client-Cert`` counts from ``ZENTRA_TRUSTED_PROXIES`` only; from anybody else it is not read.
    """
    peer: bytes | None = request.META.get(PEER)
    if peer is not None:
        return peer
    said = request.META.get("HTTP_CLIENT_CERT", "")
    if not said or not is_within(request.META.get("REMOTE_ADDR", ""), settings.ZENTRA_TRUSTED_PROXIES):
        return None
    return read_client_cert_header(said)
