"""API keys as they are made and ended: who may give what, how one takes another's place, and what is kept of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from evidence.queries import latest_events
from tests.ledger.book import at_once
from tests.people import Person, join
from zentra.core import clock
from zentra.core.errors import DomainError
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.models import ApiCredential
from zentra.tenants.permissions import API_SCOPES, Permission
from zentra.tenants.services.errors import (
    InvalidExpiry,
    KeyEnded,
    KeyRotated,
    ScopesBeyondIssuer,
    UnknownKey,
)
from zentra.tenants.services.networks import is_within, read_networks
from zentra.tenants.services.operations.keys import issue_key, revoke_key, rotate_key
from zentra.tenants.services.queries.keys import find_key, list_keys
from zentra.tenants.services.secrets import LEAKED
from zentra.tenants.services.types import IssuedKey

NOW = clock.now()
READS = frozenset({str(Permission.ACCOUNTS_READ)})


@pytest.fixture
def developer(workspace: TenantRef) -> Person:
    return join(workspace, role="developer")


def issue(person: Person, **how: Any) -> IssuedKey:
    said: dict[str, Any] = {"name": "billing", "scopes": READS, "now": NOW} | how
    with tenant_work(person.workspace):
        return issue_key(workspace=person.workspace, issuer=person.member, **said)


def rotate(person: Person, key_id: str, *, hours: int = 24, now: datetime = NOW) -> IssuedKey:
    with tenant_work(person.workspace):
        return rotate_key(
            workspace=person.workspace, key_id=key_id, overlap=timedelta(hours=hours), issuer=person.member, now=now
        )


def events(workspace: TenantRef) -> list[dict[str, Any]]:
    """What is recorded of keys, newest first."""
    with tenant_work(workspace):
        return [json.loads(event.body) for event in latest_events(limit=20) if event.type.startswith("key.")]


def test_a_key_is_issued_for_a_year_and_recorded_without_its_secret(developer: Person, workspace: TenantRef) -> None:
    key = issue(developer, channel="partner", allowed_networks=["192.0.2.0/24", "2001:db8::/32"])

    assert LEAKED.fullmatch(key.token)
    record = find_key(workspace_id=workspace.id, key_id=key.id)
    assert record is not None
    assert (record.issued_by, record.channel, record.state(NOW)) == (developer.id, "partner", "active")
    assert record.allowed_networks == ("192.0.2.0/24", "2001:db8::/32")
    assert record.expires_at == NOW + timedelta(days=365)
    assert record.prefix == key.token[:-44]
    [event] = events(workspace)
    assert (event["type"], event["actor"]["id"]) == ("key.issued", developer.id)
    assert event["data"]["scopes"] == ["accounts.read"]
    assert key.token[-43:] not in str(event)
    assert "192.0.2" not in str(event)


def test_what_cannot_be_given_is_refused_and_nothing_is_made(developer: Person, workspace: TenantRef) -> None:
    finance, viewer = join(workspace, role="finance"), join(workspace, role="viewer")
    wrong: list[tuple[str, Person, dict[str, Any]]] = [
        ("invalid_scopes", developer, {"scopes": frozenset({"reviews.decide"})}),
        ("invalid_scopes", developer, {"scopes": frozenset({"no.such"})}),
        ("invalid_scopes", developer, {"scopes": frozenset({"workspaces.read"})}),
        ("invalid_scopes", developer, {"scopes": frozenset()}),
        # A developer freezes no account, so no key of theirs does.
        ("scopes_beyond_issuer", developer, {"scopes": frozenset({"accounts.freeze"})}),
        ("permission_denied", finance, {}),
        ("permission_denied", viewer, {}),
        ("invalid_credential_name", developer, {"name": "  "}),
        ("invalid_credential_name", developer, {"name": "x" * 81}),
        ("invalid_channel", developer, {"channel": "carrier pigeon"}),
        ("invalid_networks", developer, {"allowed_networks": ["192.0.2.1/24"]}),
        ("invalid_networks", developer, {"allowed_networks": ["example.com"]}),
        ("invalid_networks", developer, {"allowed_networks": [f"10.{n}.0.0/16" for n in range(21)]}),
        ("invalid_expiry", developer, {"expires_at": NOW}),
        ("invalid_expiry", developer, {"expires_at": NOW + timedelta(days=732)}),
    ]

    for code, person, how in wrong:
        with pytest.raises(DomainError) as refused:
            issue(person, **how)
        assert refused.value.code == code, how
    assert list_keys(workspace_id=workspace.id, now=NOW, with_ended=True) == []
    assert events(workspace) == []


def test_a_key_of_the_platform_gets_the_platforms_scopes_only(database: None) -> None:
    from zentra.tenants.queries import platform_ref

    platform = platform_ref()
    with pytest.raises(DomainError, match="No key here"):
        issue_key(workspace=platform, name="x", scopes=READS, now=NOW)
    key = issue_key(workspace=platform, name="tests", scopes={Permission.WORKSPACES_READ}, now=NOW)
    assert key.token.startswith("zk_test_") or key.token.startswith("zk_live_")
    ApiCredential.objects.filter(id=key.id).delete()


def test_a_rotated_key_and_the_new_one_both_live_until_the_overlap_ends(
    developer: Person, workspace: TenantRef
) -> None:
    old = issue(developer)
    new = rotate(developer, old.id, hours=2)

    was, now_is = (find_key(workspace_id=workspace.id, key_id=each.id) for each in (old, new))
    assert was is not None
    assert now_is is not None
    assert (was.state(NOW), was.replaced_by, was.expires_at) == ("ending", new.id, NOW + timedelta(hours=2))
    assert was.state(NOW + timedelta(hours=2)) == "expired"
    assert (now_is.state(NOW), now_is.replaces, now_is.scopes) == ("active", old.id, was.scopes)
    event = events(workspace)[0]
    assert (event["type"], event["data"]["key_id"], event["data"]["replaced_by"]) == ("key.rotated", old.id, new.id)


def test_what_is_over_or_elsewhere_is_not_rotated(
    developer: Person, workspace: TenantRef, other_workspace: TenantRef
) -> None:
    stranger = join(other_workspace, role="developer")
    once, ended, wide = issue(developer), issue(developer), issue_key(
        workspace=workspace, name="all", scopes=API_SCOPES, now=NOW
    )  # fmt: skip
    rotate(developer, once.id)
    revoke_key(key_id=ended.id, now=NOW)
    before = len(list_keys(workspace_id=workspace.id, now=NOW, with_ended=True))

    for key_id, error, person, hours in (
        (once.id, KeyRotated, developer, 1),
        (ended.id, KeyEnded, developer, 1),
        (wide.id, ScopesBeyondIssuer, developer, 1),
        (wide.id, InvalidExpiry, developer, 7 * 24 + 1),
        (wide.id, InvalidExpiry, developer, -1),
        (once.id, UnknownKey, stranger, 1),
        ("nonsense", UnknownKey, developer, 1),
    ):
        with pytest.raises(error):
            rotate(person, key_id, hours=hours)
    assert len(list_keys(workspace_id=workspace.id, now=NOW, with_ended=True)) == before


def test_of_two_who_rotate_a_key_at_once_one_is_told(developer: Person, workspace: TenantRef) -> None:
    key = issue(developer)

    answers = at_once([lambda: rotate(developer, key.id)] * 2, threads=2)

    assert sorted(type(answer).__name__ for answer in answers) == ["IssuedKey", "KeyRotated"]
    assert len(list_keys(workspace_id=workspace.id, now=NOW)) == 2


def test_a_key_is_revoked_once_and_only_by_its_workspace(
    developer: Person, workspace: TenantRef, other_workspace: TenantRef
) -> None:
    key = issue(developer)
    with tenant_work(other_workspace), pytest.raises(UnknownKey):
        revoke_key(key_id=key.id, workspace=other_workspace, actor=developer.actor(), now=NOW)

    with tenant_work(workspace):
        first = revoke_key(key_id=key.id, workspace=workspace, actor=developer.actor(), now=NOW)
        second = revoke_key(key_id=key.id, workspace=workspace, actor=developer.actor(), now=NOW)

    assert (first, second) == (True, False)
    assert [event["type"] for event in events(workspace)] == ["key.revoked", "key.issued"]
    record = find_key(workspace_id=workspace.id, key_id=key.id)
    assert record is not None
    assert (record.state(NOW), record.revoked_by) == ("revoked", developer.id)


def test_networks_are_read_strictly_and_an_address_lies_in_one_or_in_none() -> None:
    assert read_networks([" 10.0.0.0/8 ", "10.0.0.0/8", "192.0.2.7"]) == ["10.0.0.0/8", "192.0.2.7/32"]
    networks = ["10.0.0.0/8", "2001:db8::/32"]
    for address, inside in (
        ("10.1.2.3", True), ("11.0.0.1", False), ("2001:db8::1", True), ("2001:db9::1", False),
        ("::ffff:10.1.2.3", True), ("::ffff:11.1.2.3", False), ("", False), ("unix", False),
    ):  # fmt: skip
        assert is_within(address, networks) is inside, address


@pytest.fixture
def live_developer(make_workspace: Callable[..., TenantRef]) -> Person:
    return join(make_workspace(mode="live"), role="developer")


def test_a_dangerous_grant_in_live_is_noted(live_developer: Person) -> None:
    key = issue(live_developer, scopes=frozenset({"ledger.post"}))

    assert key.token.startswith("zk_live_")
    assert events(live_developer.workspace)[0]["data"]["is_dangerous"] is True


def test_a_rotated_key_lives_as_long_as_the_old_one_was_given(developer: Person, workspace: TenantRef) -> None:
    short, whole = issue(developer, expires_at=NOW + timedelta(days=30)), issue(developer)
    later = NOW + timedelta(days=20)
    for old, life in ((short, 30), (whole, 365)):
        new = find_key(workspace_id=workspace.id, key_id=rotate(developer, old.id, now=later).id)
        assert new is not None
        assert new.expires_at == later + timedelta(days=life)
