"""Headers that a consumer wants on each request, beside ours. Encrypted at rest; a sensitive one is never read back.

What we sign, what frames the message and what concerns the connection only (RFC 9110 section 7.6.1) stays ours.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from webhooks.models import Endpoint, EndpointHeader
from webhooks.outbound.directory import get_endpoint, open_sealed
from webhooks.types import Header, HeaderRecord
from zentra.core import crypto, ids
from zentra.core.errors import DomainError

MAX_HEADERS: Final = 20
MAX_BYTES: Final = 4096
"""Of all custom headers together, as they are written: name, colon, space, value, line end."""

_MAX_NAME: Final = 100
_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
# Printable ASCII: no CR or LF can end the header early, and no NUL or tab can be read in two ways.
_VALUE: Final = re.compile(r"[!-~]([ -~]*[!-~])?", re.ASCII)

_OURS: Final = ("content-", "webhook-", "zentra-", "proxy-", "sec-")
_CONNECTION: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "date",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
    }
)
# Whoever names a header like this means a secret, whether they say so or not.
_SECRET_WORDS: Final = re.compile(r"auth|cookie|credential|key|passw|secret|session|signature|token", re.ASCII)


class InvalidEndpointHeader(DomainError):
    """A custom header is malformed, is one of ours or the connection's, or there are too many of them."""

    code = "invalid_endpoint_header"
    status = 422
    title = "The custom header cannot be used"


@dataclass(frozen=True, slots=True)
class Custom:
    """A header as it is to be sent."""

    name: str
    value: str = field(repr=False)
    is_sensitive: bool

    @property
    def size(self) -> int:
        """Bytes on the wire."""
        return len(self.name) + len(self.value) + 4


def check_name(name: str) -> str:
    """The name in lower case; raises InvalidEndpointHeader."""
    lowered = name.lower() if name.isascii() else ""
    if len(lowered) > _MAX_NAME or not _NAME.fullmatch(lowered):
        raise InvalidEndpointHeader(f"{name[:_MAX_NAME]!r} is not the name of a header.")
    if lowered in _CONNECTION or lowered.startswith(_OURS):
        raise InvalidEndpointHeader(f"The header {lowered} is not yours to set.", name=lowered)
    return lowered


def merge(stored: Mapping[str, Custom], given: Sequence[Header]) -> dict[str, Custom]:
    """The headers that there will be: those given, each with its value or, without one, the stored value.

    Errors name a header and never its value. Raises InvalidEndpointHeader.
    """
    merged: dict[str, Custom] = {}
    for header in given:
        name = check_name(header.name)
        if name in merged:
            raise InvalidEndpointHeader(f"The header {name} is given twice.", name=name)
        merged[name] = _resolve(name, header, stored.get(name))
    _check_size(merged.values())
    return merged


def check_told(stored: Mapping[str, Custom], wanted: Mapping[str, Custom], told: Collection[str]) -> None:
    """Refuse to show another host a sensitive value that was not given along: who moves an endpoint may not know it.

    Raises InvalidEndpointHeader.
    """
    kept = sorted(name for name in wanted.keys() & stored.keys() if wanted[name].is_sensitive and name not in told)
    if kept:
        raise InvalidEndpointHeader(
            f"Another host gets {', '.join(kept)} only with the value given again; or remove it first.", names=kept
        )


def read(endpoint_id: str) -> dict[str, Custom]:
    """The stored headers by name, in the clear."""
    rows = EndpointHeader.objects.filter(endpoint_id=endpoint_id).order_by("name")
    return {row.name: Custom(row.name, open_sealed(bytes(row.value)), row.is_sensitive) for row in rows}


def write(row: Endpoint, *, stored: Mapping[str, Custom], wanted: Mapping[str, Custom]) -> None:
    """Make the stored headers of a locked endpoint the wanted ones."""
    changed = [custom for name, custom in wanted.items() if stored.get(name) != custom]
    stale = [*(stored.keys() - wanted.keys()), *(custom.name for custom in changed)]
    EndpointHeader.objects.filter(endpoint=row, name__in=stale).delete()
    EndpointHeader.objects.bulk_create(
        EndpointHeader(
            id=ids.new_uuid(),
            endpoint=row,
            name=custom.name,
            value=crypto.encrypt(custom.value.encode()),
            is_sensitive=custom.is_sensitive,
        )
        for custom in changed
    )


def show(customs: Iterable[Custom]) -> list[HeaderRecord]:
    """Headers as people may see them."""
    return [HeaderRecord(each.name, None if each.is_sensitive else each.value, each.is_sensitive) for each in customs]


def list_headers(*, endpoint_id: str) -> list[HeaderRecord]:
    """An endpoint's custom headers by name, sensitive ones without their value; raises EndpointNotFound."""
    get_endpoint(endpoint_id=endpoint_id)
    return show(read(endpoint_id).values())


def _resolve(name: str, header: Header, stored: Custom | None) -> Custom:
    is_sensitive = header.is_sensitive or bool(_SECRET_WORDS.search(name))
    if header.value is not None:
        return Custom(name, _check_value(name, header.value), is_sensitive)
    if stored is None:
        raise InvalidEndpointHeader(f"The header {name} has no value.", name=name)
    # Nobody gets to read a sensitive value by calling it harmless afterwards.
    return Custom(name, stored.value, is_sensitive or stored.is_sensitive)


def _check_value(name: str, value: str) -> str:
    if len(value) > MAX_BYTES or not _VALUE.fullmatch(value):
        raise InvalidEndpointHeader(
            f"The value of {name} is not printable ASCII without spaces at its ends, or is too long.", name=name
        )
    return value


def _check_size(customs: Iterable[Custom]) -> None:
    sizes = [custom.size for custom in customs]
    if len(sizes) > MAX_HEADERS:
        raise InvalidEndpointHeader(f"{len(sizes)} headers are more than {MAX_HEADERS}.", most=MAX_HEADERS)
    if sum(sizes) > MAX_BYTES:
        raise InvalidEndpointHeader(f"The headers are {sum(sizes)} bytes, more than {MAX_BYTES}.", most=MAX_BYTES)
