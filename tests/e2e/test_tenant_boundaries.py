"""Another tenant's key, session, socket or task sees no row, and the attempt is evidence (PRODUCT 4: 8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.e2e.books import assert_nothing_lost_or_doubled
from tests.e2e.desks import FIRST_CALL, rehearsal
from tests.e2e.waiting import wait_until

if TYPE_CHECKING:
    from tests.e2e.desks import Desk
    from tests.people import Person
    from zentra.core.tenancy import TenantRef

pytestmark = pytest.mark.e2e


@pytest.fixture
def theirs(open_desk: Callable[[TenantRef], Desk], other_workspace: TenantRef) -> Desk:
    """The other tenant's desk."""
    return open_desk(other_workspace)


def test_a_key_reads_its_own_workspace_and_naming_another_is_denied_and_kept(desk: Desk, theirs: Desk) -> None:
    desk.send(rehearsal("intent_mine"))
    desk.wait_for_end("intent_mine")
    account = desk.http.get("/accounts/customer_balance").json()["id"]

    for path in ("/runtime/intents/intent_mine", "/runtime/intents/intent_mine/timeline", "/audit-packets/intent_mine",
                 f"/accounts/{account}"):  # fmt: skip
        assert theirs.http.get(path).status_code == 404, path
    for path in ("/runtime/intents", "/events?after=-1", "/ledger-entries"):
        answer = theirs.http.get(path)
        assert "intent_mine" not in answer.text, path
    named = theirs.http.get("/runtime/intents", headers={"Zentra-Workspace": desk.slug})
    scoped = theirs.http.post("/runtime/intents", json=FIRST_CALL | {"scope": desk.slug})

    assert [(answer.status_code, answer.json()["code"]) for answer in (named, scoped)] == [(403, "scope_mismatch")] * 2
    denied = theirs.books.events("access.denied")
    assert len(denied) == 2
    for event in denied:
        assert event["actor"]["kind"] == "key"
        assert event["workspace"] == theirs.slug
        assert event["data"]["action"]
        assert event["occurred_at"]
    assert theirs.books.intents() == {}
    assert list(desk.books.intents()) == ["intent_mine"]


def test_the_same_intent_id_of_two_tenants_is_two_intents(desk: Desk, theirs: Desk) -> None:
    desk.send(FIRST_CALL)
    theirs.send(FIRST_CALL)

    ids = {each.wait_for_end("intent_042")["intent_042"]["id"] for each in (desk, theirs)}
    assert len(ids) == 2
    for each in (desk, theirs):
        assert_nothing_lost_or_doubled(each.books, each.simulators)


def test_a_session_of_another_tenant_finds_nothing_and_is_kept(desk: Desk, outsider: Person) -> None:
    desk.send(rehearsal("intent_mine"))
    intruder = desk.visit(outsider)

    paths = ("", "intents/", "intents/intent_mine/", "intents/intent_mine/packet/", "events/", "webhooks/", "ledger/")
    for path in paths:
        answer = intruder.get(path)
        assert (answer.status_code, "intent_mine" in answer.text) == (404, False), path
    decided = intruder.post("reviews/intent_mine/decide/", decision="approve", reason="mine")

    assert decided.status_code == 404
    denied = desk.books.events("access.denied")
    assert len(denied) == len(paths) + 1
    assert {event["actor"]["id"] for event in denied} == {outsider.id}
    assert {event["data"]["workspace"] for event in denied} == {desk.slug}


def test_a_socket_of_another_tenant_is_refused_before_a_word_and_kept(
    desk: Desk, outsider: Person, operator: Person
) -> None:
    from django.test import Client

    url = f"ws{desk.base_url.removeprefix('http')}/w/{desk.slug}/live/"

    def headers(person: Person) -> dict[str, str]:
        return {"Cookie": f"sessionid={person.sign_in(Client()).cookies['sessionid'].value}"}

    with connect(url, additional_headers=headers(operator), origin=Origin(desk.base_url), open_timeout=30) as own:
        assert own.recv(timeout=30)
    with pytest.raises(InvalidStatus) as refused:
        connect(url, additional_headers=headers(outsider), origin=Origin(desk.base_url), open_timeout=30)

    assert refused.value.response.status_code == 403
    [denied] = wait_until(lambda: desk.books.events("access.denied"), why="the attempt is kept")
    assert denied["actor"]["id"] == outsider.id


def test_a_task_of_another_tenant_finds_no_row_and_changes_none(
    desk: Desk, theirs: Desk, other_workspace: TenantRef
) -> None:
    from zentra.core.clock import now
    from zentra.core.queue import enqueue

    desk.send(rehearsal("intent_mine"))
    desk.wait_for_end("intent_mine")
    before = desk.books.intents(), desk.books.postings(), desk.books.count_events()
    kinds = {"runtime.route", "runtime.ask", "runtime.close", "runtime.seal"}
    for kind in kinds:
        enqueue(workspace_id=other_workspace.id, kind=kind, ref="intent_mine", due_at=now())

    def denied() -> set[str]:
        return {event["data"]["action"] for event in theirs.books.events("access.denied")}

    wait_until(lambda: denied() == kinds, why="each was refused, and the attempt is kept", told=denied)
    assert (desk.books.intents(), desk.books.postings(), desk.books.count_events()) == before
    assert theirs.books.intents() == {}
