"""WSGI composition root, for API processes: two to three times Daphne's rate for synchronous work.

Where gunicorn itself ends TLS (``deploy/gunicorn_tls.py``), the certificate that a client showed is read from its
socket and handed on; OpenSSL verified its chain during the handshake.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zentra.settings")
django = get_wsgi_application()

from zentra.api.auth.certificates import PEER  # noqa: E402  # Django must be set up first
from zentra.arrival.wsgi import timed  # noqa: E402

serve = timed(django)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Django, told which certificate the peer of this connection showed."""
    read = getattr(environ.get("gunicorn.socket"), "getpeercert", None)
    # We are mounted nowhere but at the root; a client that names a mount point gets the path that it asked for.
    environ["PATH_INFO"] = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    environ["SCRIPT_NAME"] = ""
    # Always said here, so that nothing before us can.
    environ[PEER] = read(binary_form=True) if read is not None else None
    return serve(environ, start_response)
