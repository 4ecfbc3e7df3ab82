"""Networks that a credential may be used from, as CIDR, IPv4 and IPv6."""

import ipaddress
from collections.abc import Iterable
from typing import Final

from zentra.tenants.services.errors import InvalidNetworks

MOST_NETWORKS: Final = 20


def read_networks(texts: Iterable[str]) -> list[str]:
    """The networks in their normal form, each once; raises InvalidNetworks for a host bit set or too many."""
    found: dict[str, None] = {}
    for text in texts:
        try:
            found[str(ipaddress.ip_network(text.strip()))] = None
        except ValueError as error:
            raise InvalidNetworks(
                f"{text.strip()[:60]!r} is no network such as 192.0.2.0/24 or 2001:db8::/32."
            ) from error
    if len(found) > MOST_NETWORKS:
        raise InvalidNetworks(f"At most {MOST_NETWORKS} networks, not {len(found)}.")
    return list(found)


def is_within(address: str, networks: Iterable[str]) -> bool:
    """Whether the address lies in one of them. What is no address lies in none; ::ffff:192.0.2.1 is 192.0.2.1."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in ipaddress.ip_network(each) for each in networks)
