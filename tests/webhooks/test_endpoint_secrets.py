"""Signing keys: several valid while one takes over, sealed at rest, shown once or never."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.ledger.book import at_once
from tests.webhooks.work import (
    SUPPORT,
    Subscribed,
    an_event,
    deliveries,
    event_rows,
    later,
    publish,
    run_due,
    subscribe,
)
from webhooks import signing
from webhooks.operations import expire_secret, remove_endpoint, rotate_secret
from webhooks.outbound.directory import EndpointNotFound, SigningKeys, settings_of
from webhooks.outbound.endpoints import (
    EndpointRemoved,
    InvalidEndpointSecret,
    InvalidOverlap,
    SecretInUse,
    SecretNotFound,
    TooManySecrets,
)
from webhooks.queries import get_delivery_detail, list_secrets, public_keys
from webhooks.types import DeliveryDetail, RotatedSecret, SecretRecord
from zentra.core import clock, ids
from zentra.core.clock import now
from zentra.core.ids import BadId
from zentra.core.tenancy import TenantRef, tenant_work

if TYPE_CHECKING:
    from zentra.core.errors import DomainError

URL = "https://consumer.example.com/hooks"
DAY = 24 * 3600


def rotate(ws: TenantRef, endpoint_id: str, **options: Any) -> RotatedSecret:
    with tenant_work(ws):
        return rotate_secret(endpoint_id=endpoint_id, actor=SUPPORT, now=now(), **options)


def expire(ws: TenantRef, endpoint_id: str, secret_id: str) -> SecretRecord:
    with tenant_work(ws):
        return expire_secret(endpoint_id=endpoint_id, secret_id=secret_id, actor=SUPPORT, now=now())


def keys_now(ws: TenantRef, endpoint_id: str) -> SigningKeys:
    with tenant_work(ws):
        return settings_of(endpoint_ids=[endpoint_id], now=now())[endpoint_id].keys


def listed(ws: TenantRef, endpoint_id: str, kind: str = "hmac") -> list[SecretRecord]:
    with tenant_work(ws):
        return [each for each in list_secrets(endpoint_id=endpoint_id) if each.kind == kind]


def detail_of(ws: TenantRef, delivery_id: str) -> DeliveryDetail:
    with tenant_work(ws):
        return get_delivery_detail(delivery_id=delivery_id)


def a_secret() -> str:
    return signing.new_secret()


# -- Rotating ----------------------------------------------------------------------------------------------------------


def test_both_secrets_sign_during_the_overlap_and_the_new_one_after_it(workspace: TenantRef) -> None:
    created = subscribe(workspace, URL)
    endpoint_id = created.endpoint.id

    rotated = rotate(workspace, endpoint_id)

    assert rotated.secret not in (None, created.secret)
    assert rotated.old_expires_at is not None
    assert timedelta(hours=23) < rotated.old_expires_at - now() <= timedelta(hours=24)
    assert keys_now(workspace, endpoint_id).secrets == (rotated.secret, created.secret)
    with later(DAY + 1):
        assert keys_now(workspace, endpoint_id).secrets == (rotated.secret,)


def test_a_consumer_with_either_secret_verifies(workspace: TenantRef) -> None:
    created = subscribe(workspace, URL)
    rotated = rotate(workspace, created.endpoint.id)
    assert rotated.secret is not None

    headers = signing.sign(
        message_id="evt_1", signed_at=now(), body=b"{}", secrets=keys_now(workspace, created.endpoint.id).signing
    )

    for secret in (created.secret, rotated.secret, created.endpoint.public_key):
        signing.verify(headers=headers, body=b"{}", secrets=[secret], now=now())


def test_without_overlap_nothing_old_is_trusted_any_more(workspace: TenantRef) -> None:
    endpoint_id = subscribe(workspace, URL).endpoint.id
    rotate(workspace, endpoint_id)  # its predecessor would be valid for a day

    last = rotate(workspace, endpoint_id, overlap=timedelta(0))

    assert keys_now(workspace, endpoint_id).secrets == (last.secret,)


def test_a_shorter_overlap_shortens_and_a_longer_one_does_not_lengthen(workspace: TenantRef) -> None:
    endpoint_id = subscribe(workspace, URL).endpoint.id
    rotate(workspace, endpoint_id, overlap=timedelta(hours=2))
    rotate(workspace, endpoint_id, overlap=timedelta(days=7))
    current, second, first = (each.expires_at for each in listed(workspace, endpoint_id))
    assert current is None
    assert second is not None
    assert first is not None
    assert first - now() <= timedelta(hours=2) < second - now()

    rotate(workspace, endpoint_id, overlap=timedelta(hours=1))

    left = [each.expires_at - now() for each in listed(workspace, endpoint_id) if each.expires_at is not None]
    assert len(left) == 3
    assert max(left) <= timedelta(hours=1)


def test_the_kinds_rotate_by_themselves(workspace: TenantRef) -> None:
    created = subscribe(workspace, URL)
    endpoint_id = created.endpoint.id

    rotated = rotate(workspace, endpoint_id, kind="ed25519")

    assert rotated.secret is None
    assert rotated.public_key == rotated.endpoint.public_key != created.endpoint.public_key
    keys = keys_now(workspace, endpoint_id)
    assert keys.secrets == (created.secret,)
    assert keys.public_keys == (rotated.public_key, created.endpoint.public_key)
    with tenant_work(workspace):
        valid = [each.public_key for each in public_keys(endpoint_id=endpoint_id, now=now())]
        after = [each.public_key for each in public_keys(endpoint_id=endpoint_id, now=now() + timedelta(days=2))]
    assert valid == list(keys.public_keys)
    assert after == [rotated.public_key]


def test_own_keys_are_taken(workspace: TenantRef) -> None:
    endpoint_id = subscribe(workspace, URL).endpoint.id
    own, pair = a_secret(), signing.new_key_pair()

    assert rotate(workspace, endpoint_id, secret=own).secret == own
    assert rotate(workspace, endpoint_id, kind="ed25519", secret=pair.private).public_key == pair.public
    keys = keys_now(workspace, endpoint_id)
    assert (keys.secrets[0], keys.private_keys[0]) == (own, pair.private)


@pytest.mark.parametrize(
    ("kind", "secret"),
    [
        ("hmac", ""),
        ("hmac", "hunter2hunter2hunter2hunter2"),
        ("hmac", "whsec_" + base64.b64encode(b"x" * 23).decode()),
        ("hmac", "whsec_" + base64.b64encode(b"x" * 65).decode()),
        ("hmac", "whsk_" + base64.b64encode(b"x" * 32).decode()),
        ("hmac", "whsec_no base64 at all, really not"),
        ("ed25519", "whsec_" + base64.b64encode(b"x" * 32).decode()),
        ("ed25519", "whpk_" + base64.b64encode(b"x" * 32).decode()),
        ("ed25519", "whsk_" + base64.b64encode(b"x" * 31).decode()),
        ("rsa", None),
    ],
)
def test_an_own_key_that_cannot_sign_is_refused_without_being_told(
    workspace: TenantRef, kind: str, secret: str | None
) -> None:
    endpoint_id = subscribe(workspace, URL).endpoint.id
    before = keys_now(workspace, endpoint_id)

    with pytest.raises(InvalidEndpointSecret) as refused:
        rotate(workspace, endpoint_id, kind=kind, secret=secret)

    assert not secret or secret not in f"{refused.value.detail} {refused.value.extra}"
    assert keys_now(workspace, endpoint_id) == before


def test_a_key_is_not_stored_twice(workspace: TenantRef) -> None:
    created = subscribe(workspace, URL)
    endpoint_id, own = created.endpoint.id, a_secret()
    rotate(workspace, endpoint_id, secret=own)

    for again in (own, created.secret):
        with pytest.raises(InvalidEndpointSecret) as refused:
            rotate(workspace, endpoint_id, secret=again)
        assert again not in f"{refused.value.detail} {refused.value.extra}"
    assert len(listed(workspace, endpoint_id)) == 2


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=7, seconds=1)])
def test_an_overlap_is_a_week_at_most(workspace: TenantRef, overlap: timedelta) -> None:
    endpoint_id = subscribe(workspace, URL).endpoint.id
    with pytest.raises(InvalidOverlap):
        rotate(workspace, endpoint_id, overlap=overlap)
    assert len(listed(workspace, endpoint_id)) == 1


def test_five_of_a_kind_are_valid_at_most(workspace: TenantRef) -> None:
    endpoint_id = subscribe(workspace, URL).endpoint.id
    for _ in range(4):
        rotate(workspace, endpoint_id)

    with pytest.raises(TooManySecrets):
        rotate(workspace, endpoint_id)

    assert len(keys_now(workspace, endpoint_id).secrets) == 5
    rotate(workspace, endpoint_id, kind="ed25519")  # the other kind has room
    oldest = listed(workspace, endpoint_id)[-1]
    expire(workspace, endpoint_id, oldest.id)
    rotate(workspace, endpoint_id)
    rotate(workspace, endpoint_id, overlap=timedelta(0))  # ends the others, so there is always room for it
    assert len(keys_now(workspace, endpoint_id).secrets) == 1


def test_rotations_at_once_leave_one_current_and_five_valid(workspace: TenantRef) -> None:
    endpoint_id = subscribe(workspace, URL).endpoint.id

    results = at_once([lambda: rotate(workspace, endpoint_id)] * 8, threads=8)

    made = [each for each in results if isinstance(each, RotatedSecret)]
    assert len(made) == 4
    assert {type(each) for each in results if each not in made} == {TooManySecrets}
    keys = listed(workspace, endpoint_id)
    assert [each.expires_at is None for each in keys].count(True) == 1
    assert set(keys_now(workspace, endpoint_id).secrets) > {each.secret for each in made}
    assert len(event_rows(workspace, "endpoint.secret_rotated")) == 4


def test_the_event_tells_which_and_not_what(workspace: TenantRef) -> None:
    created = subscribe(workspace, URL)
    rotated = rotate(workspace, created.endpoint.id)

    [event] = event_rows(workspace, "endpoint.secret_rotated")

    assert rotated.old_expires_at is not None
    assert event["actor"]["id"] == SUPPORT.id
    assert event["data"] == {
        "endpoint_id": created.endpoint.id,
        "secret_id": rotated.secret_id,
        "kind": "hmac",
        "action": "rotated",
        "old_expires_at": clock.iso(rotated.old_expires_at),
    }


# -- Expiring early ----------------------------------------------------------------------------------------------------


def test_an_old_secret_is_ended_early_once(workspace: TenantRef) -> None:
    created = subscribe(workspace, URL)
    endpoint_id = created.endpoint.id
    [first] = listed(workspace, endpoint_id)
    rotated = rotate(workspace, endpoint_id)

    ended = expire(workspace, endpoint_id, first.id)
    again = expire(workspace, endpoint_id, first.id)

    assert ended == again
    assert keys_now(workspace, endpoint_id).secrets == (rotated.secret,)
    events = event_rows(workspace, "endpoint.secret_rotated")
    assert [event["data"]["action"] for event in events] == ["rotated", "expired"]


def test_the_current_secret_is_not_ended(workspace: TenantRef) -> None:
    created = subscribe(workspace, URL)
    for kind in ("hmac", "ed25519"):
        [current] = listed(workspace, created.endpoint.id, kind)
        with pytest.raises(SecretInUse):
            expire(workspace, created.endpoint.id, current.id)
    assert keys_now(workspace, created.endpoint.id).secrets == (created.secret,)


def test_a_secret_is_ended_once_by_two_at_once(workspace: TenantRef) -> None:
    endpoint_id = subscribe(workspace, URL).endpoint.id
    [first] = listed(workspace, endpoint_id)
    rotate(workspace, endpoint_id)
    results = at_once([lambda: expire(workspace, endpoint_id, first.id)] * 4, threads=4)
    assert all(isinstance(each, SecretRecord) for each in results)
    assert len(event_rows(workspace, "endpoint.secret_rotated")) == 2


def test_only_the_endpoints_own_secrets_are_ended(workspace: TenantRef, other_workspace: TenantRef) -> None:
    endpoint_id = subscribe(workspace, URL).endpoint.id
    another = subscribe(workspace, URL).endpoint.id
    [first] = listed(workspace, another)
    rotate(workspace, another)
    cases: list[tuple[str, str, type[DomainError]]] = [
        (endpoint_id, first.id, SecretNotFound),
        (endpoint_id, ids.new_id("sec"), SecretNotFound),
        (endpoint_id, "sec_x", BadId),
        (ids.new_id("whe"), first.id, EndpointNotFound),
    ]
    for where, secret_id, error in cases:
        with pytest.raises(error):
            expire(workspace, where, secret_id)
    with pytest.raises(EndpointNotFound):
        expire(other_workspace, another, first.id)
    with pytest.raises(EndpointNotFound):
        rotate(other_workspace, another)


def test_nothing_signs_for_a_removed_endpoint(workspace: TenantRef) -> None:
    endpoint_id = subscribe(workspace, URL).endpoint.id
    with tenant_work(workspace):
        remove_endpoint(endpoint_id=endpoint_id, reason="", actor=SUPPORT, now=now())
        [secret] = [each for each in list_secrets(endpoint_id=endpoint_id) if each.kind == "hmac"]
    assert keys_now(workspace, endpoint_id).signing == []
    with pytest.raises(EndpointRemoved):
        rotate(workspace, endpoint_id)
    with pytest.raises(EndpointRemoved):
        expire(workspace, endpoint_id, secret.id)


# -- With a real consumer ----------------------------------------------------------------------------------------------


def test_a_consumer_that_still_has_the_old_secret_takes_what_is_on_its_way(subscribed: Subscribed) -> None:
    """The demo consumer verifies with the public package and the secret that it was given at first."""
    publish(subscribed.ws, an_event(1))
    rotated = rotate(subscribed.ws, subscribed.endpoint_id)  # while the first delivery waits
    publish(subscribed.ws, an_event(2))
    run_due()

    assert len([each for each in subscribed.received() if each["type"] == "account.created"]) == 2
    attempts = [
        attempt
        for delivery in deliveries(subscribed.ws, event_type="account.created")
        for attempt in detail_of(subscribed.ws, delivery.id).attempts
    ]
    signatures = [attempt.request_headers["webhook-signature"].split(" ") for attempt in attempts]
    assert [[each.partition(",")[0] for each in signed] for signed in signatures] == [["v1", "v1", "v1a"]] * 2
    assert rotated.secret is not None
    assert rotated.secret not in str(attempts)
