"""What every answer tells a browser, whoever made it: pages, files, problems, redirects, error pages.

Django's SecurityMiddleware adds HSTS, django-csp the policy of pages; this is the rest,
and what holds where those do not reach. A header that a view has set itself stays.
"""

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# What a page of ours never needs. Passkeys are the one exception, for our own origin.
_POWERS: Final = (
    "accelerometer", "autoplay", "browsing-topics", "camera", "display-capture", "encrypted-media",
    "fullscreen", "geolocation", "gyroscope", "hid", "identity-credentials-get", "idle-detection", "local-fonts",
    "magnetometer", "microphone", "midi", "otp-credentials", "payment", "picture-in-picture", "screen-wake-lock",
    "serial", "storage-access", "usb", "window-management", "xr-spatial-tracking",
)  # fmt: skip
PERMISSIONS_POLICY: Final = ", ".join(
    [
        *(f"{name}=()" for name in _POWERS),
        "publickey-credentials-create=(self)",
        "publickey-credentials-get=(self)",
    ]
)
# What is no page executes nothing and is framed by nobody, also when a browser is made to open it.
BARE_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# For answers that are made before Django is asked, in ASGI's form.
EARLY: Final = [
    (name.lower().encode(), value.encode())
    for name, value in {**ALWAYS, "Content-Security-Policy": BARE_POLICY, "Cache-Control": "no-store"}.items()
]


class HardeningMiddleware:
    """The headers above on each answer, and no copy of a page in any cache.

    Everything but the static files is somebody's: pages show names and money, problems say what was asked. None is
    stored, by a browser or between us and it, so that nothing is there after signing out.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Dress an answer."""
        answer = self._get_response(request)
        for name, value in ALWAYS.items():
            answer.headers.setdefault(name, value)
        answer.headers.setdefault("Content-Security-Policy", BARE_POLICY)
        if not request.path.startswith(settings.STATIC_URL):
            answer.headers.setdefault("Cache-Control", "no-store")
        return answer
