"""Secrets of a rail: one current, others that end, never read back; and the scheme that uses them."""

from __future__ import annotations

import base64
import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection

from tests.routing.processes import SECRET
from tests.webhooks.signed_callbacks import PUBLIC
from zentra.core.actors import Actor
from zentra.core.ids import new_id
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing import queries
from zentra.routing.errors import RailUnknown
from zentra.routing.operations import (
    CurrentRailSecret,
    OverlapOutOfRange,
    RailSecretUnknown,
    TooManyRailSecrets,
    connect_rail,
    expire_rail_secret,
    new_callback_secret,
    rotate_rail_secret,
    set_callback_scheme,
)
from zentra.routing.operations.secrets import add_secret
from zentra.routing.schemes import (
    SCHEME_NAMES,
    BadSchemeSettings,
    RailSecretNeeded,
    UnknownCallbackScheme,
    UnusableRailSecret,
)
from zentra.routing.types import RailRecord

NOW = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
ADMIN = Actor(kind="user", id="usr_admin", role="admin")
DAY = timedelta(days=1)


@pytest.fixture
def rail(workspace: TenantRef) -> RailRecord:
    """A rail with one secret."""
    with tenant_work(workspace):
        return connect_rail(ws=workspace, name="north", base_url="http://north.test", secret=SECRET, now=NOW)


@pytest.fixture
def foreign_rail(workspace: TenantRef) -> RailRecord:
    """A rail that is not one of ours: its provider keeps its private keys."""
    with tenant_work(workspace):
        return connect_rail(
            ws=workspace, name="west", base_url="http://west.test", secret=SECRET, now=NOW, provider="telegraph"
        )


def valid(rail: RailRecord, at: datetime) -> list[str]:
    return queries.callback_secrets(rail_id=rail.id, now=at)


def rotations(ws: TenantRef) -> list[dict[str, object]]:
    with tenant_work(ws), connection.cursor() as cursor:
        cursor.execute("SELECT body FROM evidence_event WHERE type = 'rail.secret_rotated' ORDER BY id")
        return [json.loads(bytes(row[0])) for row in cursor.fetchall()]


def test_the_old_secret_is_valid_for_the_overlap_and_not_longer(workspace: TenantRef, rail: RailRecord) -> None:
    with tenant_work(workspace):
        made = rotate_rail_secret(rail_id=rail.id, actor=ADMIN, now=NOW)

        assert made.previous_expires_at == NOW + DAY
        assert valid(rail, NOW + DAY - timedelta(seconds=1)) == [made.secret, SECRET]
        assert valid(rail, NOW + DAY) == [made.secret]


def test_without_overlap_everything_older_ends_at_once(workspace: TenantRef, rail: RailRecord) -> None:
    with tenant_work(workspace):
        for _ in range(3):
            rotate_rail_secret(rail_id=rail.id, actor=ADMIN, now=NOW)
        made = rotate_rail_secret(rail_id=rail.id, actor=ADMIN, now=NOW, overlap=timedelta(0))

        assert valid(rail, NOW) == [made.secret]


def test_a_secret_that_ends_soon_is_never_prolonged(workspace: TenantRef, rail: RailRecord) -> None:
    with tenant_work(workspace):
        rotate_rail_secret(rail_id=rail.id, actor=ADMIN, now=NOW, overlap=timedelta(hours=1))
        rotate_rail_secret(rail_id=rail.id, actor=ADMIN, now=NOW, overlap=timedelta(days=7))

        assert SECRET not in valid(rail, NOW + timedelta(hours=1))


def test_the_secret_of_the_provider_can_be_given_and_given_again(workspace: TenantRef, rail: RailRecord) -> None:
    given = new_callback_secret()
    with tenant_work(workspace):
        first = rotate_rail_secret(rail_id=rail.id, actor=ADMIN, now=NOW, secret=given)
        again = rotate_rail_secret(rail_id=rail.id, actor=ADMIN, now=NOW, secret=given)

        assert (first.secret_id, first.secret) == (again.secret_id, given)
        assert valid(rail, NOW) == [given, SECRET]


def test_nothing_shows_a_secret_again(workspace: TenantRef, rail: RailRecord) -> None:
    with tenant_work(workspace):
        made = rotate_rail_secret(rail_id=rail.id, actor=ADMIN, now=NOW)
        current, old = queries.list_rail_secrets(rail_id=rail.id, now=NOW)

    assert (current.is_current, current.hint, current.id) == (True, "…" + made.secret[-4:], made.secret_id)
    assert (old.is_current, old.expires_at, old.hint) == (False, NOW + DAY, "…" + SECRET[-4:])
    assert made.secret not in repr(made)
    [event] = rotations(workspace)
    assert made.secret not in json.dumps(event)
    assert event["actor"]["id"] == "usr_admin"  # type: ignore[index]


def test_a_secret_can_be_ended_early_and_the_current_one_cannot(workspace: TenantRef, rail: RailRecord) -> None:
    with tenant_work(workspace):
        rotate_rail_secret(rail_id=rail.id, actor=ADMIN, now=NOW)
        current, old = queries.list_rail_secrets(rail_id=rail.id, now=NOW)
        ended = expire_rail_secret(rail_id=rail.id, secret_id=old.id, actor=ADMIN, now=NOW)
        assert ended.expires_at == NOW
        assert SECRET not in valid(rail, NOW)
        with pytest.raises(RailSecretUnknown):
            expire_rail_secret(rail_id=rail.id, secret_id=old.id, actor=ADMIN, now=NOW)
        with pytest.raises(CurrentRailSecret):
            expire_rail_secret(rail_id=rail.id, secret_id=current.id, actor=ADMIN, now=NOW)


def test_only_so_many_are_valid_at_once(workspace: TenantRef, rail: RailRecord) -> None:
    with tenant_work(workspace):
        for _ in range(4):
            rotate_rail_secret(rail_id=rail.id, actor=ADMIN, now=NOW)
        before = valid(rail, NOW)
        with pytest.raises(TooManyRailSecrets):
            rotate_rail_secret(rail_id=rail.id, actor=ADMIN, now=NOW)
        assert valid(rail, NOW) == before
        rotate_rail_secret(rail_id=rail.id, actor=ADMIN, now=NOW, overlap=timedelta(0))


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=7, seconds=1)])
def test_an_overlap_has_bounds(workspace: TenantRef, rail: RailRecord, overlap: timedelta) -> None:
    with tenant_work(workspace), pytest.raises(OverlapOutOfRange):
        rotate_rail_secret(rail_id=rail.id, actor=ADMIN, now=NOW, overlap=overlap)
    assert rotations(workspace) == []


@pytest.mark.parametrize("secret", ["", "hunter2-hunter2", "whsec_!!!!", "whsec_c2hvcnQ=", "whpk_" + "A" * 43])
def test_a_secret_that_does_not_fit_is_refused_untold(workspace: TenantRef, rail: RailRecord, secret: str) -> None:
    with tenant_work(workspace), pytest.raises(UnusableRailSecret) as refused:
        rotate_rail_secret(rail_id=rail.id, actor=ADMIN, now=NOW, secret=secret)
    assert not secret or secret not in refused.value.detail


def test_a_rail_of_another_workspace_is_unknown(other_workspace: TenantRef, rail: RailRecord) -> None:
    for rail_id in (rail.id, new_id("rail"), "nonsense"):
        with tenant_work(other_workspace), pytest.raises(RailUnknown):
            rotate_rail_secret(rail_id=rail_id, actor=ADMIN, now=NOW)


def test_two_who_rotate_at_once_come_one_after_the_other(workspace: TenantRef, rail: RailRecord) -> None:
    start, made = threading.Barrier(2), []

    def rotate() -> None:
        start.wait()
        with tenant_work(workspace):
            made.append(rotate_rail_secret(rail_id=rail.id, actor=ADMIN, now=NOW).secret)
        connection.close()

    threads = [threading.Thread(target=rotate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with tenant_work(workspace):
        secrets = queries.list_rail_secrets(rail_id=rail.id, now=NOW)
        assert sorted(valid(rail, NOW)) == sorted([*made, SECRET])
    assert [each.is_current for each in secrets] == [True, False, False]


def test_the_database_itself_holds_one_current_secret(workspace: TenantRef, rail: RailRecord) -> None:
    with pytest.raises(IntegrityError, match="routing_rail_secret_one_current"), tenant_work(workspace):
        add_secret(rail_id=rail.id, secret=SECRET, now=NOW)


# -- Schemes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", SCHEME_NAMES)
def test_a_simulated_rail_takes_every_scheme_with_a_secret_for_it(
    workspace: TenantRef, rail: RailRecord, scheme: str
) -> None:
    with tenant_work(workspace):
        changed = set_callback_scheme(rail_id=rail.id, scheme=scheme, actor=ADMIN, now=NOW)
        keys = queries.callback_keys(rail_id=rail.id, now=NOW)
        again = set_callback_scheme(rail_id=rail.id, scheme=scheme, actor=ADMIN, now=NOW)
        rotated = rotate_rail_secret(rail_id=rail.id, actor=ADMIN, now=NOW)
        [registration] = queries.list_registrations(callback_base_url="http://localhost")

    assert keys.scheme == changed.scheme == registration.scheme
    # A whsec_ text can be the key of an HMAC as it stands; of Ed25519 it cannot.
    assert (changed.secret is not None) == (scheme == "ed25519")
    assert list(keys.secrets) == [changed.secret or SECRET]
    assert (again.scheme, again.secret) == (changed.scheme, None)
    assert registration.secret == rotated.secret


def test_settings_name_headers_in_lower_case(workspace: TenantRef, rail: RailRecord) -> None:
    with tenant_work(workspace):
        set_callback_scheme(
            rail_id=rail.id, scheme="hmac_hex", settings={"header": "X-Hub-Signature-256"}, actor=ADMIN, now=NOW
        )
        found = queries.get_callback_scheme(rail_id=rail.id)

    assert found.settings == {"header": "x-hub-signature-256", "timestamp_header": ""}
    assert rotations(workspace)[0]["data"]["scheme"] == "hmac_hex"  # type: ignore[index]


@pytest.mark.parametrize(
    ("scheme", "settings"),
    [
        ("standard_webhooks", {"header": "x-signature"}),
        ("stripe", {"header": ""}),
        ("stripe", {"header": "Authorization"}),
        ("hmac_hex", {"header": "x signature"}),
        ("hmac_hex", {"header": "x-a", "timestamp_header": "X-A"}),
        ("ed25519", {"timestamp_header": ""}),
        ("ed25519", {"header": "x\r\nset-cookie"}),
    ],
)
def test_settings_that_cannot_be_headers_are_refused(
    workspace: TenantRef, rail: RailRecord, scheme: str, settings: dict[str, str]
) -> None:
    with tenant_work(workspace), pytest.raises(BadSchemeSettings):
        set_callback_scheme(rail_id=rail.id, scheme=scheme, settings=settings, actor=ADMIN, now=NOW)
    with tenant_work(workspace):
        assert queries.get_callback_scheme(rail_id=rail.id).name == "standard_webhooks"


def test_an_unknown_scheme_is_refused(workspace: TenantRef, rail: RailRecord) -> None:
    with tenant_work(workspace), pytest.raises(UnknownCallbackScheme):
        set_callback_scheme(rail_id=rail.id, scheme="md5", actor=ADMIN, now=NOW)


def test_with_ed25519_only_the_provider_can_make_the_key(workspace: TenantRef, foreign_rail: RailRecord) -> None:
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    with tenant_work(workspace):
        with pytest.raises(RailSecretNeeded):
            set_callback_scheme(rail_id=foreign_rail.id, scheme="ed25519", actor=ADMIN, now=NOW)
        set_callback_scheme(rail_id=foreign_rail.id, scheme="ed25519", secret=public, actor=ADMIN, now=NOW)
        assert valid(foreign_rail, NOW) == [public]
        with pytest.raises(RailSecretNeeded):
            rotate_rail_secret(rail_id=foreign_rail.id, actor=ADMIN, now=NOW)


@pytest.mark.parametrize("scheme", ["hmac_hex", "stripe"])
@pytest.mark.parametrize("public", ["whpk_" + base64.b64encode(PUBLIC).decode(), PUBLIC.hex()])
def test_a_public_key_never_becomes_the_secret_of_an_hmac(
    workspace: TenantRef, foreign_rail: RailRecord, public: str, scheme: str
) -> None:
    with tenant_work(workspace):
        changed = set_callback_scheme(rail_id=foreign_rail.id, scheme="ed25519", secret=public, actor=ADMIN, now=NOW)
        assert valid(foreign_rail, NOW) == [public]
        assert changed.secret == public

        made = set_callback_scheme(rail_id=foreign_rail.id, scheme=scheme, actor=ADMIN, now=NOW).secret

        assert made not in {None, public}
        assert valid(foreign_rail, NOW) == [made]


def test_an_ed25519_key_is_refused_as_the_secret_of_an_hmac(workspace: TenantRef, foreign_rail: RailRecord) -> None:
    with tenant_work(workspace), pytest.raises(UnusableRailSecret):
        set_callback_scheme(
            rail_id=foreign_rail.id,
            scheme="hmac_hex",
            secret="whpk_" + base64.b64encode(PUBLIC).decode(),
            actor=ADMIN,
            now=NOW,
        )
