"""Where a webhook may go."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from webhooks.outbound import addresses
from webhooks.outbound.addresses import AddressRefused, GuardedBackend, InvalidEndpointUrl, check_url, is_allowed

PUBLIC = ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111"]
LOCAL = ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "::1", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::a00:1"]
NEVER = [
    "0.0.0.0",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "fe80::1",
    "ff02::1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "192.0.2.1",
    "198.18.0.1",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(ip_address(address), allow_local=False)


@pytest.mark.parametrize("address", LOCAL)
def test_local_addresses_need_the_setting(address: str) -> None:
    assert not is_allowed(ip_address(address), allow_local=False)
    assert is_allowed(ip_address(address), allow_local=True)


@pytest.mark.parametrize("address", NEVER)
def test_metadata_and_reserved_addresses_are_refused_without_the_setting(address: str) -> None:
    assert not is_allowed(ip_address(address), allow_local=False)


@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1"])
def test_link_local_is_refused_even_with_the_setting(address: str) -> None:
    assert not is_allowed(ip_address(address), allow_local=True)


@pytest.mark.parametrize(
    "url",
    [
        "example.com/hook",
        "ftp://example.com/",
        "http://example.com/",  # plain http needs the setting
        "https:///hook",
        "https://user:secret@example.com/",
        "https://example.com/#part",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://[::1/",
        "https://exam ple.com/",
        "https://exämple.com/",
        "https://example.com/" + "x" * 2000,
        "https://example.com/\r\nX: y",
    ],
)
def test_a_url_that_cannot_be_called_is_refused(url: str) -> None:
    with pytest.raises(InvalidEndpointUrl):
        check_url(url, allow_local=False)


def test_a_literal_private_address_is_refused_when_the_endpoint_is_made() -> None:
    with pytest.raises(AddressRefused):
        check_url("https://169.254.169.254/latest/meta-data", allow_local=False)
    assert check_url("http://127.0.0.1:8091/hooks/a", allow_local=True)


def test_a_name_that_resolves_to_a_private_address_is_not_connected_to() -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["10.0.0.1"]

    with pytest.raises(AddressRefused):
        GuardedBackend(allow_local=False, resolve=rebinding).connect_tcp("innocent.example", 443, timeout=1)

    assert asked == ["innocent.example"]  # resolved once: what was checked is what would be called


def test_an_odd_spelling_of_loopback_is_still_loopback() -> None:
    """2130706433 is 127.0.0.1; the resolver says so, and the guard looks at what it said."""
    backend = GuardedBackend(allow_local=False, resolve=addresses.resolve)
    with pytest.raises(AddressRefused):
        backend.connect_tcp("2130706433", 443, timeout=1)
