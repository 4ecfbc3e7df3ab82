"""Client certificates (RFC 8705): how one is registered, and how a shown one is recognised.

The chain is verified by whoever ends TLS. Here a certificate is compared with what was registered: by the SHA-256 of
its DER (``x5t#S256``), or by one DNS or URI name in its subject alternative names, which our CA vouches for.
"""

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509

from zentra.tenants.services.errors import InvalidCertificate
from zentra.tenants.services.tokens import encode
from zentra.tenants.services.types import KnownCertificate

_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2}:?){31}[0-9a-fA-F]{2}")
_BASE64: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_NAME: Final = re.compile(r"dns:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|uri:[a-zA-Z][a-zA-Z0-9+.-]*:[!-~]{1,480}")
_MOST_PEM: Final = 16_384
# What reading a certificate raises; the first three are no ValueErrors.
_CANNOT_READ: Final = (x509.UnsupportedGeneralNameType, x509.DuplicateExtension, x509.InvalidVersion, ValueError)


@dataclass(frozen=True, slots=True)
class Registration:
    """What is kept of a certificate: one of the two, and when it ends where that is known."""

    thumbprint: str = ""
    subject_name: str = ""
    not_after: datetime | None = None


def read_registration(text: str, *, now: datetime) -> Registration:
    """What somebody registers: PEM, a SHA-256 thumbprint (hex or base64url), or ``dns:…`` / ``uri:…``.

    Raises InvalidCertificate, also for one that is over.
    """
    said = text.strip()
    if said.startswith("-----BEGIN CERTIFICATE-----") and len(said) <= _MOST_PEM:
        return _of_pem(said, now)
    if _HEX.fullmatch(said):
        return Registration(thumbprint=encode(bytes.fromhex(said.replace(":", ""))))
    if _BASE64.fullmatch(said):
        return Registration(thumbprint=said)
    kind, _, name = said.partition(":")
    lowered = f"{kind.lower()}:{name.lower() if kind.lower() == 'dns' else name}"
    if _NAME.fullmatch(lowered):
        return Registration(subject_name=lowered)
    raise InvalidCertificate("Paste a PEM certificate, its SHA-256, or a name such as dns:billing.example.com.")


def _of_pem(pem: str, now: datetime) -> Registration:
    try:
        found = x509.load_pem_x509_certificate(pem.encode())
    except _CANNOT_READ as error:
        raise InvalidCertificate("The PEM block holds no certificate that can be read.") from error
    if found.not_valid_after_utc <= now:
        raise InvalidCertificate("That certificate is over.")
    der = base64.b64decode("".join(pem.split("-----")[2].split()))
    return Registration(thumbprint=thumbprint_of(der), not_after=found.not_valid_after_utc)


def thumbprint_of(der: bytes) -> str:
    """``x5t#S256``: base64url of the SHA-256 of a certificate's DER."""
    return encode(hashlib.sha256(der).digest())


def find_shown(der: bytes, registered: Iterable[KnownCertificate], *, now: datetime) -> KnownCertificate | None:
    """Which registration the shown certificate is, None for none of them. One that is over or not yet good is none."""
    thumbprint, names = thumbprint_of(der), names_of(der, now=now)
    for each in registered:
        if each.thumbprint == thumbprint if each.thumbprint else each.subject_name in names:
            return each if names is not _OVER else None
    return None


_OVER: Final = frozenset({"over"})


def names_of(der: bytes, *, now: datetime) -> frozenset[str]:
    """The DNS and URI names of a certificate as they are registered."""
    try:
        found = x509.load_der_x509_certificate(der)
        if not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
            return _OVER
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    except _CANNOT_READ:
        return _OVER
    dns = (f"dns:{name.lower()}" for name in names.get_values_for_type(x509.DNSName))
    uri = (f"uri:{name}" for name in names.get_values_for_type(x509.UniformResourceIdentifier))
    return frozenset((*dns, *uri))


def read_client_cert_header(value: str) -> bytes | None:
    """The DER of a ``Client-Cert`` header (RFC 9440: one byte sequence of RFC 8941), None when it is none."""
    text = value.strip()
    if len(text) > 2 * _MOST_PEM or not (text.startswith(":") and text.endswith(":")) or len(text) < 4:
        return None
    try:
        return base64.b64decode(text[1:-1], validate=True)
    except ValueError:  # no base64, or not even ASCII
        return None
