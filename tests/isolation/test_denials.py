"""Denials are recorded on both sides, read back with filters, counted, and bounded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from evidence.operations import record_events
from evidence.types import NewEvent
from tests.api.ledger_of_writes import Writes
from tests.people import Person, join
from tests.workspaces import create, drop, issue_token
from zentra.core import actors, clock, ids
from zentra.core.actors import Actor
from zentra.core.queue import WorkItem
from zentra.core.queue.registry import handler_of
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.denials import budgets, note_miss, operations, queries, record_denial
from zentra.tenants.denials.budgets import Allowance, Budget, Budgets
from zentra.tenants.denials.types import Denial, DenialFilters
from zentra.tenants.queries import platform_ref

Pair = tuple[TenantRef, TenantRef]


@pytest.fixture(scope="module")
def pair(migrated: str, django_db_blocker: Any) -> Iterator[Pair]:
    """Two workspaces for the whole file."""
    with django_db_blocker.unblock():
        made = tuple(create(slug=None, mode="sandbox", ledger_currency="USD") for _ in range(2))
        yield made  # type: ignore[misc]  # two of them
        for each in made:
            drop(each)


@pytest.fixture(autouse=True)
def begun_anew(database: None) -> None:
    budgets.forget()
    operations._misses.clear()


def key(role: str = "developer") -> Actor:
    return Actor("key", ids.new_id("key"), role)


def deny(actor: Actor, target: TenantRef | None, **more: Any) -> None:
    facts: dict[str, Any] = {"action": "GET /v1/accounts", "reason": "role", "surface": "api"}
    record_denial(actor=actor, target=target, now=clock.now(), **{**facts, **more})


def denials(ws: TenantRef, **filters: Any) -> list[Denial]:
    with tenant_work(ws):
        return queries.list_denials(filters=DenialFilters(**filters), limit=200)[0]


# -- Both sides --------------------------------------------------------------------------------------------------------


def test_one_denial_at_home_is_one_record(pair: Pair) -> None:
    actor = key()
    deny(actor, pair[0], home=pair[0])

    [found] = denials(pair[0], actor=actor.id)
    assert (found.side, found.workspace, found.more) == ("target", pair[0].slug, {})
    assert denials(pair[1], actor=actor.id) == []


def test_a_denial_elsewhere_is_recorded_by_both(pair: Pair) -> None:
    actor = key()
    theirs, mine = pair
    deny(actor, theirs, home=mine, named=ids.to_public("ws", theirs.id))

    [there], [here] = denials(theirs, actor=actor.id), denials(mine, actor=actor.id)
    assert (there.side, there.workspace) == ("target", theirs.slug)
    # The actor's side repeats what was said, so that nobody learns what a workspace is called.
    assert (here.side, here.workspace) == ("actor", ids.to_public("ws", theirs.id))
    assert there.more == here.more == {"actor_workspace": ids.to_public("ws", mine.id)}


def test_a_workspace_that_is_not_there_is_recorded_like_one_that_is(pair: Pair) -> None:
    actor = key()
    deny(actor, None, home=pair[0], named="no-such-workspace")

    [here] = denials(pair[0], actor=actor.id)
    [there] = denials(platform_ref(), actor=actor.id)
    assert (here.side, here.workspace) == ("actor", "no-such-workspace")
    assert (there.side, there.workspace) == ("target", "no-such-workspace")


def test_who_cannot_be_placed_is_recorded_by_the_platform(pair: Pair) -> None:
    marker = ids.new_id("key")
    deny(actors.ANONYMOUS, None, extra={"named": {"key_id": marker}})

    [found] = denials(platform_ref(), text=marker)
    assert (found.actor_kind, found.side, found.workspace) == ("anonymous", "target", "")


def test_what_somebody_typed_is_kept_only_if_it_is_a_name(pair: Pair) -> None:
    actor = key()
    for said in ("Maria Musterfrau", "maria@example.com", "a\nb", "', '"):
        deny(actor, None, home=pair[0], named=said)

    assert {each.workspace for each in denials(pair[0], actor=actor.id)} == {operations.OTHER_FORM}


def test_a_denial_that_cannot_be_written_raises_nothing(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**_: object) -> None:
        raise RuntimeError("the database is away")

    monkeypatch.setattr(operations, "record_events", fails)
    deny(key(), pair[0])


def test_a_person_s_denial_elsewhere_stands_in_the_workspace_they_belong_to(pair: Pair) -> None:
    theirs, mine = pair
    person = join(mine, role="auditor")
    client = person.sign_in(Client())

    assert client.get(f"/w/{theirs.slug}/accounts/").status_code == 404
    assert client.get("/w/nobody-s/accounts/").status_code == 404

    [there] = denials(theirs, actor=person.id)
    here = denials(mine, actor=person.id)
    assert (there.reason, there.role, there.surface, there.side) == ("no membership", "none", "console", "target")
    assert [(each.workspace, each.side) for each in here] == [("nobody-s", "actor"), (theirs.slug, "actor")]


def test_a_key_that_names_another_workspace_is_recorded_in_both(pair: Pair) -> None:
    theirs, mine = pair
    token = issue_token(mine)
    names = (theirs.slug, ids.to_public("ws", theirs.id), str(theirs.id))
    before, rows = len(denials(theirs)), Writes(theirs)

    for name in names:
        answer = Client().get("/v1/accounts", headers={"Authorization": f"Bearer {token}", "Zentra-Workspace": name})
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_mismatch")

    found = denials(theirs)[: len(denials(theirs)) - before]
    assert {(each.reason, each.side, each.workspace, each.actor_kind) for each in found} == {
        ("scope_mismatch", "target", theirs.slug, "key")
    }
    assert [each.workspace for each in denials(mine, actor=found[0].actor_id)] == list(reversed(names))
    assert rows.new_rows() == {}


# -- Guessing ----------------------------------------------------------------------------------------------------------


def test_one_id_that_is_not_here_is_a_slip_and_a_row_of_them_a_search(pair: Pair) -> None:
    actor = key()
    for _ in range(operations.MISSES - 1):
        note_miss(actor=actor, action="GET /v1/x", surface="api", tenant=pair[0], now=clock.now())
    assert denials(pair[0], actor=actor.id) == []

    note_miss(actor=actor, action="GET /v1/x", surface="api", tenant=pair[0], now=clock.now())
    [found] = denials(pair[0], actor=actor.id)
    assert (found.reason, found.more) == ("guessing", {"misses": operations.MISSES})


def test_ids_guessed_at_the_api_and_on_pages_are_recorded(pair: Pair) -> None:
    token, person = issue_token(pair[0]), join(pair[0], role="auditor")
    client = person.sign_in(Client())
    for _ in range(operations.MISSES):
        guessed = ids.new_id("acct")
        headers = {"Authorization": f"Bearer {token}"}
        assert Client().get(f"/v1/accounts/{guessed}", headers=headers).status_code == 404
        assert client.get(f"/w/{pair[0].slug}/accounts/{guessed}/").status_code == 404

    assert {(each.surface, each.action) for each in denials(pair[0], reason="guessing")} >= {
        ("api", "GET /v1/accounts/<account>"),
        ("console", "GET /w/<slug:slug>/accounts/<str:account_id>/"),
    }


# -- Bounds ------------------------------------------------------------------------------------------------------------


def test_a_flood_of_one_actor_is_counted_and_drowns_nobody_else(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Budgets(Allowance(burst=3, per_second=0.0001))
    monkeypatch.setattr(budgets, "_ACTORS", slow)
    flooder, other = key(), key()
    for _ in range(9):
        deny(flooder, pair[0])
    deny(other, pair[0])

    assert len(denials(pair[0], actor=flooder.id)) == 3
    assert len(denials(pair[0], actor=other.id)) == 1

    slow.of((pair[0].id, flooder.id), 0.0)._left = 1.0
    deny(flooder, pair[0])
    assert denials(pair[0], actor=flooder.id)[0].suppressed == 6


def test_a_log_takes_so_many_and_no_more(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "_LOGS", Budgets(Allowance(burst=4, per_second=0.0001)))
    before = len(denials(pair[0]))
    for _ in range(20):
        deny(key(), pair[0])

    assert len(denials(pair[0])) == before + 4


def test_budgets_are_as_many_as_are_in_use_up_to_a_bound() -> None:
    found = Budgets(Allowance(burst=2, per_second=1.0), most=4)
    for number in range(4):
        found.of(number, 10.0)
    found.of(3, 10.0).spend(10.0)
    found.of("another", 10.1)
    assert set(found._budgets) == {3, "another"}

    for number in range(10):
        budget: Budget = found.of(number, 10.2)
        budget.spend(10.2)
    assert len(found._budgets) <= 4


# -- Reading -----------------------------------------------------------------------------------------------------------


def test_filters_pages_and_counts(pair: Pair) -> None:
    ws, actor, moment = pair[1], key("finance"), clock.now()
    for number in range(5):
        deny(actor, ws, action=f"accounts.{number}", surface="console", reason="step_up")
    deny(key("auditor"), ws, action="ledger.post", surface="live")

    with tenant_work(ws):
        first, following = queries.list_denials(filters=DenialFilters(actor=actor.id), limit=2)
        rest, end = queries.list_denials(filters=DenialFilters(actor=actor.id), before=following, limit=5)
        plain, more = queries.list_denials(limit=1)
        counts = queries.count_denials(since=moment - timedelta(hours=2), until=moment + timedelta(hours=1))
        by_actor = queries.count_by_actor(since=moment)
        assert queries.find_denial(event_id=first[0].id) == first[0]
        assert queries.find_denial(event_id=ids.new_id("evt")) is None
    assert [each.action for each in (*first, *rest)] == [f"accounts.{number}" for number in (4, 3, 2, 1, 0)]
    assert end is None
    assert (len(plain), more is None, len(counts)) == (1, False, 3)
    assert counts[2].count >= 6
    assert (by_actor[0].actor_id, by_actor[0].count) == (actor.id, 5)

    for narrowed, number in (
        ({"role": "finance"}, 5),
        ({"action": "accounts.", "role": "finance"}, 5),
        ({"reason": "step_up", "surface": "console"}, 5),
        ({"surface": "live"}, 1),
        ({"side": "actor", "role": "finance"}, 0),
        ({"text": "accounts.3"}, 1),
        ({"since": clock.now()}, 0),
        ({"until": moment, "role": "finance"}, 0),
    ):
        assert len(denials(ws, **narrowed)) == number, narrowed


def test_denials_of_versions_before_are_read_too(pair: Pair) -> None:
    marker = ids.new_id("key")
    old = {"action": "runtime.route", "ref": marker, "code": "intent_not_found"}
    with tenant_work(pair[1]):
        record_events(events=[NewEvent("access.denied", actors.RUNTIME, old)], now=clock.now())

    [found] = denials(pair[1], text=marker)
    assert (found.reason, found.surface, found.side) == ("intent_not_found", "api", "target")
    assert found.more == {"ref": marker, "code": "intent_not_found"}


def test_denials_are_found_by_their_own_index(pair: Pair) -> None:
    from django.db import connection

    with tenant_work(pair[0]), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off")
        cursor.execute(
            "EXPLAIN (FORMAT JSON) SELECT id FROM evidence_event WHERE type = 'access.denied'"
            " ORDER BY recorded_at DESC, id DESC LIMIT 50"
        )
        plan = json.dumps(cursor.fetchone())
    assert "evidence_event_denied" in plan
    assert '"Sort"' not in plan


# -- Work --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [
        ("runtime.route", ""),
        ("runtime.ask", ""),
        ("runtime.close", ""),
        ("runtime.seal", ""),
        ("ledger.import", "imp"),
        ("ledger.export", "exp"),
        ("screening.import_watchlist", "wlv"),
        ("screening.verify", "ver"),
        ("screening.batch", "bat"),
        ("policy.backtest", "bkt"),
        ("webhooks.replay", "rpl"),
    ],
)
def test_work_that_names_what_is_another_s_ends_and_is_recorded(pair: Pair, kind: str, prefix: str) -> None:
    handler = handler_of(kind)
    assert handler is not None
    writes = Writes(pair[0])
    ref = ids.new_id(prefix) if prefix else str(ids.new_uuid())

    item = WorkItem(ids.new_uuid(), pair[0].id, kind, ref, clock.now(), 1, ids.new_uuid())
    handler(item, pair[0])

    assert writes.new_rows() == {}
    [event] = writes.new_events()
    assert (event["data"]["action"], event["data"]["ref"], event["data"]["surface"]) == (kind, ref, "task")


def test_a_removed_person_is_refused_and_recorded_with_no_role(pair: Pair) -> None:
    from zentra.tenants.models import Membership

    person: Person = join(pair[0], role="auditor")
    client = person.sign_in(Client())
    assert client.get(f"/w/{pair[0].slug}/accounts/").status_code == 200
    Membership.objects.filter(user=person.user).delete()

    assert client.get(f"/w/{pair[0].slug}/accounts/").status_code == 404
    [found] = denials(pair[0], actor=person.id)
    assert (found.reason, found.role) == ("no membership", "none")
