"""Decisions by rules of the second format: scores, lanes, tags, four eyes, windows, lists, and what is asked again."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from policy.decisions.errors import NoRuleSet, NoSuchDecision
from policy.decisions.explaining import explain_decision
from policy.decisions.operations import decision_event, recheck
from policy.decisions.queries import DecisionFilter, get_decision, list_decisions
from policy.packet import PolicySection
from policy.rulesets import trying
from policy.rulesets.errors import FactsNotKept, IntentNotDecided
from policy.types import DecisionRecord
from tests import workspaces
from tests.ledger.book import at_once
from tests.policy.desk import Desk
from tests.policy.rules_room import Room, document, over, rule
from zentra.core import actors, canonical, clock, ids
from zentra.tenants.configuration.operations import change_settings

if TYPE_CHECKING:
    from pytest_django.plugin import DjangoDbBlocker

    from zentra.core.tenancy import TenantRef

WINDOW = {"rolling_seconds": 86_400}
PRESENT = {"op": "is_present", "field": "amount_minor"}


@pytest.fixture(scope="module")
def workspace(migrated: str, django_db_blocker: DjangoDbBlocker) -> Iterator[TenantRef]:
    """One for all of these: each test puts its own rules in force."""
    with django_db_blocker.unblock():
        made = workspaces.create(slug=f"t-{secrets.token_hex(5)}", mode="sandbox", ledger_currency="USD")
        yield made
        workspaces.drop(made)


@pytest.fixture
def room(workspace: TenantRef, database: None) -> Room:
    return Room(workspace)


def outcomes(decision: DecisionRecord) -> dict[str, str]:
    """What came of each rule."""
    return {result.rule: result.outcome for result in decision.results}


@pytest.mark.parametrize(
    ("action", "outcome", "of_rule"),
    [
        ("accept_with_note", "accepted", "noted"),
        ("review", "review", "review"),
        ("block_and_review", "review", "blocked"),
        ("decline", "declined", "declined"),
    ],
)
def test_each_action_has_its_outcome(action: str, outcome: str, of_rule: str, room: Room) -> None:
    room.put(document(rule("a.b", over(10), action=action)))

    fired, passed = room.decide(11), room.decide(10)

    assert (fired.outcome, outcomes(fired)) == (outcome, {"a.b": of_rule})
    assert (passed.outcome, outcomes(passed)) == ("accepted", {"a.b": "passed"})
    assert fired.four_eyes == (action == "block_and_review")


def test_scores_add_up_to_a_lane_and_a_rule_may_name_a_riskier_one(room: Room) -> None:
    room.put(document(*(rule(f"n.n{n}", over(n * 10), action="accept_with_note", score=35) for n in range(1, 5)),
                      rule("own.lane", over(100), action="accept_with_note", lane="C")))  # fmt: skip

    found = [(d.score, d.lane) for d in map(room.decide, (5, 15, 25, 45, 101))]

    assert found == [(0, "A"), (35, "B"), (70, "C"), (100, "C"), (100, "C")]


def test_tags_are_those_of_the_rules_that_fired_each_once(room: Room) -> None:
    south = ["avoid:rail_south"]
    room.put(document(rule("a.a", over(1), action="accept_with_note", tags=south),
                      rule("b.b", over(2), action="accept_with_note", tags=[*south, "prefer:rail_north"]),
                      rule("c.c", over(9), action="accept_with_note", tags=["avoid:rail_east"])))  # fmt: skip

    decision = room.decide(5)

    assert decision.tags == ("avoid:rail_south", "prefer:rail_north")
    assert room.stored(decision.intent_id).tags == decision.tags
    assert decision_event(decision, trace_id=None).data["tags"] == list(decision.tags)


@pytest.mark.parametrize(
    ("four_eyes", "amount", "needs_two"),
    [
        ({"amount_minor": 100}, 99, False),
        ({"amount_minor": 100}, 100, True),
        ({"amount_minor": {"by_currency": {"USD": 200}, "otherwise": 1}}, 100, False),
        ({"rules": ["a.b"]}, 50, True),
        ({"kinds": ["transfer"]}, 50, False),
        ({"kinds": ["payment"]}, 50, True),
        ({}, 50, False),
    ],
)
def test_two_people_approve_what_the_rules_say(
    four_eyes: dict[str, Any], amount: int, needs_two: bool, room: Room
) -> None:
    room.put(document(rule("a.b", over(10)), four_eyes=four_eyes))

    assert room.decide(amount).four_eyes is needs_two
    assert room.decide(10).four_eyes is False


def test_what_cannot_be_judged_follows_the_rule_then_its_set_then_the_workspace(room: Room) -> None:
    unknown = {"op": "eq", "field": "segment", "value": "vip"}
    silent = document(rule("a.silent", unknown))
    of_set = document(rule("a.silent", unknown), on_missing="review")
    of_rule = document(rule("a.silent", unknown, on_missing="review"), on_missing="decline")

    def decided(written: dict[str, Any]) -> str:
        room.put(written)
        return str(room.decide(10).outcome)

    assert decided(silent) == "review"
    room.do(
        change_settings, workspace=room.ws, values={"policy_failure": "decline"}, version=None, actor=actors.RUNTIME
    )
    assert [decided(each) for each in (silent, of_set, of_rule)] == ["declined", "review", "review"]
    room.do(change_settings, workspace=room.ws, values={"policy_failure": None}, version=None, actor=actors.RUNTIME)
    assert decided(silent) == "review"


def test_a_rule_is_asked_only_of_its_scope(room: Room) -> None:
    corridor = {"corridors": [{"destination": "US"}]}
    room.put(document(rule("by.kind", PRESENT, scope={"kinds": ["transfer"]}),
                      rule("by.corridor", PRESENT, scope=corridor),
                      rule("by.account", PRESENT, scope={"accounts": ["till"]}),
                      rule("switched.off", PRESENT, is_enabled=False)))  # fmt: skip

    def asked(**fields: Any) -> set[str]:
        return {name for name, outcome in outcomes(room.decide(1, **fields)).items() if outcome != "not_applicable"}

    assert asked(corridor_destination="DE", account_code="shop") == set()
    assert asked(corridor_destination="US", account_code="shop") == {"by.corridor"}
    assert asked(corridor_destination="DE", account_code="till", kind="transfer") == {"by.kind", "by.account"}
    # Who leaves out a corridor does not get out of its rules.
    assert "by.corridor" in asked(account_code="shop")


def test_a_window_includes_this_intent_and_leaves_out_what_was_declined(room: Room) -> None:
    total = {"op": "window", "measure": "sum", "by": "customer", "window": WINDOW, "compare": "gt", "value": 100}
    room.put(document(rule("w.sum", total), rule("cap.cap", over(500), action="decline")))
    customer = ids.new_id("usr")

    found = [room.decide(amount, customer=customer) for amount in (60, 501, 40, 1)]

    assert [d.outcome for d in found] == ["accepted", "declined", "accepted", "review"]
    assert [d.results[0].values for d in found] == [(60,), (561,), (100,), (101,)]
    assert room.decide(99).outcome == "review", "no customer: the window cannot be asked, and nothing passes by that"


def test_counts_and_counterparties_of_a_window(room: Room) -> None:
    def window(measure: str, value: int) -> dict[str, Any]:
        words = {"op": "window", "measure": measure, "by": "account", "window": WINDOW}
        return {**words, "compare": "gte", "value": value}

    room.put(document(rule("w.count", window("count", 3), action="accept_with_note"),
                      rule("w.distinct", window("distinct_counterparties", 2), action="accept_with_note")))  # fmt: skip
    account = ids.new_id("acct")

    found = [room.decide(1, account=account, counterparty=payee) for payee in ("p", "p", "q")]

    assert [[r.values[0] for r in d.results] for d in found] == [[1, 1], [2, 1], [3, 2]]
    assert outcomes(found[2]) == {"w.count": "noted", "w.distinct": "noted"}


def test_several_amounts_just_under_a_limit_are_structuring_whatever_else_moves(room: Room) -> None:
    under = {
        "op": "structuring",
        "by": "customer",
        "window": WINDOW,
        "limit": 1_000,
        "within_percent": 10,
        "at_least": 3,
    }
    room.put(document(rule("s.s", under)))
    customer = ids.new_id("usr")

    amounts = (900, 1_000, 899, 1_001, 950, 20)
    found = [room.decide(amount, customer=customer).outcome for amount in amounts]

    assert found == ["accepted"] * 4 + ["review", "accepted"]


def test_the_first_intent_with_a_counterparty_is_known(room: Room) -> None:
    room.put(document(rule("f.f", {"op": "all", "of": [
        {"op": "is_present", "field": "is_first_with_counterparty"},
        {"op": "eq", "field": "is_first_with_counterparty", "value": True},
    ]}, action="accept_with_note")))  # fmt: skip
    customer = ids.new_id("usr")

    found = [outcomes(room.decide(1, customer=customer, counterparty=payee))["f.f"] for payee in ("p", "p", "q", "")]

    assert found == ["noted", "passed", "noted", "passed"]


def test_a_limit_that_only_notes_counts_and_holds_nobody(room: Room) -> None:
    limit = {"name": "l.l", "action": "accept_with_note", "reason": "much", "measure": "count", "by": "customer",
             "window": WINDOW, "limit": 1}  # fmt: skip
    room.put(document(limits=[limit]))
    customer = ids.new_id("usr")

    found = [room.decide(1, customer=customer) for _ in range(3)]

    assert [(d.outcome, outcomes(d)["l.l"]) for d in found] == [("accepted", "passed"), *[("accepted", "noted")] * 2]
    assert found[2].results[0].reason == "much: 3 of 1 intents"
    assert (found[2].results[0].input_minor, found[2].results[0].limit_minor) == (None, None)


def test_intents_at_once_fill_a_limit_exactly_when_the_rules_change_meanwhile(room: Room) -> None:
    limit = {"name": "l.l", "action": "review", "reason": "much", "measure": "sum", "by": "customer",
             "window": WINDOW, "limit": 10}  # fmt: skip
    room.put(document(limits=[limit]))
    customer = ids.new_id("usr")
    room.decide(1, customer=customer)

    results = at_once([lambda: room.decide(1, customer=customer)] * 10
                      + [lambda: room.put(document(limits=[limit]))]
                      + [lambda: room.decide(1, customer=customer)] * 10, threads=8)  # fmt: skip

    decided = [result for result in results if isinstance(result, DecisionRecord)]
    assert len(decided) == 20
    assert [d.outcome for d in decided].count("accepted") == 9
    assert Desk(room.ws).used(customer) == 10


def test_what_cannot_be_read_decides_nothing(room: Room) -> None:
    room.put({"schema": 2, "rules": [{"name": "a.b"}]})

    with pytest.raises(NoRuleSet):
        room.decide(1)

    room.put(document())
    assert room.decide(1).outcome == "accepted"


def test_rules_of_the_first_format_still_decide(room: Room) -> None:
    over_ten = {"name": "old.old", "type": "amount_over", "action": "noted", "lane": "B", "limits_minor": {"USD": 10},
                "default_limit_minor": 5, "reason": "much"}  # fmt: skip
    rolling = {"name": "old.sum", "type": "rolling_sum", "action": "review", "window_seconds": 60,
               "limits_minor": {}, "default_limit_minor": 20, "reason": "much"}  # fmt: skip
    room.put({"rules": [over_ten, rolling]})
    customer = ids.new_id("usr")

    first, second = room.decide(11, customer=customer), room.decide(11, customer=customer)

    assert (first.outcome, first.lane, outcomes(first)) == ("accepted", "B", {"old.old": "noted", "old.sum": "passed"})
    assert (second.outcome, second.gate and second.gate.rule) == ("review", "old.sum")
    assert [each.words for each in room.ask(explain_decision, decision=room.stored(second.intent_id))] == [
        "When the amount is more than 0.10 USD: accept with a note.",
        "When the sum of amounts of the customer in 1 minute would pass 0.20 USD: hold for review.",
    ]


def test_a_decision_is_explained_node_by_node(room: Room) -> None:
    tree = {"op": "any", "of": [over(10), {"op": "eq", "field": "corridor.destination", "value": "US"}, over(99)]}
    room.put(document(rule("a.b", {"op": "all", "of": [{"op": "not", "of": over(50)}, tree]})))
    decision = room.decide(7, corridor_destination="US")

    [told] = room.ask(explain_decision, decision=room.stored(decision.intent_id))

    assert (told.outcome, told.reason, told.action) == ("review", "says a.b", "review")
    assert [(node.depth, node.words, node.saw, node.holds) for node in told.nodes] == [
        (0, "all of", "", True),
        (1, "not", "", True),
        (2, "the amount is more than 0.50 USD", "0.07 USD", False),
        (1, "any of", "", True),
        (2, "the amount is more than 0.10 USD", "0.07 USD", False),
        (2, "the corridor's destination is “US”", "US", True),
        (2, "the amount is more than 0.99 USD", "", None),
    ]
    assert [node.was_asked for node in told.nodes] == [True] * 6 + [False]


def test_what_rules_saw_stays_out_of_events_and_packets(room: Room) -> None:
    name = "Jane Q. Public"
    room.put(document(rule("a.b", {"op": "contains", "field": "counterparty", "text": "Jane"})))
    decision = room.decide(5, counterparty=name)

    event = decision_event(decision, trace_id=None)
    section = room.ask(PolicySection().build, intent_id=decision.intent_id)

    assert name not in canonical.dumps(event.data).decode()
    assert section is not None
    assert name not in canonical.dumps(section).decode()
    assert room.stored(decision.intent_id).rules[0]["values"] == [name]


def test_decisions_are_found_by_id_and_listed_newest_first(room: Room) -> None:
    version = room.put(document(rule("a.b", over(10)), rule("c.d", over(20), action="decline")))
    made = [room.decide(amount, at=clock.now() + timedelta(seconds=n)) for n, amount in enumerate((5, 15, 25, 6))]

    def found(limit: int = 50, before: Any = None, **where: Any) -> list[str]:
        asked = DecisionFilter(rule_set=version, **where)
        return [each.id for each in room.ask(list_decisions, where=asked, before=before, limit=limit)]

    newest_first = [each.id for each in reversed(made)]
    assert found() == newest_first
    assert found(limit=2) + found(before=(made[2].decided_at, made[2].id)) == newest_first
    assert found(outcome="accepted") == [made[3].id, made[0].id]
    assert found(rule="c.d") == [made[2].id]
    for text in (made[1].id, made[1].intent_id):
        assert found(text=text) == [made[1].id]
    assert room.ask(get_decision, decision_id=made[0].id).outcome == "accepted"
    for wrong in (ids.new_id("dec"), "dec_x", ""):
        with pytest.raises(NoSuchDecision):
            room.ask(get_decision, decision_id=wrong)


def test_what_time_changed_is_said_before_an_approval(room: Room) -> None:
    limit = {"name": "l.l", "action": "review", "reason": "much", "measure": "sum", "by": "customer",
             "window": WINDOW, "limit": 100}  # fmt: skip
    room.put(document(rule("a.b", over(50)), limits=[limit]))
    customer = ids.new_id("usr")
    held = room.decide(60, customer=customer)
    kept = room.stored(held.intent_id)

    same = room.do(recheck, subject=held.subject, decision=kept)
    room.put(document(rule("a.b", over(50), action="decline"), rule("n.n", over(1)), limits=[limit]))
    worse = room.do(recheck, subject=held.subject, decision=kept)

    assert same.changed == ()
    assert {result.rule: result.outcome for result in worse.changed} == {"a.b": "declined", "n.n": "review"}
    assert Desk(room.ws).used(customer) == 60, "nothing was counted by asking"


def test_others_who_used_up_the_limit_change_it_too(room: Room) -> None:
    limit = {"name": "l.l", "action": "decline", "reason": "much", "measure": "sum", "by": "customer",
             "window": WINDOW, "limit": 100}  # fmt: skip
    room.put(document(rule("a.b", over(50)), limits=[limit]))
    customer = ids.new_id("usr")
    held = room.decide(60, customer=customer, at=clock.now() - timedelta(days=30))
    room.decide(50, customer=customer)

    again = room.do(recheck, subject=held.subject, decision=room.stored(held.intent_id))

    assert [(result.rule, result.outcome) for result in again.changed] == [("l.l", "declined")]


def test_the_hour_of_an_intent_is_when_it_came(room: Room) -> None:
    at = clock.now().replace(hour=3) - timedelta(days=2)
    night = {"op": "between", "field": "hour_utc", "min": 4, "max": 23}
    room.put(document(rule("a.b", over(1)), rule("h.h", night)))
    held = room.decide(5, at=at)

    assert room.do(recheck, subject=replace(held.subject, at=at), decision=room.stored(held.intent_id)).changed == ()


def test_rules_are_tried_on_a_past_intent_as_things_stood_then(room: Room) -> None:
    room.put(document(rule("a.b", over(10))))
    customer = ids.new_id("usr")
    for amount in (5, 6):
        room.decide(amount, customer=customer)
    decision = room.decide(7, customer=customer)
    room.decide(1_000, customer=customer)
    before = Desk(room.ws).sql("SELECT count(*) FROM policy_decision")

    total = {"op": "window", "measure": "sum", "by": "customer", "window": WINDOW, "compare": "gt", "value": 17}
    written = document(rule("w.sum", total, action="decline", score=70), rule("o.o", over(10)))
    preview = room.do(trying.test_rule_set, document=written, intent_id=decision.intent_id)

    assert (preview.was, preview.outcome, preview.gate, preview.lane) == ("accepted", "declined", "w.sum", "C")
    assert [(each.name, each.outcome, each.nodes[0].saw) for each in preview.rules] == [
        ("w.sum", "declined", "0.18 USD"),
        ("o.o", "passed", "0.07 USD"),
    ]
    assert Desk(room.ws).sql("SELECT count(*) FROM policy_decision") == before


def test_rules_are_tried_only_on_what_was_decided_and_kept(room: Room) -> None:
    with pytest.raises(IntentNotDecided):
        room.do(trying.test_rule_set, document=document(), intent_id="nothing")

    old = ids.new_id("intent")
    Desk(room.ws).sql(
        "INSERT INTO policy_decision (id, intent_id, rule_set, outcome, lane, rules, decided_at, actor)"
        " VALUES (gen_random_uuid(), %s, 1, 'accepted', 'A', '[]', now(), '{}')",
        [old],
    )
    with pytest.raises(FactsNotKept):
        room.do(trying.test_rule_set, document=document(), intent_id=old)
