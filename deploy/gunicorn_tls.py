"""gunicorn ends TLS itself, for API processes that clients reach without a proxy: `--config deploy/gunicorn_tls.py`.

A client may show a certificate (RFC 8705); OpenSSL verifies its chain against `ZENTRA_TLS_CLIENT_CA` and refuses the
connection where it does not hold. Who shows none is let through, and answered as far as a key or token goes.
Certificates are read at the start: `systemctl reload zentra-api-tls` takes renewed ones.
"""

import os
import ssl

bind = os.environ.get("ZENTRA_TLS_BIND", "0.0.0.0:8443")
certfile = os.environ["ZENTRA_TLS_CERTIFICATE"]
keyfile = os.environ["ZENTRA_TLS_KEY"]
ca_certs = os.environ.get("ZENTRA_TLS_CLIENT_CA") or None
cert_reqs = ssl.CERT_OPTIONAL if ca_certs else ssl.CERT_NONE
do_handshake_on_connect = False
# Handshakes and heads are waited for without a thread, fifteen seconds altogether; a body, no longer than it may take.
worker_class = "zentra.arrival.gunicorn.TimedWorker"
workers = int(os.environ.get("ZENTRA_TLS_WORKERS", "2"))
threads = 8
timeout = 60
keepalive = 30
# What a client sends before it is known: a line, and fifty headers of 8 KiB at most.
limit_request_line = 8190
limit_request_fields = 50
limit_request_field_size = 8190
# Nobody stands in front, so nobody's word about address, scheme or certificate counts, also when the environment is
# shared with processes behind a proxy.
forwarded_allow_ips = ""
secure_scheme_headers = {}
forwarder_headers = ""
os.environ["ZENTRA_BEHIND_PROXY"] = "0"
os.environ["ZENTRA_TRUSTED_PROXIES"] = ""


def ssl_context(conf, default_ssl_context_factory):  # noqa: ARG001  # gunicorn's signature
    """TLS 1.2 or newer, and no compression or renegotiation."""
    context = default_ssl_context_factory()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    return context
