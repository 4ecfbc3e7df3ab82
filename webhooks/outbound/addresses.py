"""Where a webhook may go: resolve, classify, and connect to the very address that was classified.

A name that answers with a public address when it is checked and with a private one when it is called (DNS rebinding)
gains nothing here, because there is only one look-up: the connection is made to its result. The tables follow the IANA
special-purpose registries (RFC 6890 and its updates), not a library's idea of "global", which changes with its version.
"""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

import idna
from django.conf import settings

from zentra.core.errors import DomainError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_URL_LENGTH: Final = 2000
_MAX_HOST_LENGTH: Final = 253
_WELL_KNOWN_PORTS: Final = 1024
_WEB_PORTS: Final = (80, 443)

# RFC 3986: what a URI is made of. Whatever else a parser forgives, another parser reads differently.
_URI: Final = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+", re.ASCII)
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
# A last label that is a number makes the whole host an IPv4 address to a resolver (WHATWG URL, "ends in a number").
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_BRACKETED: Final = re.compile(r"\[[^\[\]]+\](:[0-9]+)?", re.ASCII)
_LOCAL_SUFFIXES: Final = ("localhost", "local", "internal", "home.arpa")

_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052; the IPv4 address is its last 32 bits
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
# RFC 5214: an interface identifier of 0000:5efe or 0200:5efe is followed by the IPv4 address of the tunnel's end.
_ISATAP: Final = (0x0000_5EFE, 0x0200_5EFE)

# Loopback and private addresses: a sandbox on one machine may be told to call these, nobody else.
_LOCAL: Final[tuple[tuple[Network, str], ...]] = (
    (IPv4Network("127.0.0.0/8"), "loopback"),
    (IPv4Network("10.0.0.0/8"), "private"),
    (IPv4Network("172.16.0.0/12"), "private"),
    (IPv4Network("192.168.0.0/16"), "private"),
    (IPv6Network("::1/128"), "loopback"),
    (IPv6Network("fc00::/7"), "private"),
)

# These are refused whatever the setting says, and looked at first: some lie inside a local range or look public.
_NEVER: Final[tuple[tuple[Network, str], ...]] = (
    (IPv4Network("169.254.0.0/16"), "link-local (metadata services)"),
    (IPv4Network("168.63.129.16/32"), "a metadata service"),  # Azure's, on an address that looks public
    (IPv4Network("100.64.0.0/10"), "carrier-grade NAT"),
    (IPv4Network("0.0.0.0/8"), "unspecified"),
    (IPv4Network("192.0.0.0/24"), "reserved"),
    (IPv4Network("192.0.2.0/24"), "documentation"),
    (IPv4Network("192.31.196.0/24"), "reserved"),
    (IPv4Network("192.52.193.0/24"), "reserved"),
    (IPv4Network("192.88.99.0/24"), "a 6to4 relay"),
    (IPv4Network("192.175.48.0/24"), "reserved"),
    (IPv4Network("198.18.0.0/15"), "benchmarking"),
    (IPv4Network("198.51.100.0/24"), "documentation"),
    (IPv4Network("203.0.113.0/24"), "documentation"),
    (IPv4Network("224.0.0.0/4"), "multicast"),
    (IPv4Network("240.0.0.0/4"), "reserved"),
    (IPv6Network("::/128"), "unspecified"),
    (IPv6Network("fe80::/10"), "link-local"),
    (IPv6Network("fec0::/10"), "site-local"),
    (IPv6Network("fd00:ec2::/32"), "a metadata service"),  # Amazon's
    (IPv6Network("fd20:ce::/32"), "a metadata service"),  # Google's
    (IPv6Network("ff00::/8"), "multicast"),
    # Tunnels and translators, whose packets go to an IPv4 address chosen by whoever wrote the name.
    (IPv6Network("2001::/23"), "reserved or Teredo"),
    (IPv6Network("2002::/16"), "6to4"),
    (IPv6Network("64:ff9b:1::/48"), "local NAT64"),  # RFC 8215
    (IPv6Network("2001:db8::/32"), "documentation"),
    (IPv6Network("3fff::/20"), "documentation"),
)


class AddressRefused(DomainError):
    """The host resolves to nothing that a webhook may be sent to."""

    code = "address_refused"
    status = 422
    title = "Webhooks are not sent to this address"


class InvalidEndpointUrl(DomainError):
    """The URL of an endpoint is not an absolute http or https URL without credentials and fragment."""

    code = "invalid_endpoint_url"
    status = 422
    title = "The endpoint URL cannot be used"


def allows_local() -> bool:
    """Whether this installation may call loopback and private addresses (``ZENTRA_ALLOW_LOCAL_WEBHOOKS``)."""
    return bool(getattr(settings, "ZENTRA_ALLOW_LOCAL_WEBHOOKS", False))


def check_url(url: str, *, allow_local: bool) -> str:
    """The URL itself when a webhook could be sent there; only its form and a literal address are looked at.

    The name is resolved at each connection, not here: what it answers today says nothing about tomorrow.

    Raises:
        InvalidEndpointUrl: not absolute, not http(s), plain http without local webhooks, credentials, a fragment, or
            a host or port that two readers could understand differently.
        AddressRefused: the host is an address, or a name, of a refused kind.
    """
    parts = _split(url)
    if parts.scheme == "http" and not allow_local:
        raise InvalidEndpointUrl("The URL must be https.")
    _check_port(parts, allow_local=allow_local)
    host = parts.hostname or ""
    literal = _literal(parts, host)
    if literal is None:
        _check_name(host, allow_local=allow_local)
        return url
    refusal = why_refused(literal, allow_local=allow_local)
    if refusal is not None:
        raise AddressRefused(f"{host} is {refusal}, not a public address.", address=host, kind=refusal)
    return url


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL that was checked: who gets to see what is sent there."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def is_allowed(address: Address, *, allow_local: bool) -> bool:
    """Whether a webhook may be sent to this address."""
    return why_refused(address, allow_local=allow_local) is None


def why_refused(address: Address, *, allow_local: bool) -> str | None:
    """What kind of address this is that no webhook is sent to, such as ``carrier-grade NAT``; None when it may be.

    Only globally reachable unicast may, which leaves out private, loopback, link-local (and with it the metadata
    services of clouds), carrier-grade NAT, tunnels, documentation and reserved ranges. With ``allow_local``, loopback
    and private addresses are let through too. An IPv4 address inside an IPv6 one counts as itself.
    """
    for face in _faces(address):
        refusal = _refusal(face, allow_local=allow_local)
        if refusal is not None:
            return refusal
    return None


def _refusal(address: Address, *, allow_local: bool) -> str | None:
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return "bound to a network interface"
    for network, words in _NEVER:
        if address in network:
            return words
    for network, words in _LOCAL:
        if address in network:
            return None if allow_local else words
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return "reserved"
    return None


def _faces(address: Address) -> Iterator[Address]:
    """Every address to which the packets may go: the IPv4 one inside a mapped, NAT64 or ISATAP address too."""
    if isinstance(address, IPv4Address):
        yield address
    elif address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    elif address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFF_FFFF)
    else:
        yield address
        if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
            yield IPv4Address(int(address) & 0xFFFF_FFFF)


def _split(url: str) -> SplitResult:
    if len(url) > MAX_URL_LENGTH or not _URI.fullmatch(url):
        raise InvalidEndpointUrl("A URL is at most 2,000 characters of RFC 3986; write other hosts in punycode.")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise InvalidEndpointUrl(f"The URL cannot be read: {error}.") from error
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise InvalidEndpointUrl("The URL must be absolute, https://host/path.")
    if "@" in parts.netloc or "#" in url:
        raise InvalidEndpointUrl("The URL may not carry credentials or a fragment.")
    return parts


def _check_port(parts: SplitResult, *, allow_local: bool) -> None:
    try:
        port = parts.port
    except ValueError as error:
        raise InvalidEndpointUrl(f"The URL cannot be read: {error}.") from error
    if parts.netloc.endswith(":") or port == 0:
        raise InvalidEndpointUrl("A port is 1 to 65535.")
    if port is not None and port < _WELL_KNOWN_PORTS and port not in _WEB_PORTS and not allow_local:
        raise InvalidEndpointUrl(f"Port {port} belongs to another service; use 443, or one from 1024 on.", port=port)


def _literal(parts: SplitResult, host: str) -> Address | None:
    """The address that the host is, None for a name; raises InvalidEndpointUrl for every spelling but the plain one.

    ``2130706433``, ``0x7f.1``, ``0177.0.0.1`` and ``127.1`` are all 127.0.0.1 to some resolver.
    """
    is_bracketed = parts.netloc.startswith("[")
    if is_bracketed or _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        if "%" in host or (is_bracketed and not _BRACKETED.fullmatch(parts.netloc)):
            raise InvalidEndpointUrl("An address stands alone in its brackets, and names no network interface.")
        try:
            found = ip_address(host)
        except ValueError as error:
            raise InvalidEndpointUrl("An address is written as 203.0.113.7 or [2001:db8::7].") from error
        if is_bracketed == isinstance(found, IPv6Address):
            return found
        raise InvalidEndpointUrl("Only an IPv6 address stands in brackets.")
    return None


def _check_name(host: str, *, allow_local: bool) -> None:
    labels = host.split(".")
    if len(host) > _MAX_HOST_LENGTH or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidEndpointUrl("The host is not a name: letters, digits and hyphens, without a dot at its end.")
    for label in labels:
        _check_punycode(label)
    if allow_local:
        return
    if len(labels) == 1 or any(host == each or host.endswith(f".{each}") for each in _LOCAL_SUFFIXES):
        raise AddressRefused(f"{host} is a name of a local network.", address=host, kind="a local name")


def _check_punycode(label: str) -> None:
    """An ``xn--`` label says a word that IDNA 2008 knows (RFC 5891), so none stands for dots, digits or nothing."""
    if not label.startswith("xn--"):
        return
    try:
        idna.ulabel(label)
    except (idna.IDNAError, UnicodeError) as error:
        raise InvalidEndpointUrl(f"{label} is not an internationalized name.") from error
