"""Exceptions of reconciliation over the API: read by everybody who reads, noted by keys, ended by people alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.api.ledger_of_writes import Writes
from tests.people import Person
from zentra.core.tenancy import TenantRef
from zentra.tenants.permissions import Permission

if TYPE_CHECKING:
    from tests.reconciliation.desks import DeskOfTests
    from zentra.sdk import Zentra


@pytest.fixture
def desk(workspace: TenantRef) -> DeskOfTests:
    from tests.reconciliation.desks import desk_of

    return desk_of(workspace)


@pytest.fixture
def rails(workspace: TenantRef) -> Iterator[None]:
    from tests.webhooks.intents import accepting_rail

    with accepting_rail(workspace):
        yield


def data(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def test_the_list_is_read_narrowed_and_paged(http: httpx.Client, desk: DeskOfTests) -> None:
    old, new = desk.exception("missing", days=40), desk.with_line(-500)

    first = data(http.get("/reconciliation/exceptions", params={"limit": 1}))
    second = data(http.get("/reconciliation/exceptions", params={"limit": 1, "cursor": first["next_cursor"]}))

    assert [row["id"] for row in first["data"] + second["data"]] == [new.id, old.id]
    assert second["has_more"] is False
    for params, ids in (
        ({"kind": "missing"}, [old.id]), ({"days": "30+"}, [old.id]), ({"account_id": desk.bank}, [new.id, old.id]),
        ({"state": "resolved"}, []), ({"overdue": "true"}, []),
        ({"owner": ""}, [new.id, old.id]),
    ):  # fmt: skip
        found = data(http.get("/reconciliation/exceptions", params=params))
        assert [row["id"] for row in found["data"]] == ids, params
    for wrong, code in (({"kind": "nonsense"}, "not_one_of"), ({"account_id": "nonsense"}, "bad_id"),
                        ({"owner": "nonsense"}, "bad_id"), ({"limit": "0"}, "out_of_range")):  # fmt: skip
        assert http.get("/reconciliation/exceptions", params=wrong).json()["code"] == code
    counted = data(http.get("/reconciliation/exception-ages"))["data"]
    assert [(row["kind"], row["days"], row["count"]) for row in counted] == [
        ("line_only", "0-1", 1),
        ("missing", "30+", 1),
    ]


def test_one_is_read_with_what_was_said_and_proposed(http: httpx.Client, desk: DeskOfTests) -> None:
    found = desk.with_line(-500)
    proposed = desk.propose(found)

    told = data(http.get(f"/reconciliation/exceptions/{found.id}"))

    assert (told["status"], told["waits_for"], told["version"]) == ("waiting", "adjustment", 2)
    [adjustment] = told["adjustments"]
    assert (adjustment["id"], adjustment["proposed_by"], adjustment["posting_id"]) == (proposed.id, desk.first.id, None)
    assert adjustment["lines"][0] == {"account": "fees", "direction": "debit", "amount_minor": 500}


def test_a_note_is_kept_once_however_often_it_is_sent(http: httpx.Client, desk: DeskOfTests) -> None:
    found = desk.exception()
    path, key = f"/reconciliation/exceptions/{found.id}/notes", {"Idempotency-Key": "note-1"}

    first = http.post(path, json={"text": "The bank was asked."}, headers=key)
    again = http.post(path, json={"text": "The bank was asked."}, headers=key)

    assert data(first, 201)["text"] == "The bank was asked."
    assert (again.content, again.headers.get("Idempotent-Replayed")) == (first.content, "true")
    notes = data(http.get(f"/reconciliation/exceptions/{found.id}"))["notes"]
    assert [note["text"] for note in notes] == ["The bank was asked."]
    assert notes[0]["by"].startswith("key_")
    assert http.post(path, json={"text": "  "}, headers={"Idempotency-Key": "note-2"}).status_code == 422


def test_no_key_ends_an_exception(http: httpx.Client, desk: DeskOfTests) -> None:
    """There is no address for it: an explanation or an adjustment is a person's, with a second factor."""
    found = desk.exception()

    for act in ("explain", "assign", "adjustments", "dispute"):
        assert http.post(f"/reconciliation/exceptions/{found.id}/{act}", json={}).status_code == 404


def test_another_tenant_s_exception_is_not_there(
    connect: Callable[..., httpx.Client], other_api_key: str, desk: DeskOfTests
) -> None:
    found = desk.exception()
    theirs = connect(other_api_key)
    writes = Writes(desk.ws)

    assert theirs.get(f"/reconciliation/exceptions/{found.id}").status_code == 404
    answer = theirs.post(
        f"/reconciliation/exceptions/{found.id}/notes", json={"text": "x"}, headers={"Idempotency-Key": "k"}
    )

    assert (answer.status_code, answer.json()["code"]) == (404, "exception_not_found")
    assert data(theirs.get("/reconciliation/exceptions"))["data"] == []
    assert writes.new_rows() == {}


def test_a_key_needs_the_scope(connect: Callable[..., httpx.Client], workspace: TenantRef, desk: DeskOfTests) -> None:
    from zentra.core.clock import now
    from zentra.tenants.operations import issue_key

    found = desk.exception()
    reader = issue_key(workspace=workspace, name="r", scopes={Permission.RECONCILIATION_READ}, now=now())
    other = issue_key(workspace=workspace, name="o", scopes={Permission.INTENTS_READ}, now=now())

    assert connect(other.token).get("/reconciliation/exceptions").status_code == 403
    assert connect(reader.token).get(f"/reconciliation/exceptions/{found.id}").status_code == 200
    answer = connect(reader.token).post(
        f"/reconciliation/exceptions/{found.id}/notes", json={"text": "x"}, headers={"Idempotency-Key": "k"}
    )
    assert answer.status_code == 403
    assert desk.case(found).notes == ()


@pytest.mark.usefixtures("rails")
def test_the_story_of_an_intent_is_told_three_ways(http: httpx.Client, desk: DeskOfTests, outsider: Person) -> None:
    from tests.webhooks.intents import routed_intent

    rail = desk.open_bank(code="rail_receivable", kind="rail")
    routed_intent(desk.ws).tell("succeeded")
    desk.add_line(
        124_800, reference="REFINTENT042", account=rail, kind="payment", gross_minor=125_007, fee_minor=207, batch="B1"
    )

    told = data(http.get("/runtime/intents/intent_042/reconciliation"))

    assert (told["verdict"], told["amount_minor"], told["currency"]) == ("broken", 125_000, "USD")
    assert [row["what"] for row in told["ledger"]] == ["reserve", "success"]
    assert [row["agrees"] for row in told["statement"]] == [False]
    [broken] = told["breaks"]
    assert (broken["kind"], broken["expected_minor"], broken["found_minor"]) == (
        "settled_amount_differs", 125_000, 125_007,
    )  # fmt: skip
    assert http.get("/runtime/intents/intent_none/reconciliation").status_code == 404


def test_the_sdk_reads_and_notes(zentra: Zentra, desk: DeskOfTests, api_url: str, api_key: str) -> None:
    import asyncio

    from zentra.sdk import AsyncZentra

    old, new = desk.exception("missing", days=40), desk.with_line(-500)
    ours = zentra.reconciliation.exceptions

    assert [each.id for each in ours.iterate(limit=1)] == [new.id, old.id]
    assert [(each.kind, each.days, each.amount_minor) for each in ours.ages(account_id=desk.bank)] == [
        ("line_only", "0-1", 500), ("missing", "30+", 500),
    ]  # fmt: skip
    note = ours.note(old.id, "Asked.", idempotency_key="n1")
    assert ours.note(old.id, "Asked.", idempotency_key="n1").id == note.id
    assert [each["text"] for each in ours.get(old.id).notes] == ["Asked."]

    async def awaited() -> tuple[str, list[str], int]:
        async with AsyncZentra(api_key=api_key, base_url=api_url) as client:
            theirs = client.reconciliation.exceptions
            page = await theirs.list(kind="missing")
            noted = await theirs.note(new.id, "Two.")
            return noted.text, [each.id for each in page], len(await theirs.ages())

    assert asyncio.run(awaited()) == ("Two.", [old.id], 2)
