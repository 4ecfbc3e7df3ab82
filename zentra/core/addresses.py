"""From which address a request came."""

import ipaddress
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's address, empty when there is none (a Unix socket).

    Behind a proxy (``ZENTRA_BEHIND_PROXY``) it is what that proxy appended to ``X-Forwarded-For``: the last one, since
    whatever stands before it the client may have written itself.
    """
    text = request.META.get("REMOTE_ADDR", "")
    if settings.ALLAUTH_TRUSTED_PROXY_COUNT:
        text = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() or text
    return _normal(text)


@lru_cache(maxsize=4096)
def _normal(text: str) -> str:
    try:
        found = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return ""
    return str(getattr(found, "ipv4_mapped", None) or found)
