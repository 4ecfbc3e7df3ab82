"""Hostile cases at the doors: each is refused, tells nothing of the other workspace, and is recorded. The numbers are
those of docs/isolation.md."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.test import Client

import console.doors
from tests.isolation.hostile import INTENT, Scene, denied, make_scene, recorded_in
from tests.isolation.rows import changed, fingerprints
from tests.people import join
from zentra.api import pagination
from zentra.asgi import application
from zentra.core import ids
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.runtime.queries import find_intent
from zentra.tenants.denials import operations as denials
from zentra.tenants.models import Membership, Workspace
from zentra.tenants.queries import find_membership, platform_ref

pytestmark = pytest.mark.usefixtures("unbounded", "database")


@pytest.fixture(scope="module")
def scene(grounds: tuple[TenantRef, TenantRef]) -> Scene:
    return make_scene(*grounds)


@pytest.fixture(autouse=True)
def nothing_of_theirs_changes(scene: Scene) -> Iterator[None]:
    """No case changes a row of the other workspace but the log of what was tried."""
    denials._misses.clear()
    before = fingerprints([scene.theirs])
    yield
    after = fingerprints([scene.theirs])
    assert [name for name in changed(before, after) if name.startswith(scene.theirs.schema)] == []


def tells_nothing(scene: Scene, answer: Any) -> None:
    text = answer.content.decode()
    assert [each for each in (INTENT, scene.account, scene.export, scene.victim.email) if each in text] == []


def both(scene: Scene, actor: str, reason: str, count: int = 1) -> None:
    """The last so many denials of an actor stand in both logs."""
    there, here = denied(scene.theirs, actor=actor, reason=reason), denied(scene.ours, actor=actor, reason=reason)
    assert [each.side for each in there[-count:]] == ["target"] * count
    assert [each.side for each in here[-count:]] == ["actor"] * count


def raw(method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> tuple[int, bytes]:
    """A request as it comes over the wire, with headers that a client of ours would not send."""
    scope = {
        "type": "http", "http_version": "1.1", "asgi": {"version": "3.0"}, "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "client": ("127.0.0.1", 1),
        "server": ("localhost", 80), "headers": [(b"host", b"localhost"), *headers],
    }  # fmt: skip

    async def talk() -> tuple[int, bytes]:
        wire: Any = ApplicationCommunicator(application, scope)  # type: ignore[no-untyped-call]
        await wire.send_input({"type": "http.request", "body": body})
        start, content, is_more = await wire.receive_output(10), b"", True
        while is_more:
            part = await wire.receive_output(10)
            content, is_more = content + part.get("body", b""), part.get("more_body", False)
        return int(start["status"]), content

    return asyncio.run(talk())


# -- Headers, bodies, hosts --------------------------------------------------------------------------------------------


def test_01_a_header_that_names_another_workspace(scene: Scene) -> None:
    for name in (scene.theirs.slug, str(scene.theirs.id), ids.to_public("ws", scene.theirs.id)):
        answer = scene.api("GET", "/accounts", **{"Zentra-Workspace": name})
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_mismatch")
        tells_nothing(scene, answer)
    both(scene, scene.key_id, "scope_mismatch", 3)


def test_02_a_body_that_names_another_workspace(scene: Scene) -> None:
    answer = scene.api("POST", "/runtime/intents", body={"intent_id": "mine", "scope": scene.theirs.slug})
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_mismatch")
    both(scene, scene.key_id, "scope_mismatch")
    assert denied(scene.theirs, actor=scene.key_id)[-1].action == "POST /v1/runtime/intents"


def test_03_the_workspace_s_header_twice(scene: Scene) -> None:
    own, other = scene.ours.slug.encode(), scene.theirs.slug.encode()
    bearer = (b"authorization", f"Bearer {scene.token}".encode())
    before = len(denied(scene.ours, actor=scene.key_id, reason="scope_mismatch"))
    for first, second in ((own, other), (other, own)):
        headers = [bearer, (b"zentra-workspace", first), (b"zentra-workspace", second)]
        status, body = raw("GET", "/v1/accounts", headers)
        assert (status, json.loads(body)["code"]) == (403, "scope_mismatch")
    assert len(denied(scene.ours, actor=scene.key_id, reason="scope_mismatch")) == before + 2


def test_04_two_credentials_at_once(scene: Scene) -> None:
    before = len(denied(platform_ref(), reason="credential_malformed"))
    for tokens in ((scene.token, scene.their_token), (scene.their_token, scene.token)):
        status, body = raw("GET", "/v1/accounts", [(b"authorization", f"Bearer {each}".encode()) for each in tokens])
        assert (status, json.loads(body)["code"]) == (401, "credential_malformed")
    assert len(denied(platform_ref(), reason="credential_malformed")) == before + 2


def test_05_a_body_that_names_two_workspaces(scene: Scene) -> None:
    said = f'{{"intent_id": "twice", "scope": "{scene.ours.slug}", "scope": "{scene.theirs.slug}"}}'.encode()
    answer = scene.api("POST", "/runtime/intents", body=said)
    assert answer.status_code in (400, 422)
    assert recorded_in(scene.ours, "ingress.refused")[-1]["actor"]["id"] == scene.key_id
    for ws in (scene.ours, scene.theirs):
        with tenant_work(ws):
            assert find_intent(intent_id="twice") is None


def test_06_another_host_says_nothing_about_the_workspace(scene: Scene) -> None:
    own = scene.api("GET", "/accounts?limit=1").json()
    for name in ("X-Forwarded-Host", "X-Original-Host", "Forwarded", "X-Host", "X-Tenant", "X-Workspace"):
        answer = scene.api("GET", "/accounts?limit=1", **{name: f"{scene.theirs.slug}.example.com"})
        assert answer.json() == own
    refused = Client().get(f"/w/{scene.theirs.slug}/", headers={"host": f"{scene.theirs.slug}.example.com"})
    assert refused.status_code == 400


def test_07_a_root_path_of_the_client_s_choosing(scene: Scene) -> None:
    cookie = scene.browser.cookies.output(attrs=[], header="", sep="").strip().encode()
    before = len(denied(scene.theirs, actor=scene.person.id))
    for header in (b"daphne-root-path", b"script-name", b"x-script-name", b"x-forwarded-prefix", b"x-original-url",
                   b"x-rewrite-url"):  # fmt: skip
        status, body = raw("GET", f"/w/{scene.ours.slug}/accounts/", [
            (b"cookie", cookie), (header, f"/w/{scene.theirs.slug}".encode()),
        ])  # fmt: skip
        assert status == 200
        assert scene.theirs.slug.encode() not in body
    status, _ = raw("GET", f"/w/{scene.theirs.slug}/accounts/", [
        (b"cookie", cookie), (b"daphne-root-path", f"/w/{scene.theirs.slug}".encode()),
    ])  # fmt: skip
    assert status == 404
    assert len(denied(scene.theirs, actor=scene.person.id)) == before + 1


def test_08_a_method_that_is_said_to_be_another(scene: Scene) -> None:
    where = f"/w/{scene.theirs.slug}/accounts/{scene.account}/freeze/"
    for headers in ({"X-HTTP-Method-Override": "POST"}, {"X-HTTP-Method": "POST"}, {"X-Method-Override": "POST"}):
        assert scene.browser.get(where, headers=headers).status_code == 405
    assert scene.browser.post(where + "?_method=GET", {"_method": "GET"}).status_code == 404
    assert denied(scene.theirs, actor=scene.person.id)[-1].action == "accounts.freeze"


# -- Paths and names ---------------------------------------------------------------------------------------------------


def test_09_the_path_of_another_workspace(scene: Scene) -> None:
    browser = scene.browser
    paths = ("", "accounts/", f"intents/{INTENT}/", f"accounts/{scene.account}/", "events/", "people/", "access/",
             "settings/")  # fmt: skip
    for path in paths:
        answer = browser.get(f"/w/{scene.theirs.slug}/{path}", headers={"HX-Request": "true"})
        assert answer.status_code == 404, path
        tells_nothing(scene, answer)
    both(scene, scene.person.id, "no membership", len(paths))


def test_10_the_id_of_another_workspace_in_the_place_of_its_name(scene: Scene) -> None:
    for name in (ids.to_public("ws", scene.theirs.id), str(scene.theirs.id)):
        assert scene.browser.get(f"/w/{name}/accounts/").status_code == 404
        assert denied(scene.theirs, actor=scene.person.id)[-1].side == "target"
        # Our own log repeats what was typed, and not what it is called.
        assert denied(scene.ours, actor=scene.person.id)[-1].data["workspace"] == name


def test_11_names_that_would_be_another_schema(scene: Scene) -> None:
    browser = scene.browser
    spelled = scene.theirs.slug.replace("-", "_")
    names = ("public", "pg_catalog", "pg_toast", "information_schema", "platform", "tenant_template", "template",
             spelled, scene.theirs.slug.upper(), scene.theirs.schema, f"{scene.ours.slug}-", "ws")  # fmt: skip
    for name in names:
        assert browser.get(f"/w/{name}/accounts/").status_code == 404, name
    here = denied(scene.ours, actor=scene.person.id)[-len(names) :]
    assert [each.data["workspace"] for each in here] == list(names)


def test_12_names_that_are_statements(scene: Scene) -> None:
    browser, path = scene.browser, f"/w/{scene.ours.slug}/accounts/"
    assert browser.get(path).status_code == 200
    for name in (f'{scene.theirs.slug}"', f"{scene.theirs.slug}';--", f'x"."{scene.theirs.schema}', "ｔ－a", "%00",
                 "..", f"{scene.ours.slug}%2f..%2f{scene.theirs.slug}", f"{scene.theirs.slug};x"):  # fmt: skip
        answer = browser.get(f"/w/{name}/accounts/")
        assert answer.status_code in (301, 400, 404), name
        tells_nothing(scene, answer)
        said = scene.api("GET", "/accounts", **{"Zentra-Workspace": name.encode("ascii", "ignore").decode()})
        assert said.json()["code"] == "scope_mismatch"
    kept = {each.data["workspace"] for each in denied(scene.ours, actor=scene.key_id, reason="scope_mismatch")}
    assert not [name for name in kept if name and ("'" in name or '"' in name or ";" in name)]


def test_13_the_platform_s_own_place_under_a_tenant_s_address(scene: Scene) -> None:
    staff = join(platform_ref(), role="platform_admin")
    browser = staff.sign_in(Client())
    for path in ("", "accounts/", "people/", "access/", "settings/", "events/"):
        assert browser.get(f"/w/platform/{path}").status_code in (403, 404), path
    assert browser.get(f"/w/{scene.theirs.slug}/").status_code == 404
    assert denied(platform_ref(), actor=staff.id)
    assert denied(scene.theirs, actor=staff.id)[-1].reason == "no membership"
    assert scene.browser.get("/platform/workspaces/").status_code == 404
    assert denied(platform_ref(), actor=scene.person.id)[-1].action == "workspaces.read"


# -- Ids, lists and links ----------------------------------------------------------------------------------------------


def test_14_guessed_ids_of_another_workspace(scene: Scene) -> None:
    browser, slug = scene.browser, scene.ours.slug
    asked = [scene.api("GET", f"/accounts/{scene.account}"), scene.api("GET", f"/runtime/intents/{INTENT}"),
             scene.api("GET", f"/runtime/intents/{INTENT}/timeline"), scene.api("GET", f"/audit-packets/{INTENT}"),
             browser.get(f"/w/{slug}/accounts/{scene.account}/"), browser.get(f"/w/{slug}/intents/{INTENT}/"),
             browser.get(f"/w/{slug}/intents/{INTENT}/packet/")]  # fmt: skip
    assert [answer.status_code for answer in asked] == [404] * len(asked)
    for _ in range(denials.MISSES):
        assert scene.api("GET", f"/accounts/{ids.new_id('acct')}").status_code == 404
    last = denied(scene.ours, actor=scene.key_id)[-1]
    assert (last.reason, last.data["misses"]) == ("guessing", denials.MISSES)
    # Whether an id is another's is not looked up anywhere, so nothing of it stands there.
    assert denied(scene.theirs, reason="guessing") == []


def test_15_a_cursor_of_another_workspace(scene: Scene) -> None:
    cursor = scene.api("GET", "/accounts?limit=1", token=scene.their_token).json()["next_cursor"]
    answer = scene.api("GET", f"/accounts?cursor={cursor}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")
    tells_nothing(scene, answer)
    both(scene, scene.key_id, "foreign cursor")

    forged = pagination.write_cursor((_moment(), "x"), listing="accounts", workspace_id=scene.theirs.id)
    owner = ids.to_public("ws", scene.ours.id).removeprefix("ws_")
    claimed = f"{owner}.{forged.partition('.')[2]}"
    assert scene.api("GET", f"/accounts?cursor={claimed}").json()["code"] == "bad_cursor"


def test_16_a_saved_view_of_another_workspace(scene: Scene) -> None:
    browser = scene.browser
    assert browser.post(f"/w/{scene.theirs.slug}/reviews/views/{scene.view}/remove/").status_code == 404
    assert denied(scene.theirs, actor=scene.person.id)[-1].action == "reviews.read"
    answer = browser.post(f"/w/{scene.ours.slug}/reviews/views/{scene.view}/remove/", {"idempotency_key": "k16"})
    assert answer.status_code in (302, 404)
    with tenant_work(scene.theirs):
        from policy.reviews.queries import saved_views

        assert [str(view.id) for view in saved_views(user_id=scene.victim.id, room="reviews")] == [scene.view]


def test_17_the_link_of_an_export_of_another_workspace(scene: Scene) -> None:
    browser = scene.browser
    assert browser.get(f"/w/{scene.theirs.slug}/ledger/exports/{scene.export}/file/").status_code == 404
    both(scene, scene.person.id, "no membership")
    for answer in (browser.get(f"/w/{scene.ours.slug}/ledger/exports/{scene.export}/file/"),
                   scene.api("GET", f"/ledger-exports/{scene.export}"),
                   scene.api("GET", f"/ledger-exports/{scene.export}/file")):  # fmt: skip
        assert answer.status_code == 404
        assert scene.theirs.slug not in answer.content.decode()


def test_18_search_finds_nothing_of_another_workspace(scene: Scene) -> None:
    browser = scene.browser
    for query in (INTENT, INTENT[:12], scene.account, scene.export):
        for path in (f"find/?q={query}", f"events/?q={query}", f"accounts/?q={query}", f"intents/?q={query}"):
            answer = browser.get(f"/w/{scene.ours.slug}/{path}")
            assert answer.status_code == 200, path
            assert f'/intents/{INTENT}/"' not in answer.content.decode()
            assert f'/accounts/{scene.account}/"' not in answer.content.decode()
    for _ in range(denials.MISSES):
        browser.get(f"/w/{scene.ours.slug}/find/?q={ids.new_id('acct')}", headers={"HX-Request": "true"})
    assert denied(scene.ours, actor=scene.person.id)[-1].reason == "guessing"


def test_19_the_command_palette_of_another_workspace(scene: Scene) -> None:
    answer = scene.browser.get(f"/w/{scene.theirs.slug}/find/?q={INTENT}", headers={"HX-Request": "true"})
    assert answer.status_code == 404
    tells_nothing(scene, answer)
    both(scene, scene.person.id, "no membership")


# -- Sessions and roles ------------------------------------------------------------------------------------------------


def test_20_the_session_of_another_workspace_s_admin(scene: Scene) -> None:
    admin = join(scene.ours, role="admin")
    browser = admin.sign_in_with_code(Client())
    posts = {f"accounts/{scene.account}/freeze/": {"reason": "x"}, f"people/{scene.victim.id}/remove/": {},
             "outgoing/switch/": {"action": "pause", "reason": "x"}, "settings/": {}}  # fmt: skip
    for path, form in posts.items():
        answer = browser.post(f"/w/{scene.theirs.slug}/{path}", {**form, "idempotency_key": path})
        assert answer.status_code in (404, 405), path
    assert len(denied(scene.theirs, actor=admin.id, reason="no membership")) >= 3
    # The victim is no person of ours, whatever address names them.
    answer = browser.post(f"/w/{scene.ours.slug}/people/{scene.victim.id}/remove/", {"idempotency_key": "k20"})
    assert answer.status_code in (302, 404)
    assert Membership.objects.filter(user=scene.victim.user, workspace_id=scene.theirs.id).exists()


def test_21_a_session_after_the_person_was_removed(scene: Scene) -> None:
    person = join(scene.ours, role="auditor")
    browser = person.sign_in(Client())
    assert browser.get(f"/w/{scene.ours.slug}/accounts/").status_code == 200
    Membership.objects.filter(user=person.user).delete()

    assert browser.get(f"/w/{scene.ours.slug}/accounts/").status_code == 404
    [found] = denied(scene.ours, actor=person.id)
    assert (found.reason, found.side) == ("no membership", "target")


def test_22_a_role_that_is_taken_away_while_the_form_is_on_its_way(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = join(scene.ours, role="admin")
    browser = person.sign_in_with_code(Client())
    found = find_membership

    def then_removed(**asked: Any) -> Any:
        member = found(**asked)
        Membership.objects.filter(user=person.user).update(role="viewer")
        return member

    monkeypatch.setattr(console.doors, "find_membership", then_removed)
    answer = browser.post(f"/w/{scene.ours.slug}/outgoing/switch/",
                          {"action": "pause", "reason": "late", "idempotency_key": "k22"})  # fmt: skip
    assert answer.status_code == 404
    assert denied(scene.ours, actor=person.id)[-1].reason == "role"
    assert recorded_in(scene.ours, "outgoing.paused", person.id) == []


def test_23_people_and_keys_of_a_suspended_workspace(make_workspace: Any) -> None:
    from tests.workspaces import issue_token

    ws = make_workspace()
    person, token = join(ws, role="auditor"), issue_token(ws)
    browser = person.sign_in(Client())
    assert browser.get(f"/w/{ws.slug}/accounts/").status_code == 200
    Workspace.objects.filter(id=ws.id).update(state="suspended")

    answer = Client().get("/v1/accounts", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "workspace_suspended")
    shown = browser.get(f"/w/{ws.slug}/accounts/")
    assert shown.status_code in (403, 404)
    assert "customer_balance" not in shown.content.decode()
    assert {each.reason for each in denied(ws)} == {"workspace_suspended", "workspace suspended"}
    stranger = join(make_workspace(), role="auditor")
    assert stranger.sign_in(Client()).get(f"/w/{ws.slug}/accounts/").status_code == 404


# -- What stands between -----------------------------------------------------------------------------------------------


def test_24_nothing_of_a_workspace_is_kept_by_what_stands_between(scene: Scene) -> None:
    browser, theirs = scene.browser, scene.victim.sign_in(Client())
    for path in ("", "accounts/", f"accounts/{scene.account}/", "events/"):
        answer = theirs.get(f"/w/{scene.theirs.slug}/{path}")
        assert answer.status_code == 200
        assert "no-store" in answer.headers["Cache-Control"]
        tags = {"If-None-Match": answer.headers.get("ETag", "*"), "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
        assert browser.get(f"/w/{scene.theirs.slug}/{path}", headers=tags).status_code == 404
    own = scene.api("GET", "/accounts", token=scene.their_token)
    assert "no-store" in own.headers["Cache-Control"]
    answer = scene.api("GET", f"/accounts/{scene.account}", **{"If-None-Match": own.headers.get("ETag", "*")})
    assert answer.status_code == 404
    both(scene, scene.person.id, "no membership", 4)


def _moment() -> Any:
    from zentra.core.clock import now

    return now()
