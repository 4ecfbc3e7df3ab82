"""Where a webhook may go: resolve, classify, and connect to the very address that was classified.

A name that answers with a public address when it is checked and with a private one when it is called (DNS rebinding)
gains nothing here, because there is only one look-up: the connection is made to its result.
"""

import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

import httpcore

from zentra.core.errors import DomainError

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], list[str]]

MAX_URL_LENGTH: Final = 2000
_LOCAL_NAT64: Final = IPv6Network("64:ff9b:1::/48")  # RFC 8215
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052; the IPv4 address is its last 32 bits


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


def check_url(url: str, *, allow_local: bool) -> str:
    """The URL itself when a webhook could be sent there; only its form and a literal address are looked at.

    The name is resolved at each connection, not here: what it answers today says nothing about tomorrow.

    Raises:
        InvalidEndpointUrl: not absolute, not http(s), plain http without local webhooks, credentials, fragment.
        AddressRefused: the host is an address of a refused kind.
    """
    if len(url) > MAX_URL_LENGTH or not url.isascii() or any(char <= " " for char in url):
        raise InvalidEndpointUrl("A URL is at most 2,000 ASCII characters without spaces.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidEndpointUrl(f"The URL cannot be read: {error}.") from error
    if parts.scheme not in ("https", "http") or not host or port == 0:
        raise InvalidEndpointUrl("The URL must be absolute, https://host/path.")
    if parts.scheme == "http" and not allow_local:
        raise InvalidEndpointUrl("The URL must be https.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidEndpointUrl("The URL may not carry credentials or a fragment.")
    try:
        literal = ip_address(host)
    except ValueError:
        return url
    if not is_allowed(literal, allow_local=allow_local):
        raise AddressRefused(f"{host} is not a public address.")
    return url


def is_allowed(address: Address, *, allow_local: bool) -> bool:
    """Whether a webhook may be sent to this address.

    Only globally reachable unicast is, which leaves out private, loopback, link-local (and with it the metadata
    services of clouds), carrier-grade NAT, documentation and reserved ranges. With ``allow_local``, loopback and
    private addresses are let through too; link-local, multicast and unspecified ones never are.
    """
    address = _embedded(address)
    if address.is_multicast or address.is_unspecified or address.is_link_local:
        return False
    if isinstance(address, IPv6Address) and _is_reserved(address):
        return False
    if address.is_global:
        return True
    return allow_local and (address.is_loopback or address.is_private)


def _is_reserved(address: IPv6Address) -> bool:
    """What Python calls global and no network should route to us: site-local, IPv4-compatible, local NAT64."""
    return not address.is_loopback and (address.is_site_local or address.is_reserved or address in _LOCAL_NAT64)


def _embedded(address: Address) -> Address:
    """The IPv4 address inside a mapped, 6to4 or NAT64 one, since that is where the packets would go."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, in the resolver's order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


class GuardedBackend(httpcore.NetworkBackend):
    """httpcore's network seam: each new connection is resolved, classified and made here; TLS keeps the host name."""

    def __init__(self, *, allow_local: bool, resolve: Resolve = resolve) -> None:
        self._allow_local = allow_local
        self._resolve = resolve
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first allowed address of the host; raises AddressRefused, or httpcore's own errors."""
        try:
            candidates = [ip_address(text) for text in self._resolve(host, port)]
        except OSError as error:
            raise httpcore.ConnectError(f"The name {host} does not resolve: {error}") from error
        allowed = [each for each in candidates if is_allowed(each, allow_local=self._allow_local)]
        if not allowed:
            raise AddressRefused(f"{host} resolves to {', '.join(map(str, candidates)) or 'nothing'}.")
        return self._plain.connect_tcp(str(allowed[0]), port, timeout, local_address, socket_options)
