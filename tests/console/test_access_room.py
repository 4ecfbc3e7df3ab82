"""The Access log: everything that was refused, for those who may see it, narrowed, drawn, and taken away as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from tests.people import Person, join
from tests.workspaces import create, drop
from zentra.core import clock, ids
from zentra.core.actors import ANONYMOUS, Actor
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.denials import budgets, record_denial
from zentra.tenants.denials.queries import list_denials


@pytest.fixture(scope="module")
def ws(migrated: str, django_db_blocker: Any) -> Iterator[TenantRef]:
    """One workspace for the whole file."""
    with django_db_blocker.unblock():
        made = create(slug=None, mode="sandbox", ledger_currency="USD")
        yield made
        drop(made)


@pytest.fixture
def reader(ws: TenantRef, database: None) -> Client:
    budgets.forget()
    return join(ws, role="auditor").sign_in(Client())


def deny(ws: TenantRef, actor: Actor, **more: Any) -> str:
    facts: dict[str, Any] = {"action": "ledger.post", "reason": "role", "surface": "console"}
    record_denial(actor=actor, target=ws, home=ws, now=clock.now(), **{**facts, **more})
    with tenant_work(ws):
        return list_denials(limit=1)[0][0].id


def read(client: Client, ws: TenantRef, path: str = "", status: int = 200) -> str:
    answer = client.get(f"/w/{ws.slug}/access/{path}")
    assert answer.status_code == status, answer.content[:300]
    return answer.content.decode()


def test_an_empty_log_says_what_would_stand_here(make_workspace: Any) -> None:
    fresh = make_workspace()
    text = read(join(fresh, role="auditor").sign_in(Client()), fresh)
    assert "Nobody was refused anything yet" in text
    assert "Nobody was refused in this time." in text


def test_a_member_is_shown_by_name_and_anybody_else_by_id(ws: TenantRef, reader: Client) -> None:
    member = join(ws, role="developer", name="Ada Lovelace")
    stranger = Actor("user", ids.new_id("usr"), "none")
    deny(ws, member.actor())
    deny(ws, stranger, reason="no membership")
    deny(ws, ANONYMOUS, reason="credential_unknown", surface="api", action="GET /v1/accounts")

    text = read(reader, ws)
    for said in ("Ada Lovelace", "role lacks it", f"usr_…{stranger.id[-4:]}", "no member here", "not a member",
                 "nobody known", "unknown credential", "ledger.post", "GET /v1/accounts", 'class="bad"'):  # fmt: skip
        assert said in text, said


def test_filters_live_in_the_address_and_say_when_nothing_is_left(ws: TenantRef, reader: Client) -> None:
    key = Actor("key", ids.new_id("key"), "developer")
    for surface, reason in (("api", "permission_denied"), ("live", "role"), ("task", "not here")):
        deny(ws, key, surface=surface, reason=reason)

    text = read(reader, ws, f"?actor={key.id}&surface=live")
    assert text.count('data-id="evt_') == 1
    assert "where socket ×" in text
    assert read(reader, ws, f"?actor={key.id}").count('data-id="evt_') == 3
    assert read(reader, ws, f"?actor={key.id}&reason=role").count('data-id="evt_') == 1
    assert "No denial is like that" in read(reader, ws, f"?actor={ids.new_id('key')}")
    assert "is no moment" in read(reader, ws, "?since=yesterday")
    assert "7 days" in read(reader, ws, "?range=quarter")
    for odd in ("?before=nonsense", "?range=x", "?side=x&surface=y", "?q=%27%22%3Cscript%3E", "?until=9999-01-01"):
        read(reader, ws, odd)


def test_pages_follow_each_other(ws: TenantRef, reader: Client) -> None:
    key = Actor("key", ids.new_id("key"), "finance")
    for _ in range(53):
        deny(ws, key)
    first = read(reader, ws, f"?actor={key.id}")
    following = first.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    second = reader.get(following).content.decode()
    assert (first.count('data-id="evt_'), second.count('data-id="evt_')) == (50, 3)


def test_one_denial_has_a_page_and_leads_on(ws: TenantRef, reader: Client) -> None:
    member = join(ws, role="developer", name="Grace Hopper")
    event_id = deny(ws, member.actor(), extra={"request_id": None, "named": {"scope": "ledger.post"}})

    text = read(reader, ws, f"{event_id}/")
    for said in ("Grace Hopper", "none of their roles includes", f"/people/{member.id}/", f"/events/{event_id}/",
                 f"?actor={member.id}", "runbooks/access-denials/", "scope ledger.post"):  # fmt: skip
        assert said in text, said
    assert reader.get(f"/w/{ws.slug}/runbooks/access-denials/").status_code == 200
    read(reader, ws, f"{ids.new_id('evt')}/", status=404)
    assert reader.get(f"/w/{ws.slug}/access/nonsense/").status_code == 400


def test_the_list_is_a_file_that_no_spreadsheet_takes_for_formulas(ws: TenantRef, reader: Client) -> None:
    member = join(ws, role="developer", name="=cmd()")
    deny(ws, member.actor())

    answer = reader.get(f"/w/{ws.slug}/access/denials.csv?actor={member.id}")
    [row] = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (row["actor_id"], row["actor_name"], row["action"]) == (member.id, "'=cmd()", "ledger.post")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="denials-')


def test_who_may_not_see_it_is_refused_and_stands_in_it(ws: TenantRef, reader: Client) -> None:
    for role in ("developer", "viewer", "support"):
        person: Person = join(ws, role=role)
        for path in ("", "denials.csv", f"{ids.new_id('evt')}/"):
            assert person.sign_in(Client()).get(f"/w/{ws.slug}/access/{path}").status_code == 403
        assert read(reader, ws, f"?actor={person.id}").count("access.read") >= 3
