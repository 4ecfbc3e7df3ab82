"""Outgoing money is stopped by one person and goes on by another's word; meanwhile nothing is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.books import assert_nothing_lost_or_doubled
from tests.e2e.desks import rehearsal
from tests.e2e.waiting import wait_until

if TYPE_CHECKING:
    from tests.e2e.desks import Desk
    from tests.people import Person
    from zentra.core.tenancy import TenantRef

pytestmark = pytest.mark.e2e


def test_while_paused_nothing_is_sent_and_after_a_second_person_resumed_all_of_it_is(
    desk: Desk, workspace: TenantRef, finance: Person
) -> None:
    from tests.people import join

    second = join(workspace, role="finance", name="Second finance")
    names = [f"intent_{number}" for number in range(8)]
    paused = desk.visit(finance, with_code=True).post(
        "outgoing/switch/", action="pause", rail="", reason="a rail looks wrong"
    )
    assert paused.status_code == 302, paused.text
    for name in names:
        desk.send(rehearsal(name))

    def all_put_off() -> bool:
        rows = desk.books.rows(
            "SELECT last_error FROM public.work_item WHERE kind = 'runtime.route' AND ref = ANY(%s)"
            " AND workspace_id = %s AND done_at IS NULL AND last_error <> ''",
            names, workspace.id,
        )  # fmt: skip
        return len(rows) == len(names)

    wait_until(all_put_off, why="a worker took up each of them and put it off")
    assert {intent["status"] for intent in desk.books.intents().values()} == {"ledgered"}
    assert desk.simulators.list_executed(desk.books.rail_ids()) == []
    desk.visit(finance, with_code=True).post("outgoing/switch/", action="resume", rail="")
    assert desk.books.value("SELECT count(*) FROM routing_outgoing_pause WHERE resumed_at IS NULL") == 1

    desk.visit(second, with_code=True).post("outgoing/switch/", action="resume", rail="")

    assert {intent["status"] for intent in desk.wait_for_end(*names).values()} == {"evidenced"}
    [pause] = desk.books.rows("SELECT * FROM routing_outgoing_pause")
    assert (pause["paused_by"], pause["resumed_by"]) == (finance.id, second.id)
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)


def test_a_paused_rail_is_passed_by(desk: Desk, finance: Person) -> None:
    desk.visit(finance, with_code=True).post("outgoing/switch/", action="pause", rail="rail_a", reason="maintenance")
    desk.send(rehearsal("intent_042"))

    assert desk.wait_for_end("intent_042")["intent_042"]["rail"] == "rail_b"
    assert {payment["key"].split(".")[0] for payment in desk.simulators.list_executed(desk.books.rail_ids())} == {
        desk.books.rail_ids()["rail_b"]
    }
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)
