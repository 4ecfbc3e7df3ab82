"""Where a webhook may go."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from webhooks.outbound.addresses import (
    AddressRefused,
    InvalidEndpointUrl,
    check_url,
    is_allowed,
    why_refused,
)

PUBLIC = [
    "93.184.216.34",
    "1.1.1.1",
    "172.32.0.1",  # just behind the private range
    "100.128.0.1",  # just behind carrier-grade NAT
    "2606:4700:4700::1111",
    "2001:4860:4860::8888",
    "::ffff:1.1.1.1",
    "64:ff9b::101:101",  # a public IPv4 address behind NAT64
    "2606:4700::5efe:101:101",  # ISATAP of a public address
]
LOCAL = [
    "127.0.0.1",
    "127.255.255.254",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "::1",
    "fd00::1",
    "fc00::1",
    "::ffff:127.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b::7f00:1",
]
NEVER = {
    "0.0.0.0": "unspecified",
    "0.1.2.3": "unspecified",
    "169.254.169.254": "link-local (metadata services)",
    "169.254.170.2": "link-local (metadata services)",
    "168.63.129.16": "a metadata service",
    "100.64.0.1": "carrier-grade NAT",
    "100.100.100.200": "carrier-grade NAT",  # a metadata service, too
    "100.127.255.255": "carrier-grade NAT",
    "192.0.0.192": "reserved",  # a metadata service, too
    "192.0.2.1": "documentation",
    "192.88.99.1": "a 6to4 relay",
    "198.18.0.1": "benchmarking",
    "198.51.100.1": "documentation",
    "203.0.113.1": "documentation",
    "224.0.0.1": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "::": "unspecified",
    "::2": "reserved",
    "::7f00:1": "reserved",  # IPv4-compatible
    "::ffff:0:7f00:1": "reserved",  # IPv4-translated
    "fe80::1": "link-local",
    "fe80::1%eth0": "bound to a network interface",
    "2606:4700:4700::1111%1": "bound to a network interface",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
    "fd00:ec2::254": "a metadata service",
    "fd20:ce::254": "a metadata service",
    "::ffff:169.254.169.254": "link-local (metadata services)",
    "64:ff9b::a9fe:a9fe": "link-local (metadata services)",
    "64:ff9b:1::a9fe:a9fe": "local NAT64",
    "2002:a9fe:a9fe::1": "6to4",
    "2002:101:101::1": "6to4",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2": "reserved or Teredo",
    "2606:4700::5efe:a9fe:a9fe": "link-local (metadata services)",  # ISATAP
    "2606:4700::200:5efe:6440:1": "carrier-grade NAT",  # ISATAP, with the bit of a unique identifier
    "100::1": "reserved",  # discard-only
    "2001:db8::1": "documentation",
    "3fff::1": "documentation",
    "5f00::1": "reserved",
    "4000::1": "reserved",
}


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(ip_address(address), allow_local=False)


@pytest.mark.parametrize("address", LOCAL)
def test_local_addresses_need_the_setting(address: str) -> None:
    assert not is_allowed(ip_address(address), allow_local=False)
    assert is_allowed(ip_address(address), allow_local=True)


def test_isatap_of_a_private_address_needs_the_setting() -> None:
    tunnel = ip_address("2606:4700::5efe:a00:1")
    assert why_refused(tunnel, allow_local=False) == "private"
    assert why_refused(tunnel, allow_local=True) is None


@pytest.mark.parametrize("allow_local", [False, True])
@pytest.mark.parametrize(("address", "kind"), NEVER.items())
def test_what_is_neither_public_nor_local_is_refused_whatever_the_setting(
    address: str, kind: str, allow_local: bool
) -> None:
    assert why_refused(ip_address(address), allow_local=allow_local) == kind


GOOD_URLS = [
    "https://example.com",
    "https://example.com/hook?a=b&c=%20",
    "https://EXAMPLE.com:8443/hook",
    "https://example.com:443/",
    "https://a_b.example.com/",
    "https://xn--strae-oqa.de/",
    "https://xn--fsqu00a.xn--0zwm56d/",
    "https://93.184.216.34/",
    "https://[2606:4700:4700::1111]:8443/",
    "https://1and1.example.com/",
    "https://123.example/",
]
BAD_URLS = [
    "",
    "example.com/hook",
    "//example.com/hook",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "http://example.com/",  # plain http needs the setting
    "https:///hook",
    "https://",
    "https:example.com",
    "https://?hook",
    # credentials, and hosts that only look like one
    "https://user:secret@example.com/",
    "https://user@example.com/",
    "https://@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com\\@127.0.0.1/",
    "https://127.0.0.1\\.example.com/",
    "https://example.com/#part",
    "https://example.com/#",
    # ports
    "https://example.com:0/",
    "https://example.com:/",
    "https://example.com:99999/",
    "https://example.com:-1/",
    "https://example.com:443a/",
    "https://example.com:443:443/",
    "https://example.com:22/",
    "https://example.com:25/",
    # spellings of addresses
    "https://2130706433/",
    "https://3232235521/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0x/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.0.0.1./",
    "https://127.0.0.01/",
    "https://127.0.0.256/",
    "https://1.2.3.4.5/",
    "https://example.1/",
    "https://127%2e0%2e0%2e1/",
    "https://%31%32%37.0.0.1/",
    "https://[127.0.0.1]/",
    "https://[::1/",
    "https://::1/",
    "https://[::1]x/",
    "https://[v1.fe80::a]/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[]/",
    # names that are none
    "https://example.com./",
    "https://example..com/",
    "https://.example.com/",
    "https://-example.com/",
    "https://example-.com/",
    "https://exa%6dple.com/",
    "https://" + "a" * 64 + ".com/",
    "https://" + "a." * 127 + "com/",
    "https://exämple.com/",
    "https://１２７.0.0.1/",
    "https://①②⑦.⓪.⓪.①/",
    "https://127。0。0。1/",
    "https://ⓔxample.com/",
    "https://xn--/",
    "https://xn--a/",
    "https://xn--127-.com/",
    "https://xn--99999999999.com/",
    # characters
    "https://exam ple.com/",
    "https://example.com/\r\nX: y",
    "https://example.com/a\tb",
    "https://example.com/\x00",
    "https://example.com/\x7f",
    "https://example.com/a\\b",
    "https://example.com/<script>",
    " https://example.com/",
    "https://example.com/" + "x" * 2000,
]
REFUSED_URLS = [
    "https://127.0.0.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://10.0.0.1:8443/",
    "https://100.64.0.1/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[0:0:0:0:0:ffff:7f00:0001]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://localhost/",
    "https://LOCALHOST:8443/",
    "https://consumer/",
    "https://printer.local/",
    "https://metadata.google.internal/computeMetadata/v1/",
    "https://db.internal/",
    "https://app.localhost/",
    "https://nas.home.arpa/",
]


@pytest.mark.parametrize("url", GOOD_URLS)
def test_a_public_url_is_taken_as_it_is(url: str) -> None:
    assert check_url(url, allow_local=False) == url


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_url_that_cannot_be_called_is_refused(url: str) -> None:
    with pytest.raises(InvalidEndpointUrl):
        check_url(url, allow_local=False)


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_literal_private_address_or_name_is_refused_when_the_endpoint_is_made(url: str) -> None:
    with pytest.raises(AddressRefused):
        check_url(url, allow_local=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8091/hooks/a",
        "http://localhost:81/",
        "http://consumer/",
        "https://[::1]:8443/",
        "http://db.internal/",
    ],
)
def test_a_sandbox_may_call_its_own_machine(url: str) -> None:
    assert check_url(url, allow_local=True) == url


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/", "http://0.0.0.0:8091/", "http://[fe80::1]/", "http://[fd00:ec2::254]/latest/meta-data"],
)
def test_metadata_services_are_refused_also_in_a_sandbox(url: str) -> None:
    with pytest.raises(AddressRefused):
        check_url(url, allow_local=True)


@pytest.mark.parametrize("url", ["http://2130706433/", "http://0x7f.1/", "http://127.1/", "http://[fe80::1%25lo]/"])
def test_odd_spellings_are_refused_also_in_a_sandbox(url: str) -> None:
    with pytest.raises(InvalidEndpointUrl):
        check_url(url, allow_local=True)


def test_a_refusal_says_what_kind_of_address_it_is() -> None:
    with pytest.raises(AddressRefused) as refused:
        check_url("https://100.64.0.1/", allow_local=False)
    assert refused.value.extra == {"address": "100.64.0.1", "kind": "carrier-grade NAT"}
