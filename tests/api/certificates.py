"""Certificates of the tests: real ones, of a CA of ours, of another, over, and with other names."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True)
class Issued:
    """A certificate and its key, as files."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    pem: Path
    key_pem: Path

    @property
    def files(self) -> tuple[str, str]:
        """As `ssl.SSLContext.load_cert_chain` takes them."""
        return str(self.pem), str(self.key_pem)

    @property
    def text(self) -> str:
        """The certificate as PEM."""
        return self.pem.read_text()

    @property
    def der(self) -> bytes:
        """The certificate as DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)


def make_ca(folder: Path, name: str) -> Issued:
    """A certificate authority."""
    return _make(folder, name, None, dns=(), days=(-1, 30), is_ca=True)


def make(folder: Path, name: str, ca: Issued, *, dns: tuple[str, ...] = (), days: tuple[int, int] = (-1, 30)) -> Issued:
    """A certificate of `ca` for these DNS names, good between these days from now."""
    return _make(folder, name, ca, dns=dns, days=days, is_ca=False)


def _make(
    folder: Path, name: str, ca: Issued | None, *, dns: tuple[str, ...], days: tuple[int, int], is_ca: bool
) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(ca.certificate.subject if ca else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if not is_ca:
        uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    if dns:
        names: list[x509.GeneralName] = [x509.DNSName(each) for each in dns]
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    certificate = builder.sign(ca.key if ca else key, hashes.SHA256())
    pem, key_pem = folder / f"{name}.pem", folder / f"{name}.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Issued(certificate, key, pem, key_pem)


def odd_certificates(issued: Issued) -> dict[str, bytes]:
    """The same certificate as nobody should make it, as DER: libraries have an error of their own for each."""
    changes = {
        "version": (b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05"),
        "name of no known kind": (b"\x82\x13billing", b"\xa3\x13billing"),
        "extension twice": (b"\x06\x03\x55\x1d\x25", b"\x06\x03\x55\x1d\x13"),
    }
    assert all(issued.der.count(part) == 1 for part, _ in changes.values())
    return {name: issued.der.replace(part, other) for name, (part, other) in changes.items()}


def pem_of(der: bytes) -> str:
    """DER as PEM."""
    return ssl.DER_cert_to_PEM_cert(der)
