"""Signing keys at rest, and what of them is shown: sealed, hinted at, forgotten."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.test import override_settings

from tests.webhooks.test_endpoint_secrets import URL, keys_now, listed, rotate
from tests.webhooks.work import subscribe
from webhooks.outbound import directory
from webhooks.outbound.directory import settings_of
from webhooks.outbound.endpoints import forget_expired_secrets
from webhooks.queries import get_endpoint, list_secrets
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work


def test_keys_are_sealed_at_rest(workspace: TenantRef) -> None:
    created = subscribe(workspace, URL)
    rotated = rotate(workspace, created.endpoint.id)
    private = keys_now(workspace, created.endpoint.id).private_keys[0]
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM webhooks_endpoint_secret")
        stored = b"\n".join(bytes(row[0]) for row in cursor.fetchall())
    for secret in (created.secret, rotated.secret or "", private):
        assert secret.partition("_")[2].encode() not in stored
        assert base64.b64decode(secret.partition("_")[2]) not in stored


def test_no_secret_stands_in_what_is_printed_or_listed(workspace: TenantRef) -> None:
    created = subscribe(workspace, URL)
    rotated = rotate(workspace, created.endpoint.id)
    with tenant_work(workspace):
        settings = settings_of(endpoint_ids=[created.endpoint.id], now=now())
        printed = repr([created, rotated, settings, list_secrets(endpoint_id=created.endpoint.id)])
        printed += repr(get_endpoint(endpoint_id=created.endpoint.id))
    keys = settings[created.endpoint.id].keys
    assert not [each for each in keys.signing if each in printed or each.partition("_")[2] in printed]


def test_hints_are_the_last_four_characters(workspace: TenantRef) -> None:
    created = subscribe(workspace, URL)
    [hmac] = listed(workspace, created.endpoint.id)
    [pair] = listed(workspace, created.endpoint.id, "ed25519")
    assert hmac.hint == f"whsec_…{created.secret[-4:]}"
    assert pair.hint == f"whpk_…{created.endpoint.public_key[-4:]}"
    assert pair.public_key == created.endpoint.public_key
    assert hmac.public_key is None


def test_an_unreadable_secret_stops_its_own_endpoint_only(workspace: TenantRef) -> None:
    readable = subscribe(workspace, URL).endpoint.id
    with override_settings(ZENTRA_SECRET_KEYS=["another key, lost since"]):
        unreadable = subscribe(workspace, URL).endpoint.id
    directory.open_sealed.cache_clear()

    with tenant_work(workspace):
        found = settings_of(endpoint_ids=[readable, unreadable], now=now())

    assert (found[readable].problem, len(found[readable].keys.signing)) == ("", 2)
    assert (found[unreadable].problem, found[unreadable].keys.signing) == ("unreadable_secret", [])


def test_expired_keys_are_forgotten_after_a_month(workspace: TenantRef) -> None:
    endpoint_id = subscribe(workspace, URL).endpoint.id
    rotated = rotate(workspace, endpoint_id, overlap=timedelta(0))
    with tenant_work(workspace):
        assert forget_expired_secrets(now=now() + timedelta(days=29)) == 0
        assert forget_expired_secrets(now=now() + timedelta(days=31)) == 1
    assert [each.id for each in listed(workspace, endpoint_id)] == [rotated.secret_id]


@pytest.mark.parametrize("change", ["kind = 'rsa'", "public_key = 'whpk_x' WHERE kind = 'hmac'"])
def test_the_database_holds_what_a_key_is(workspace: TenantRef, change: str) -> None:
    subscribe(workspace, URL)
    with pytest.raises(IntegrityError), tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(f"UPDATE webhooks_endpoint_secret SET {change}")
