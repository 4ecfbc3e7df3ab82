"""Lists that rules ask: values come and go, expire by themselves, are told apart however written, raced for by two."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.db import DatabaseError

from policy.lists import operations, queries
from policy.lists.errors import (
    InvalidItem,
    InvalidList,
    ItemExists,
    ItemNotFound,
    ListExists,
    ListInUse,
    ListNotFound,
)
from policy.lists.types import ItemRecord, ListRecord
from tests.ledger.book import at_once
from tests.policy.scales import Scales, intent
from zentra.core import clock
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef, tenant_work

CARL = Actor("user", "usr_carl", "compliance", None)
ADA = Actor("user", "usr_ada", "admin", None)


@pytest.fixture
def scales(workspace: TenantRef) -> Scales:
    """The limits of `workspace`."""
    return Scales(workspace)


@pytest.fixture
def payees(scales: Scales) -> ListRecord:
    """A deny list of the workspace."""
    with tenant_work(scales.ws):
        return operations.create_list(name="bad.payees", kind="deny", actor=CARL, now=clock.now())


def add(
    scales: Scales, known: ListRecord, value: str, *, expires_at: datetime | None = None, actor: Actor = CARL
) -> ItemRecord:
    """A value on the list."""
    with tenant_work(scales.ws):
        return operations.add_item(
            list_id=known.id, value=value, note="seen", expires_at=expires_at, actor=actor, now=clock.now()
        )


def is_listed(scales: Scales, value: str, *, at: datetime | None = None) -> bool:
    """Whether an intent would find it, in the call that decides."""
    found = scales.weigh(intent(), listed=[("bad.payees", value)], is_reserving=False, at=at)
    assert found.listed in (frozenset(), {("bad.payees", value)})
    return bool(found.listed)


def changes(scales: Scales) -> list[tuple[str, int]]:
    """What was told of lists, in order."""
    rows = scales.sql("SELECT body FROM evidence_event WHERE type = 'policy.list_changed' ORDER BY recorded_at, id")
    told = [json.loads(bytes(body))["data"] for (body,) in rows]
    return [(data["change"], data["items"]) for data in told]


def test_every_workspace_is_born_with_the_lists_that_its_first_rules_ask(scales: Scales) -> None:
    with tenant_work(scales.ws):
        found = queries.list_lists(now=clock.now())

    assert [(each.name, each.kind, each.items) for each in found] == [("denied", "deny", 0), ("watched", "watch", 0)]


def test_a_value_is_found_however_it_is_written_until_it_is_taken_off(scales: Scales, payees: ListRecord) -> None:
    item = add(scales, payees, "  Evil   Corp ")

    assert (is_listed(scales, "EVIL corp"), is_listed(scales, "evil"), is_listed(scales, "Evil Corp")) == (
        True, False, True,
    )  # fmt: skip
    for _ in range(2):
        with tenant_work(scales.ws):
            gone = operations.remove_item(item_id=item.id, actor=ADA, now=clock.now())
    assert (gone.removed_by, is_listed(scales, "Evil Corp")) == ("usr_ada", False)
    assert changes(scales) == [("created", 0), ("added", 1), ("removed_items", 1)]


def test_the_deciding_call_finds_it_while_it_reserves(scales: Scales, payees: ListRecord) -> None:
    add(scales, payees, "shop")

    found = scales.weigh(intent(), listed=[("bad.payees", "Shop"), ("denied", "Shop"), ("no.such", "Shop")])

    assert found.listed == {("bad.payees", "Shop")}


def test_a_value_expires_by_itself_and_is_told_of_once(scales: Scales, payees: ListRecord) -> None:
    now = clock.now()
    add(scales, payees, "shop", expires_at=now + timedelta(hours=1))
    later = now + timedelta(hours=1)

    assert (is_listed(scales, "shop", at=now), is_listed(scales, "shop", at=later)) == (True, False)
    with tenant_work(scales.ws):
        assert [operations.expire_items(now=at) for at in (now, later, later)] == [0, 1, 0]
        [item] = queries.list_items(list_id=payees.id, now=later, state="expired")
        assert queries.list_items(list_id=payees.id, now=later) == []
    assert item.state_at(later) == "expired"
    assert changes(scales)[-1] == ("expired", 1)


def test_what_expired_can_be_put_on_again(scales: Scales, payees: ListRecord) -> None:
    soon = clock.now() + timedelta(milliseconds=30)
    add(scales, payees, "shop", expires_at=soon)
    while clock.now() <= soon:
        pass

    add(scales, payees, "shop")

    assert is_listed(scales, "shop")


def test_of_two_who_add_the_same_value_one_is_told_who_was_first(scales: Scales, payees: ListRecord) -> None:
    results = at_once([partial(add, scales, payees, "shop", actor=each) for each in (CARL, ADA) * 8], threads=16)

    [made] = [each for each in results if isinstance(each, ItemRecord)]
    refused = [each for each in results if isinstance(each, ItemExists)]
    assert len(refused) == 15
    assert {(each.extra["added_by"], each.extra["item_id"]) for each in refused} == {(made.added_by, made.id)}
    assert changes(scales) == [("created", 0), ("added", 1)]


def test_many_values_come_as_one_change_without_those_that_are_there(scales: Scales, payees: ListRecord) -> None:
    add(scales, payees, "a")
    with tenant_work(scales.ws):
        made = operations.add_items(list_id=payees.id, values=["A", "b", "B ", "c"], actor=CARL, now=clock.now())
        first = queries.list_items(list_id=payees.id, now=clock.now(), limit=2)
        second = queries.list_items(
            list_id=payees.id, now=clock.now(), limit=2, before=(first[-1].added_at, first[-1].id)
        )

    assert sorted(each.value for each in made) == ["b", "c"]
    assert sorted(each.value for each in (*first, *second)) == ["a", "b", "c"]
    assert changes(scales)[-1] == ("added", 2)


@pytest.mark.parametrize("value", ["", "  ", "x" * 201])
def test_a_value_that_cannot_be_is_refused(value: str, scales: Scales, payees: ListRecord) -> None:
    with pytest.raises(InvalidItem):
        add(scales, payees, value)

    assert changes(scales) == [("created", 0)]


def test_a_typed_list_takes_values_of_its_type(scales: Scales) -> None:
    with tenant_work(scales.ws):
        countries = operations.create_list(
            name="far.countries", kind="watch", value_type="country", actor=CARL, now=clock.now()
        )
        currencies = operations.create_list(
            name="odd", kind="allow", value_type="currency", actor=CARL, now=clock.now()
        )

    assert add(scales, countries, "kp").value == "KP"
    assert add(scales, currencies, "usd").value == "USD"
    for known, value in ((countries, "Korea"), (currencies, "usx")):
        with pytest.raises(InvalidItem):
            add(scales, known, value)


def test_an_expiry_lies_ahead(scales: Scales, payees: ListRecord) -> None:
    with pytest.raises(InvalidItem):
        add(scales, payees, "shop", expires_at=clock.now() - timedelta(seconds=1))


@pytest.mark.parametrize(("name", "kind"), [("Bad", "deny"), ("a.b.c", "deny"), ("", "deny"), ("good", "maybe")])
def test_a_list_that_cannot_be_is_refused(name: str, kind: str, scales: Scales) -> None:
    with pytest.raises(InvalidList), tenant_work(scales.ws):
        operations.create_list(name=name, kind=kind, actor=CARL, now=clock.now())  # type: ignore[arg-type]  # no kind


def test_a_name_is_taken_once_and_free_again_when_its_list_is_gone(scales: Scales, payees: ListRecord) -> None:
    add(scales, payees, "shop")
    with pytest.raises(ListExists), tenant_work(scales.ws):
        operations.create_list(name="bad.payees", kind="watch", actor=ADA, now=clock.now())

    with tenant_work(scales.ws):
        operations.remove_list(list_id=payees.id, actor=CARL, now=clock.now())
    assert not is_listed(scales, "shop")
    with pytest.raises(ListNotFound):
        add(scales, payees, "shop")

    with tenant_work(scales.ws):
        operations.create_list(name="bad.payees", kind="watch", actor=ADA, now=clock.now())
    assert not is_listed(scales, "shop")
    assert changes(scales)[-2:] == [("removed", 1), ("created", 0)]


def test_a_list_that_the_rules_ask_stays(scales: Scales) -> None:
    with pytest.raises(ListInUse), tenant_work(scales.ws):
        operations.remove_list(list_id="denied", actor=CARL, now=clock.now())


def test_what_is_not_there_is_said_so(scales: Scales) -> None:
    with tenant_work(scales.ws):
        for list_id in ("lst_none", "no.such"):
            with pytest.raises(ListNotFound):
                queries.get_list(list_id=list_id, now=clock.now())
        with pytest.raises(ItemNotFound):
            operations.remove_item(item_id="lsi_none", actor=CARL, now=clock.now())


def test_events_and_values_stay_apart(scales: Scales, payees: ListRecord) -> None:
    add(scales, payees, "jane doe")

    [(count,)] = scales.sql("SELECT count(*) FROM evidence_event WHERE convert_from(body, 'UTF8') LIKE %s", ["%jane%"])
    assert count == 0


def test_nobody_deletes_what_was_on_a_list(scales: Scales, payees: ListRecord) -> None:
    add(scales, payees, "shop")

    with pytest.raises(DatabaseError, match="permission denied"):
        scales.sql("DELETE FROM policy_list_item")
