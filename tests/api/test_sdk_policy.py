"""The SDK's calls about rules, decisions, cases and parties, over real HTTP: what they send is what the API takes."""

from __future__ import annotations

import asyncio

import pytest

from zentra.sdk import AsyncZentra, Conflict, InvalidRequest, NotFound, Zentra

RULE = {
    "name": "payee.new", "action": "review", "reason": "a first payment",
    "when": {"op": "gt", "field": "amount_minor", "value": 1_000},
}  # fmt: skip


def send(zentra: Zentra, intent_id: str, amount_minor: int) -> None:
    zentra.runtime.intents.create(intent_id=intent_id, kind="payment", amount_minor=amount_minor, currency="USD")


def test_rules_are_proposed_tried_and_never_published(zentra: Zentra) -> None:
    send(zentra, "past_1", 50_000)
    live = zentra.rule_sets.get()
    document = dict(live.document) | {"rules": [*live.document["rules"], RULE]}

    draft = zentra.rule_set_drafts.create(name="more care", document=document)
    tried = zentra.rule_set_drafts.test(draft.id, intent_id="past_1")
    changed = zentra.rule_set_drafts.change(draft.id, version=draft.version, document=document, name="most care")
    with pytest.raises(Conflict, match="stale_draft"):
        zentra.rule_set_drafts.change(draft.id, version=draft.version, document=document)
    wrong = zentra.rule_set_drafts.create(name="wrong", document={"schema": 2, "rules": [RULE | {"action": "x"}]})
    with pytest.raises(InvalidRequest, match="invalid_rule_set"):
        zentra.rule_set_drafts.validate(wrong.id)

    assert (tried.was, tried.outcome, tried.gate) == ("accepted", "review", "payee.new")
    assert zentra.rule_set_drafts.validate(draft.id).status == "validated"
    assert changed.name == "most care"
    assert {each.name for each in zentra.rule_set_drafts.iterate(limit=1, state="open")} == {"most care", "wrong"}
    assert zentra.rule_set_drafts.discard(draft.id).status == zentra.rule_set_drafts.get(draft.id).status == "discarded"
    assert zentra.rule_sets.diff(1).added == []
    assert [each.version for each in zentra.rule_sets.iterate()] == [live.version]
    assert not hasattr(zentra.rule_set_drafts, "publish")


def test_decisions_limits_lists_and_cases(zentra: Zentra) -> None:
    zentra.policy_lists.add("denied", "payee_bad", note="court order")
    send(zentra, "held_1", 4_000_001)
    zentra.runtime.intents.create(
        intent_id="bad_1", kind="payment", amount_minor=100, currency="USD", payee="payee_bad"
    )

    [held] = zentra.decisions.iterate(gate="limit.single_intent")
    assert zentra.decisions.get(held.id).rules
    assert [each.outcome for each in zentra.decisions.list(intent_id="bad_1")] == ["declined"]
    [case] = zentra.reviews.list()
    assert (zentra.reviews.get(case.id).alerts[0]["name"], case.intent_id) == ("limit.single_intent", "held_1")
    made = zentra.policy_lists.create(name="vip", kind="allow")
    assert zentra.policy_lists.get("vip").id == made.id
    [item] = zentra.policy_lists.items("denied")
    assert zentra.policy_lists.remove(item.id).status == "removed"
    assert {each.name: each.item_count for each in zentra.policy_lists.list()} == {"denied": 0, "vip": 0, "watched": 0}
    assert list(zentra.limits.iterate(name="nothing")) == []
    with pytest.raises(NotFound, match="decision_not_found"):
        zentra.decisions.get("dec_" + "0" * 26)


def test_a_party_lives_its_life(zentra: Zentra) -> None:
    party = zentra.parties.create(kind="person", reference="cust_ada", name="Ada Quill", country="GB")
    zentra.parties.add_name(party.id, name="Ada Byron", kind="former")
    zentra.parties.add_identifier(party.id, type="tax_id", value="GB 77", country="GB")
    zentra.parties.add_document(party.id, type="passport", expires_on="2090-01-01")
    now = zentra.parties.get(party.id)
    changed = zentra.parties.change(party.id, version=now.version, risk="high")

    assert (len(now.names), len(now.identifiers), len(now.documents)) == (1, 1, 1)
    assert zentra.parties.screen(party.id).screening == "clear"
    assert zentra.parties.verify(party.id).status == "queued"
    assert [each.id for each in zentra.parties.iterate(risk="high", limit=1)] == [party.id]
    assert (zentra.screening_hits.list().data, zentra.watchlists.list().data) == ([], [])
    version = zentra.parties.get(party.id).version
    assert zentra.parties.close(party.id, version=version, reason="left").status == "closed"
    assert changed.risk == "high"


def test_the_same_awaited(zentra: Zentra, api_url: str, api_key: str) -> None:
    send(zentra, "held_1", 4_000_001)

    async def read() -> tuple[int, list[str], str]:
        async with AsyncZentra(api_key=api_key, base_url=api_url) as client:
            party = await client.parties.create(kind="company", reference="payee_1", name="Quill Ltd")
            cases = [each.rule async for each in client.reviews.iterate(limit=1)]
            return (await client.rule_sets.get()).version, cases, party.screening

    assert asyncio.run(read()) == (1, ["limit.single_intent"], "clear")
