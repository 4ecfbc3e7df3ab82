"""Hostile cases behind the doors: work, memories, connections, threads, tokens. The numbers are those of
docs/isolation.md."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError, ProgrammingError, connection
from django.test import Client

from ledger.queries import find_account
from tests.isolation.credentials import Mint, client, key
from tests.isolation.hostile import INTENT, Scene, denied, make_scene
from tests.isolation.rows import changed, fingerprints
from tests.people import join
from zentra.core import clock, ids, tenancy
from zentra.core.db.hot import execute_hot
from zentra.core.queue import WorkItem, registry
from zentra.core.tenancy import NoTenant, TenantError, TenantRef, WrongSchema, current_tenant, in_tenant, tenant_work
from zentra.runtime.queries import find_intent
from zentra.tenants.models import ApiCredential
from zentra.tenants.operations import InvalidSlug, create_workspace, schema_name
from zentra.tenants.permissions import API_SCOPES, END_USER_SCOPES
from zentra.tenants.queries import platform_ref

pytestmark = pytest.mark.usefixtures("unbounded", "database")
COUNT = "SELECT count(*) FROM runtime_intent"


@pytest.fixture(scope="module")
def scene(grounds: tuple[TenantRef, TenantRef]) -> Scene:
    return make_scene(*grounds)


@pytest.fixture(scope="module")
def mint(grounds: tuple[TenantRef, TenantRef]) -> Iterator[Mint]:
    made = Mint()
    yield made
    made.end()


@pytest.fixture(autouse=True)
def nothing_of_theirs_changes(scene: Scene) -> Iterator[None]:
    before = fingerprints([scene.theirs])
    yield
    after = fingerprints([scene.theirs])
    assert [name for name in changed(before, after) if name.startswith(scene.theirs.schema)] == []


def count() -> int:
    with connection.cursor() as cursor:
        cursor.execute(COUNT)
        return int(cursor.fetchone()[0])


def search_path() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        return str(cursor.fetchone()[0])


# -- Work, keys and memories -------------------------------------------------------------------------------------------


def test_25_work_whose_arguments_name_another_workspace_s(scene: Scene) -> None:
    for kind in ("runtime.route", "runtime.close", "webhooks.check_stream"):
        handler = registry.handler_of(kind)
        assert handler is not None
        handler(WorkItem(ids.new_uuid(), scene.ours.id, kind, INTENT, clock.now(), 1, ids.new_uuid()), scene.ours)
        found = denied(scene.ours)[-1]
        assert (found.action, found.reason, found.surface) == (kind, "not here", "task")
    # An item that says two workspaces at once does what its own one says, and nothing in the other.
    with tenant_work(scene.theirs):
        assert find_intent(intent_id=INTENT) is not None


def test_26_the_idempotency_key_of_another_workspace(scene: Scene) -> None:
    body = {"debit": "customer_balance", "credit": "reserved_balance", "amount_minor": 7, "idempotency_key": "shared"}
    first = scene.api("POST", "/ledger-entries", body=body)
    repeated = scene.api("POST", "/ledger-entries", body=body)
    assert (first.status_code, repeated.headers.get("Idempotent-Replayed")) == (201, "true")
    # Only shown, not done: the other workspace stays as it is. Nothing of ours comes back to it.
    theirs = scene.api("POST", "/ledger-entries?dry_run=true", body=body, token=scene.their_token)
    assert "Idempotent-Replayed" not in theirs.headers
    assert first.json()["id"] not in theirs.content.decode()


def test_27_what_a_process_remembers_is_one_workspace_s(scene: Scene) -> None:
    from zentra.tenants.configuration.queries import forget_settings, settings_at_hand
    from zentra.tenants.models import Workspace

    Workspace.objects.filter(id=scene.ours.id).update(settings={"denial_burst": 7})
    for ws in (scene.ours, scene.theirs):
        forget_settings(workspace_id=ws.id)
    assert settings_at_hand(workspace_id=scene.ours.id).denial_burst == 7
    assert settings_at_hand(workspace_id=scene.theirs.id).denial_burst == 20
    accounts = []
    for ws in (scene.ours, scene.theirs):
        with tenant_work(ws):
            accounts.append(find_account(ref="customer_balance", currency="USD"))
    assert accounts[0] is not None
    assert accounts[1] is not None
    assert accounts[0].id != accounts[1].id
    assert tenancy.resolve(scene.ours.id) == scene.ours


def test_28_slugs_that_would_share_or_leave_a_schema(scene: Scene) -> None:
    for slug in ("a_b", "A-b", "a--b", "-a", "a-", "1a", "", "a" * 41, 'a"b', "a;drop schema public", "ａ", "pg_x",
                 "a.b", "platform", "ws_a", "a b", "a\n", "a%00"):  # fmt: skip
        with pytest.raises(InvalidSlug):
            create_workspace(slug=slug, name="x", mode="sandbox", now=clock.now())
    names = [schema_name(slug) for slug in ("public", "pg-catalog", "template", "information-schema", "a-b", "ab")]
    assert len(set(names)) == len(names)
    assert all(name.startswith("ws_") for name in names)


# -- Connections -------------------------------------------------------------------------------------------------------


def test_29_a_connection_after_an_error_of_another_workspace_s_work(scene: Scene) -> None:
    for wrong in ("SELECT * FROM there_is_no_such_table", "SELECT 1/0", "INSERT INTO runtime_intent DEFAULT VALUES"):
        with pytest.raises(DatabaseError), tenant_work(scene.theirs), connection.cursor() as cursor:
            cursor.execute(wrong)
        assert not in_tenant()
        assert scene.theirs.schema not in search_path()
        with pytest.raises(ProgrammingError):
            count()
        with tenant_work(scene.ours):
            assert find_intent(intent_id=INTENT) is None


def test_30_a_connection_that_rests_between_two_requests(scene: Scene) -> None:
    assert scene.api("GET", f"/runtime/intents/{INTENT}", token=scene.their_token).status_code == 200
    assert scene.theirs.schema not in search_path()
    assert scene.api("GET", f"/runtime/intents/{INTENT}").status_code == 404
    assert scene.api("GET", f"/runtime/intents/{INTENT}", token=scene.their_token).status_code == 200


def test_31_statements_that_were_prepared_in_another_workspace(scene: Scene) -> None:
    for _ in range(3):  # more often than psycopg waits before it prepares
        for ws, due in ((scene.theirs, 1), (scene.ours, 0)):
            for _again in range(4):
                with tenant_work(ws):
                    assert execute_hot(f"{COUNT} WHERE intent_id = %s", [INTENT]).fetchone() == (due,)
                    with connection.cursor() as cursor:
                        cursor.execute(f"{COUNT} WHERE intent_id = %s", [INTENT])
                        assert cursor.fetchone() == (due,)


def test_32_a_backend_that_is_killed_in_the_middle_of_work(scene: Scene) -> None:
    def work() -> None:
        with tenant_work(scene.theirs), connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
            with psycopg.connect(os.environ["ZENTRA_DATABASE_URL"], autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", [pid])
            cursor.execute(COUNT)

    with pytest.raises(DatabaseError):
        work()
    connection.close()
    assert not in_tenant()
    with pytest.raises(ProgrammingError):
        count()
    connection.close()
    with tenant_work(scene.ours):
        assert find_intent(intent_id=INTENT) is None


def test_33_work_in_one_workspace_that_enters_another(scene: Scene) -> None:
    with tenant_work(scene.ours):
        with pytest.raises(TenantError), tenant_work(scene.theirs):
            pass
        assert current_tenant() == scene.ours
        assert find_intent(intent_id=INTENT) is None
    for schema in (
        "public",
        "pg_catalog",
        "ws_nobody_s",
        f'{scene.theirs.schema}" , public --',
        scene.theirs.schema.upper(),
    ):
        forged = TenantRef(ids.new_uuid(), "forged", schema, "sandbox")
        if schema in ("public", "pg_catalog"):
            # They exist and hold nothing of a tenant.
            with pytest.raises(DatabaseError), tenant_work(forged):
                count()
            continue
        with pytest.raises((WrongSchema, DatabaseError)), tenant_work(forged):
            count()


# -- Threads and loops -------------------------------------------------------------------------------------------------


def test_34_a_thread_that_takes_the_context_along(scene: Scene) -> None:
    said: list[Any] = []

    def elsewhere() -> None:
        said.append(in_tenant())
        try:
            current_tenant()
        except NoTenant:
            said.append("no tenant")
        try:
            count()
        except ProgrammingError:
            said.append("no table")
        finally:
            connection.close()

    with tenant_work(scene.theirs):
        context = contextvars.copy_context()
        thread = threading.Thread(target=lambda: context.run(elsewhere))
        thread.start()
        thread.join(10)
    assert said == [False, "no tenant", "no table"]


async def test_35_a_loop_that_serves_two_workspaces_at_once(scene: Scene) -> None:
    def look(ws: TenantRef) -> bool:
        try:
            with tenant_work(ws):
                return find_intent(intent_id=INTENT) is not None
        finally:
            connection.close()

    hop = sync_to_async(look, thread_sensitive=False)
    found = await asyncio.gather(*(hop(ws) for _ in range(8) for ws in (scene.ours, scene.theirs)))
    assert found == [False, True] * 8
    assert await sync_to_async(in_tenant)() is False
    assert await asyncio.to_thread(in_tenant) is False


# -- Tokens ------------------------------------------------------------------------------------------------------------


def refused(scene: Scene, token: str, code: str) -> None:
    answer = scene.api("GET", "/accounts", token=token)
    assert (answer.status_code, answer.json()["code"]) == (401, code)


def test_36_a_token_that_claims_another_workspace(scene: Scene, mint: Mint) -> None:
    ours, theirs = client(scene.ours, API_SCOPES), client(scene.theirs, API_SCOPES)
    before = len(denied(platform_ref(), reason="credential_unknown"))
    forged = [
        mint.access(scene.ours, ours, API_SCOPES, workspace=ids.to_public("ws", scene.theirs.id)),
        mint.access(scene.ours, theirs, API_SCOPES),
        mint.access(scene.theirs, ours, API_SCOPES),
        mint.access(scene.ours, ours, API_SCOPES, workspace=scene.theirs.slug),
    ]
    for token in forged:
        refused(scene, token, "credential_unknown")
    assert len(denied(platform_ref(), reason="credential_unknown")) == before + len(forged)
    good = mint.access(scene.ours, ours, API_SCOPES)
    assert scene.api("GET", "/accounts", token=good).status_code == 200
    named = scene.api("GET", "/accounts", token=good, **{"Zentra-Workspace": scene.theirs.slug})
    assert named.json()["code"] == "scope_mismatch"
    assert denied(scene.theirs, actor=ours)[-1].reason == "scope_mismatch"


def test_37_an_end_user_s_token_for_an_account_of_another_workspace(scene: Scene, mint: Mint) -> None:
    holder, _ = key(scene.ours, API_SCOPES)
    token = mint.end_user(scene.ours, holder, END_USER_SCOPES, accounts=[scene.account])
    for path in (f"/accounts/{scene.account}", f"/accounts/{scene.account}/statement", f"/runtime/intents/{INTENT}"):
        answer = scene.api("GET", path, token=token)
        assert answer.status_code in (403, 404), path
        assert "balance" not in answer.content.decode()
    assert scene.account not in scene.api("GET", "/accounts", token=token).content.decode()
    assert scene.api("GET", "/ledger-entries", token=token).json()["code"] == "permission_denied"
    eut = [each for each in denied(scene.ours) if each.actor.startswith("eut_")]
    assert eut[-1].reason == "permission_denied"
    # Made by a key of the other workspace: then it is that one's, and says so.
    forged = mint.end_user(scene.ours, scene.their_key_id, END_USER_SCOPES)
    refused(scene, forged, "credential_unknown")


def test_38_a_key_that_ended_while_it_was_used(scene: Scene) -> None:
    key_id, token = key(scene.ours, API_SCOPES)
    assert scene.api("GET", "/accounts", token=token).status_code == 200
    ApiCredential.objects.filter(id=key_id).update(revoked_at=clock.now())
    refused(scene, token, "credential_revoked")
    assert [each.reason for each in denied(scene.ours, actor=key_id)] == ["credential_revoked"]


def test_39_the_secret_of_one_key_under_the_id_of_another_workspace_s(scene: Scene) -> None:
    mode, own_id, secret = scene.token.removeprefix("zk_").split("_", 2)
    their_id = scene.their_token.removeprefix("zk_").split("_", 2)[1]
    assert own_id != their_id
    before = len(denied(platform_ref(), reason="credential_unknown"))
    refused(scene, f"zk_{mode}_{their_id}_{secret}", "credential_unknown")
    assert len(denied(platform_ref(), reason="credential_unknown")) == before + 1
    assert denied(scene.theirs, reason="credential_unknown") == []


def test_40_cookies_that_say_more_than_a_session(scene: Scene) -> None:
    person = join(scene.ours, role="auditor")
    browser = person.sign_in(Client())
    for name in ("workspace", "tenant", "slug", "last_workspace", "role", "zentra_workspace"):
        browser.cookies[name] = scene.theirs.slug
    answer = browser.get("/", follow=True)
    assert answer.request["PATH_INFO"] == f"/w/{scene.ours.slug}/"
    assert browser.get(f"/w/{scene.theirs.slug}/").status_code == 404
    assert denied(scene.theirs, actor=person.id)[-1].reason == "no membership"
    browser.cookies[settings.SESSION_COOKIE_NAME] = "0" * 32
    assert browser.get(f"/w/{scene.ours.slug}/").status_code == 302
