"""The rooms of roles, teams and access reviews: what is shown, who may act, and what counts at once."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client, RequestFactory

from console import downloads
from console.presenters.roles import TABLE, WORDS
from evidence.queries import latest_events
from tests.people import Person, join
from tests.policy.cases import Cases
from zentra.core.clock import now
from zentra.core.ids import new_uuid
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.access_reviews.queries import list_access_reviews
from zentra.tenants.members.operations import set_roles
from zentra.tenants.permissions import PERMISSIONS, Permission
from zentra.tenants.queries import find_membership
from zentra.tenants.roles.operations import create_role
from zentra.tenants.roles.queries import find_custom_role, list_custom_roles, list_role_changes
from zentra.tenants.teams.queries import list_teams

ROLE = {"key": "shift_lead", "name": "Shift lead", "words": "leads", "permissions": ["webhooks.replay"]}


@pytest.fixture
def boss(workspace: TenantRef) -> Person:
    return join(workspace, role="admin", name="Boss", totp=True)


@pytest.fixture
def second(workspace: TenantRef) -> Person:
    return join(workspace, role="admin", name="Grace", totp=True)


def at(workspace: TenantRef, path: str) -> str:
    return f"/w/{workspace.slug}/{path}"


def signed_in(person: Person) -> Client:
    return person.sign_in_with_code(Client())


def post(client: Client, path: str, **fields: Any) -> Any:
    return client.post(path, {"idempotency_key": str(new_uuid()), **fields}, follow=True)


def text_of(answer: Any) -> str:
    said: str = answer.content.decode()
    return said


def make(workspace: TenantRef, by: Person, key: str = "night", may: tuple[str, ...] = ("webhooks.replay",)) -> None:
    with tenant_work(workspace):
        create_role(workspace=workspace, key=key, name=key.title(), permissions=may, actor=by.actor(), now=now())


def roles_of(workspace: TenantRef, whom: Person) -> tuple[str, ...]:
    found = find_membership(user_id=whom.id, slug=workspace.slug)
    assert found is not None
    return found.roles


def test_every_permission_of_the_table_has_its_words_and_its_line(workspace: TenantRef, boss: Person) -> None:
    assert set(WORDS) == set(TABLE)
    make(workspace, boss)
    page = text_of(signed_in(boss).get(at(workspace, "roles/")))
    assert all(f'data-id="{permission}"' in page for permission in TABLE)
    assert all(f'href="{at(workspace, f"roles/{role}/")}"' in page for role in (*PERMISSIONS, "night"))
    assert page.count('class="has"') == sum(len(may) for may in PERMISSIONS.values()) + 3
    who = text_of(signed_in(boss).get(at(workspace, "roles/?permission=ledger.post")))
    assert 'id="holders"' in who
    assert "Boss" in who.split('id="holders"')[1].split("</section>")[0]


def test_what_a_definition_means_is_said_while_it_is_chosen(workspace: TenantRef, boss: Person, second: Person) -> None:
    client, here = signed_in(boss), at(workspace, "roles/check/")
    assert "Tick what" in text_of(client.get(here))
    fine = text_of(client.get(here, {"permissions": ["webhooks.replay"]}))
    assert "webhooks.read" in fine
    assert "it counts at once" in fine
    wrong = text_of(client.get(here, {"permissions": ["ledger.post", "reviews.decide"]}))
    assert "cannot be saved" in wrong
    assert "Grace has to agree" in wrong
    assert "Tick what" in text_of(client.get(here, {"permissions": ["nonsense", "staff.enter"]}))


def test_a_role_is_made_changed_and_retired_on_its_pages(workspace: TenantRef, boss: Person) -> None:
    client = signed_in(boss)
    refused = post(
        client, at(workspace, "roles/new/save/"), **ROLE | {"permissions": ["ledger.post", "reviews.decide"]}
    )
    assert refused.status_code == 409
    assert 'value="shift_lead"' in text_of(refused)  # what was typed is kept
    assert "These must not meet" in text_of(refused)
    post(client, at(workspace, "roles/new/save/"), **ROLE)
    assert [each.key for each in list_custom_roles(workspace_id=workspace.id)] == ["shift_lead"]
    post(client, at(workspace, "roles/shift_lead/save/"), **ROLE | {"name": "Lead", "version": "1"})
    stale = post(client, at(workspace, "roles/shift_lead/save/"), **ROLE | {"name": "Other", "version": "1"})
    assert stale.status_code == 409
    role = find_custom_role(workspace_id=workspace.id, key="shift_lead")
    assert role is not None
    assert (role.name, role.version) == ("Lead", 2)
    assert "Its story" in text_of(client.get(at(workspace, "roles/shift_lead/")))
    post(client, at(workspace, "roles/shift_lead/retire/"), version="2")
    assert list_custom_roles(workspace_id=workspace.id) == []
    for path, status in (
        ("roles/shift_lead/", 200),
        ("roles/finance/", 200),
        ("roles/nobody/", 404),
        ("roles/new/", 200),
    ):
        assert client.get(at(workspace, path)).status_code == status


def test_a_dangerous_grant_goes_from_one_admins_page_to_the_others(
    workspace: TenantRef, boss: Person, second: Person
) -> None:
    person, ours, theirs = join(workspace, role="viewer", name="Vi"), signed_in(boss), signed_in(second)
    asked = post(ours, at(workspace, f"people/{person.id}/role/"), role="finance", also=["support"], version="1",
                 reason="covers for Fay")  # fmt: skip
    assert "when a second admin agrees" in text_of(asked)
    assert roles_of(workspace, person) == ("viewer",)
    (change,) = list_role_changes(workspace_id=workspace.id, now=now(), pending=True)
    mine = text_of(ours.get(at(workspace, "roles/")))
    assert f"{change.id}/withdraw/" in mine
    assert f"{change.id}/approve/" not in mine
    assert "covers for Fay" in text_of(theirs.get(at(workspace, "roles/")))
    assert f"{change.id}/approve/" in text_of(theirs.get(at(workspace, f"people/{person.id}/")))

    here = f"people/changes/{change.id}/"
    assert "Another admin decides this" in text_of(post(ours, at(workspace, f"{here}approve/")))
    for wrong in (f"roles/changes/{change.id}/approve/", f"{here}nonsense/", "people/changes/rch_x/approve/"):
        post(theirs, at(workspace, wrong))
    assert roles_of(workspace, person) == ("viewer",)
    assert "it counts at once" in text_of(post(theirs, at(workspace, f"{here}approve/"), note="seen"))
    assert roles_of(workspace, person) == ("finance", "support")


def test_who_could_agree_but_has_the_role_is_named_with_what_to_do(
    workspace: TenantRef, boss: Person, second: Person
) -> None:
    make(workspace, boss)
    client, here = signed_in(boss), at(workspace, "roles/night/save/")
    post(client, at(workspace, f"people/{second.id}/role/"), role="admin", also=["night"], version="1")
    wanted = ROLE | {"name": "Night", "permissions": ["holds.manage"], "version": "1"}
    page = text_of(post(client, here, **wanted))
    for said in ("A second admin has to agree", "take it from them first", "Take the role from who could agree"):
        assert said in page, said

    post(client, at(workspace, f"people/{second.id}/role/"), role="admin", version="2")
    assert "It waits for a second admin" in text_of(post(client, here, **wanted))


def test_what_takes_the_second_factor_is_asked_for_it(workspace: TenantRef, boss: Person, second: Person) -> None:
    make(workspace, boss)
    person = join(workspace, role="viewer")
    with tenant_work(workspace):
        change = set_roles(
            workspace=workspace, user_id=person.id, roles=["finance"], version=None, actor=second.actor(), now=now()
        ).change
    assert change is not None
    client = boss.sign_in(Client())
    for path in (
        "roles/new/save/", "roles/night/save/", "roles/night/retire/", f"people/changes/{change.id}/approve/",
        f"roles/changes/{change.id}/approve/", "access-review/arv_x/sign/", "policy/lists/add/",
    ):  # fmt: skip
        answer = post(client, at(workspace, path), **ROLE, version="1")
        assert answer.status_code == 403, path
        assert 'name="step_up_code"' in text_of(answer), path
    assert roles_of(workspace, person) == ("viewer",)


@pytest.mark.parametrize("role", ["operator", "auditor", "viewer"])
def test_who_may_not_is_refused_and_recorded(workspace: TenantRef, boss: Person, role: str) -> None:
    make(workspace, boss)
    client = join(workspace, role=role).sign_in(Client())
    acts = ["roles/new/save/", "roles/night/save/", "roles/changes/rch_x/approve/", "people/changes/rch_x/approve/",
            "teams/add/"]  # fmt: skip
    acts += ["access-review/start/"] if role != "auditor" else []
    for path in acts:
        assert post(client, at(workspace, path)).status_code == 403, path
    assert client.get(at(workspace, "roles/new/")).status_code == 403
    assert client.get(at(workspace, "roles/")).status_code == 200
    assert client.get(at(workspace, "access-review/")).status_code == (200 if role == "auditor" else 403)
    with tenant_work(workspace):
        denied = [each for each in latest_events(limit=60) if each.type == "access.denied"]
    assert len(denied) >= len(acts)
    assert [each.key for each in list_custom_roles(workspace_id=workspace.id)] == ["night"]


def test_who_sees_no_people_sees_no_names_on_the_page_of_roles(workspace: TenantRef, boss: Person) -> None:
    viewer = join(workspace, role="viewer", name="Vi").sign_in(Client())
    page = text_of(viewer.get(at(workspace, "roles/?permission=ledger.post")))
    assert "Boss" not in page
    assert 'id="holders"' not in page


def test_a_permission_that_is_taken_out_of_a_role_refuses_the_next_request(workspace: TenantRef, boss: Person) -> None:
    make(workspace, boss, may=("alarms.read", "accounts.read"))
    theirs = join(workspace, role="night").sign_in(Client())
    assert theirs.get(at(workspace, "accounts/")).status_code == 200
    post(signed_in(boss), at(workspace, "roles/night/save/"), name="Night", permissions=["alarms.read"], version="1")
    assert theirs.get(at(workspace, "accounts/")).status_code == 403
    assert theirs.get(at(workspace, "alarms/")).status_code == 200


def test_teams_are_made_on_their_page_and_narrow_the_queue(
    workspace: TenantRef, boss: Person, operator: Person, operator2: Person
) -> None:
    cases, client = Cases(workspace), signed_in(boss)
    ours, _theirs = cases.hold(), cases.hold()
    post(client, at(workspace, "teams/add/"), name="Days", queue="operations", members=[operator.id])
    (team,) = list_teams(workspace_id=workspace.id)
    assert cases.hold().owner == operator.id
    wrong = post(client, at(workspace, "teams/add/"), name="Days", queue="operations", members=[operator2.id])
    assert wrong.status_code == 409
    assert "There is a team of that name" in text_of(wrong)
    queue = text_of(operator.sign_in(Client()).get(at(workspace, f"reviews/?team={team.id}")))
    assert queue.count('id="row-rev_') == 2
    assert ours.id in queue
    assert text_of(client.get(at(workspace, "reviews/?team=nonsense"))).count('id="row-rev_') == 0
    post(client, at(workspace, f"teams/{team.id}/save/"), name="Nights", queue="operations", version="1",
         members=[operator.id, operator2.id])  # fmt: skip
    assert "Nights" in text_of(client.get(at(workspace, f"teams/{team.id}/")))
    post(client, at(workspace, f"teams/{team.id}/remove/"), version="2")
    assert list_teams(workspace_id=workspace.id) == []
    assert client.get(at(workspace, f"teams/{team.id}/")).status_code == 404


def test_an_access_review_goes_from_its_start_to_its_signature(
    workspace: TenantRef, boss: Person, auditor: Person
) -> None:
    client, other = signed_in(boss), auditor.sign_in(Client())
    assert "due in" in text_of(client.get(at(workspace, "access-review/")))
    post(client, at(workspace, "access-review/start/"))
    (review,) = list_access_reviews(workspace_id=workspace.id)
    here = f"access-review/{review.id}/"
    post(client, at(workspace, f"{here}mark/"), line=auditor.id, mark="remove", note="left the firm")
    mine = post(client, at(workspace, f"{here}mark/"), line=boss.id, mark="keep")
    assert "Somebody else reviews your own access" in text_of(mine)
    assert f"{here}sign/" not in text_of(client.get(at(workspace, here)))
    post(other, at(workspace, f"{here}mark/"), line=boss.id, mark="keep")
    assert f"{here}sign/" in text_of(client.get(at(workspace, here)))
    post(client, at(workspace, f"{here}sign/"), version="3", note="spring")
    (signed,) = list_access_reviews(workspace_id=workspace.id)
    assert (signed.state, signed.to_remove, signed.signed_by) == ("signed", 1, boss.id)
    assert text_of(client.get(at(workspace, f"{here}?kind=remove"))).count('data-id="usr_') == 1
    file = other.get(at(workspace, f"{here}lines.csv"))
    assert file.headers["Content-Type"].startswith("text/csv")
    assert b"left the firm" in file.content
    assert client.get(at(workspace, "access-review/nonsense/")).status_code == 404


def test_a_download_that_runs_ends_when_its_person_may_not_any_more(
    workspace: TenantRef, boss: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "LOOK_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(downloads, "PIECE", 4)
    person = join(workspace, role="finance")
    visit = SimpleNamespace(member=person.member, workspace=workspace)
    still = downloads.still_may(visit, Permission.LEDGER_EXPORT)  # type: ignore[arg-type]  # as much of a visit as it asks
    answer = downloads.send_file(RequestFactory().get("/"), io.BytesIO(b"12345678"), name="a", kind="b", still=still)
    pieces = iter(answer.streaming_content)  # type: ignore[arg-type]  # a WSGI request gets plain pieces
    assert next(pieces) == b"1234"
    with tenant_work(workspace):
        set_roles(workspace=workspace, user_id=person.id, roles=["viewer"], version=None, actor=boss.actor(), now=now())
    with pytest.raises(downloads.DownloadEnded):
        next(pieces)
