"""Intake up to *ledgered* is one transaction: all of it or nothing."""

from typing import Any

import pytest
from django.db import connection, transaction

from ledger.operations import change_account
from ledger.queries import find_account
from tests.ledger.book import at_once
from tests.runtime.story import AMOUNT, KEY, Story
from tests.webhooks.intents import API_KEY
from zentra.core import clock
from zentra.core.idempotency.operations import Answer, fingerprint, run_once
from zentra.core.money import InvalidAmount, UnknownCurrency
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.runtime import store
from zentra.runtime.errors import IntentExists
from zentra.runtime.operations import InvalidMovement, MovementRequired, UnknownKind, create_intent
from zentra.runtime.operations import intake as intake_module
from zentra.runtime.types import CreateIntent

OVER = 4_000_001
FAR_OVER = 50_000_001


def test_an_intent_is_ledgered_with_its_proof(story: Story) -> None:
    intent = story.create()

    assert story.get() == intent
    assert (intent.status, intent.mutations, intent.event_stream) == ("ledgered", 1, "syncing")
    assert intent.entry_hash == story.event("ledger.posted")["entry_hash"]
    assert intent.reserve_entry_id == story.event("ledger.posted")["entry_id"]
    assert story.events() == ["ingress.accepted", "policy.accepted", "ledger.entry.posted", "ledger.posted"]
    assert story.work("runtime.route") == 1


@pytest.mark.parametrize("where", ["record_events", "post_steps", "_keep"])
def test_a_crash_before_the_commit_leaves_nothing(where: str, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(story)

    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(intake_module, where, crash)
    with pytest.raises(KeyboardInterrupt):
        story.create()

    assert contents(story) == before
    assert story.find() is None


def test_a_crash_at_the_very_end_leaves_nothing(story: Story) -> None:
    before = contents(story)

    with tenant_work(story.ws):
        command = CreateIntent(intent_id="intent_042", amount_minor=AMOUNT, currency="USD")
        create_intent(command=command, actor=KEY, ws=story.ws, now=clock.now())
        transaction.set_rollback(True)

    assert contents(story) == before


def contents(story: Story) -> list[object]:
    tables = ("runtime_intent", "runtime_transition", "policy_decision", "policy_movement", "policy_review",
              "ledger_posting", "ledger_entry", "evidence_event", "evidence_unsealed")  # fmt: skip
    counts: list[object] = [story.sql(f"SELECT count(*) FROM {table}") for table in tables]
    items = story.sql("SELECT count(*) FROM public.work_item WHERE workspace_id = %s", [story.ws.id])
    return [*counts, items, story.sql("SELECT * FROM ledger_balance ORDER BY account_id")]


def test_fifty_threads_with_one_intent_make_one_intent_one_posting_and_identical_bodies(story: Story) -> None:
    mark = fingerprint(method="POST", route="/v1/runtime/intents", body={"intent_id": "intent_042"})

    def write() -> Answer:
        with tenant_work(story.ws) as ws:
            return run_once(operation="intents.create", key="intent_042", fingerprint=mark, now=clock.now(),
                            effect=lambda: effect(ws))  # fmt: skip

    def effect(ws: TenantRef) -> Answer:
        command = CreateIntent(intent_id="intent_042", amount_minor=AMOUNT, currency="USD")
        made = create_intent(command=command, actor=API_KEY, ws=ws, now=clock.now())
        return Answer(201, f"{made.intent.id} {made.intent.entry_hash}".encode())

    answers = at_once([write] * 50, threads=16)

    assert [a for a in answers if isinstance(a, Exception)] == []
    assert len({a.body for a in answers if isinstance(a, Answer)}) == 1
    assert story.sql("SELECT count(*) FROM runtime_intent") == [(1,)]
    assert len(story.entries()) == 2
    assert story.work("runtime.route") == 1


def test_an_intent_id_is_used_once_for_ever_whoever_asks_under_whatever_key(story: Story) -> None:
    results = at_once([lambda: story.create("intent_1")] * 12, threads=12)

    assert sum(not isinstance(r, Exception) for r in results) == 1
    assert all(isinstance(r, IntentExists) for r in results if isinstance(r, Exception))
    assert len(story.entries("intent_1")) == 2
    assert story.sql("SELECT count(*) FROM ledger_posting WHERE intent_id IS NOT NULL") == [(1,)]


def test_over_the_limit_nothing_posts_and_an_owner_is_named_in_the_same_transaction(story: Story) -> None:
    intent = story.create(amount_minor=OVER)

    assert (intent.status, intent.gate, intent.mutations) == ("review", "limit.single_intent", 0)
    assert story.entries() == []
    assert story.work("runtime.route") == 0
    assert story.events() == ["ingress.accepted", "policy.review", "review.opened", "review.assigned"]
    assert story.event("review.assigned")["owner"]


def test_far_over_the_limit_it_is_declined_and_will_be_sealed(story: Story) -> None:
    intent = story.create(amount_minor=FAR_OVER)

    assert (intent.status, intent.failure) == ("declined", "limit.hard_cap")
    assert story.entries() == []
    assert story.work("runtime.close") == 1
    assert story.events() == ["ingress.accepted", "policy.declined"]


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        ({"kind": "loan"}, UnknownKind),
        ({"currency": None}, InvalidMovement),
        ({"amount_minor": None}, InvalidMovement),
        ({"currency": "XXX"}, UnknownCurrency),
        ({"amount_minor": 0}, InvalidAmount),
        ({"amount_minor": 1.5}, InvalidAmount),
        ({"amount_minor": "1"}, InvalidAmount),
        ({"amount_minor": True}, InvalidAmount),
        ({"amount_minor": 2**53}, InvalidAmount),
        ({"debit_account": "customer_balance", "credit_account": "customer_balance"}, InvalidMovement),
    ],
)
def test_a_crooked_movement_is_refused_and_nothing_is_kept(
    words: dict[str, Any], refusal: type[Exception], story: Story
) -> None:
    before = contents(story)

    with pytest.raises(refusal):
        story.create(**words)

    assert contents(story) == before


def test_a_live_workspace_does_not_rehearse(live_workspace: TenantRef) -> None:
    with pytest.raises(MovementRequired):
        Story(live_workspace).create(amount_minor=None, currency=None)


def test_two_workspaces_may_use_one_intent_id(story: Story, other_workspace: TenantRef) -> None:
    story.create("intent_1")
    Story(other_workspace).create("intent_1")

    assert len(story.entries("intent_1")) == 2


def test_the_history_is_only_ever_added_to(story: Story) -> None:
    story.create()

    for statement in ("UPDATE runtime_transition SET reason = 'x'", "DELETE FROM runtime_transition",
                      "DELETE FROM runtime_intent"):  # fmt: skip
        with pytest.raises(Exception, match="permission denied"):
            story.sql(statement)
    with tenant_work(story.ws), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM runtime_transition")
        assert cursor.fetchone() == (3,)
    assert store.COLUMNS


def test_an_intent_id_taken_under_another_key_is_said_so_also_where_a_limit_counts(story: Story) -> None:
    wallet = story.wallet("w1", holds=1_000_000)
    story.create(debit_account=wallet)

    with pytest.raises(IntentExists):
        story.create(debit_account=wallet, idempotency_key="another")
    story.create("intent_held", amount_minor=4_000_001)
    with pytest.raises(IntentExists):
        story.create("intent_held", amount_minor=4_000_001, idempotency_key="another")


def test_an_account_that_changes_hands_is_the_new_customers_within_two_seconds(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1000.0
    monkeypatch.setattr(intake_module, "monotonic", lambda: moment)
    with tenant_work(story.ws):
        account = find_account(ref="customer_balance", currency="USD")
        change_account(account_id=account.id, customer="ada", now=clock.now())
    story.create("intent_1")
    with tenant_work(story.ws):
        change_account(account_id=account.id, customer="grace", now=clock.now())
    story.create("intent_2")
    moment += intake_module.REMEMBERED_SECONDS
    story.create("intent_3")

    seen = story.sql("SELECT intent_id, customer FROM policy_movement ORDER BY intent_id")
    assert (seen[0], seen[2]) == (("intent_1", "ada"), ("intent_3", "grace"))
