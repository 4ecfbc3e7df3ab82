"""Poison: what is signed and cannot be taken in is kept, corrected once by a person, or left to rest."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection

from policy.reviews.queries import find_open_case, get_review
from policy.reviews.types import ReviewRecord
from tests.webhooks.intents import RoutedIntent, accepting_rail, routed_intent, with_key
from tests.webhooks.work import event_rows
from webhooks.inbound import receiving
from webhooks.inbound.payload import MalformedCallback
from webhooks.inbound.quarantine import (
    NoteNeeded,
    NotQuarantined,
    QuarantineClosed,
    RepairContradicts,
    RepairFailed,
)
from webhooks.inbound.receiving import MAX_BODY_BYTES, CallbackTooLarge
from webhooks.operations import dismiss_callback, repair_callback, take_callback
from webhooks.queries import (
    CallbackNotFound,
    QuarantineRecord,
    count_quarantined,
    get_callback,
    get_quarantined,
    list_quarantine,
    repeats_of,
)
from webhooks.types import CallbackReceipt, CallbackRecord
from zentra.core.actors import Actor
from zentra.core.clock import now
from zentra.core.errors import DomainError
from zentra.core.ids import new_id
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.runtime.operations import apply_provider_outcome

FINANCE = Actor(kind="user", id="usr_finance", role="finance")
OPERATOR = Actor(kind="user", id="usr_operator", role="operator")
POISON = b'{"id": "pev_poison", "type": "payment.succeeded", "amount_minor": "1250.00"}'


@pytest.fixture
def intent(workspace: TenantRef) -> Iterator[RoutedIntent]:
    with accepting_rail(workspace):
        yield routed_intent(workspace)


def poisoned(intent: RoutedIntent, body: bytes = POISON) -> CallbackReceipt:
    return intent.receive(intent.headers("pev_poison", body), body)


def good_body(intent: RoutedIntent, outcome: str = "succeeded") -> bytes:
    return intent.event(outcome, id="pev_poison")[1]


def take(intent: RoutedIntent, outcome: str = "succeeded", **changes: Any) -> CallbackReceipt:
    """The way in that the API uses, with its transactions."""
    event_id, body = intent.event(outcome, **changes)
    return take_callback(
        workspace=intent.ws,
        connection_id=intent.rail_id,
        headers=intent.headers(event_id, body),
        body=body,
        now=now(),
    )


def repair(intent: RoutedIntent, callback_id: str | None, body: bytes, actor: Actor = FINANCE) -> CallbackReceipt:
    with tenant_work(intent.ws):
        return repair_callback(
            callback_id=str(callback_id), body=body, actor=actor, note="The amount was a text.", now=now()
        )


def dismiss(intent: RoutedIntent, callback_id: str | None) -> QuarantineRecord:
    with tenant_work(intent.ws):
        return dismiss_callback(callback_id=str(callback_id), actor=OPERATOR, note="A test of theirs.", now=now())


def held(intent: RoutedIntent) -> list[QuarantineRecord]:
    with tenant_work(intent.ws):
        return list(list_quarantine().rows)


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> Iterator[None]:
    """Applying fails after it has written: whatever it did must not stay."""
    applied = apply_provider_outcome

    def fail(**words: Any) -> Any:
        applied(**words)
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(receiving, "apply_provider_outcome", fail)
        yield


# -- Repair ------------------------------------------------------------------------------------------------------------


def test_a_poison_message_waits_with_its_bytes_and_says_why(intent: RoutedIntent) -> None:
    receipt = poisoned(intent)

    [row] = held(intent)
    assert (row.id, row.state, row.code, row.body) == (receipt.first_id, "open", "malformed_callback", POISON)
    [said] = event_rows(intent.ws, "callback.quarantined")
    assert (said["data"]["code"], said["data"]["callback_id"]) == ("malformed_callback", row.id)
    with tenant_work(intent.ws):
        assert count_quarantined() == 1


def test_a_corrected_body_is_applied_like_a_callback_and_kept_beside_the_original(intent: RoutedIntent) -> None:
    receipt = poisoned(intent)
    fixed = good_body(intent)

    done = repair(intent, receipt.callback_id, fixed)

    assert (done.state, done.effect, done.intent_id, done.first_id) == (
        "applied",
        "applied",
        "intent_042",
        receipt.callback_id,
    )
    assert intent.purposes() == ["reserve", "success"]
    [row] = held(intent)
    assert (row.state, row.body, row.fixed_body, row.note) == ("applied", POISON, fixed, "The amount was a text.")
    assert row.decided_by is not None
    assert row.decided_by["id"] == "usr_finance"
    [said] = event_rows(intent.ws, "callback.repaired")
    assert (said["actor"]["id"], said["intent_id"], said["data"]["note"]) == ("usr_finance", "intent_042", row.note)
    assert said["data"]["posting_id"] == done.posting_id is not None
    [applied] = event_rows(intent.ws, "callback.applied")
    assert (applied["data"]["signature"], applied["data"]["source"]) == ("repaired", "repair")
    with tenant_work(intent.ws):
        first, second = repeats_of(callback_id=str(receipt.callback_id))
        detail = get_callback(callback_id=first.id)
    assert [(each.state, each.source, each.body) for each in (first, second)] == [
        ("quarantined", "callback", POISON),
        ("applied", "repair", fixed),
    ]
    assert (detail.now_state, detail.arrivals, detail.body_text) == ("applied", 1, POISON.decode())
    assert detail.quarantine == row


def test_after_a_repair_the_poison_itself_is_a_repeat_so_that_the_provider_stops(intent: RoutedIntent) -> None:
    receipt = poisoned(intent)
    done = repair(intent, receipt.callback_id, good_body(intent))
    entries = intent.entry_count()

    again = poisoned(intent)

    assert (again.status, again.state, again.posting_id, again.arrival) == (200, "duplicate", done.posting_id, 2)
    assert intent.entry_count() == entries
    assert held(intent)[0].state == "applied"


@pytest.mark.parametrize("body", [b"", b"{", POISON, b"\xff", b"[]"])
def test_a_correction_that_is_no_callback_changes_nothing(intent: RoutedIntent, body: bytes) -> None:
    receipt = poisoned(intent)
    with pytest.raises(MalformedCallback):
        repair(intent, receipt.callback_id, body)
    assert held(intent)[0].state == "open"
    assert intent.purposes() == ["reserve"]
    assert event_rows(intent.ws, "callback.repaired") == []


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"type": "payment.failed"}, "type"),
        ({"reference": "somebody_else"}, "reference"),
        ({"currency": "JPY"}, "currency"),
    ],
)
def test_what_the_provider_said_is_not_a_persons_to_change(
    intent: RoutedIntent, said: dict[str, str], field: str
) -> None:
    wanted = good_body(intent)
    original = json.dumps({**json.loads(wanted), "amount_minor": "1250.00", **said}).encode()
    receipt = poisoned(intent, original)

    with pytest.raises(RepairContradicts) as refused:
        repair(intent, receipt.callback_id, wanted)

    assert refused.value.extra == {"field": field}
    assert intent.purposes() == ["reserve"]
    assert [each.state for each in held(intent)] == ["open"]


def test_an_amount_that_can_be_read_stays_too(intent: RoutedIntent) -> None:
    original = json.dumps({**json.loads(good_body(intent)), "amount_minor": 1, "provider_reference": ""}).encode()
    receipt = poisoned(intent, original)

    with pytest.raises(RepairContradicts):
        repair(intent, receipt.callback_id, good_body(intent))


def test_a_correction_has_a_callbacks_size(intent: RoutedIntent) -> None:
    receipt = poisoned(intent)
    with pytest.raises(CallbackTooLarge):
        repair(intent, receipt.callback_id, b" " * (MAX_BODY_BYTES + 1))


@pytest.mark.parametrize("note", ["", "   ", "x" * 501, "a\x00b"])
def test_who_decides_says_why(intent: RoutedIntent, note: str) -> None:
    receipt = poisoned(intent)
    with tenant_work(intent.ws), pytest.raises(NoteNeeded):
        repair_callback(
            callback_id=str(receipt.callback_id), body=good_body(intent), actor=FINANCE, note=note, now=now()
        )
    with tenant_work(intent.ws), pytest.raises(NoteNeeded):
        dismiss_callback(callback_id=str(receipt.callback_id), actor=FINANCE, note=note, now=now())
    assert held(intent)[0].state == "open"


def test_two_who_repair_at_once_apply_it_once(intent: RoutedIntent) -> None:
    receipt = poisoned(intent)
    results: list[str] = []
    start = threading.Barrier(2)

    def work(actor: Actor) -> None:
        start.wait()
        try:
            results.append(repair(intent, receipt.callback_id, good_body(intent), actor).state)
        except DomainError as refused:
            results.append(refused.code)
        connection.close()

    threads = [threading.Thread(target=work, args=[actor]) for actor in (FINANCE, OPERATOR)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == ["applied", "quarantine_closed"]
    assert intent.purposes() == ["reserve", "success"]
    assert len(event_rows(intent.ws, "callback.repaired")) == 1


def test_a_repair_races_the_providers_own_and_one_of_them_counts(intent: RoutedIntent) -> None:
    receipt = poisoned(intent)
    fixed = good_body(intent)
    results: list[str] = []
    start = threading.Barrier(2)

    def person() -> None:
        start.wait()
        try:
            results.append("person " + repair(intent, receipt.callback_id, fixed).state)
        except DomainError as refused:
            results.append("person " + refused.code)
        connection.close()

    def provider() -> None:
        start.wait()
        results.append("provider " + poisoned(intent, fixed).state)
        connection.close()

    threads = [threading.Thread(target=work) for work in (person, provider)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) in (
        ["person applied", "provider duplicate"],
        ["person quarantine_closed", "provider applied"],
    )
    assert intent.purposes() == ["reserve", "success"]
    assert held(intent)[0].state == "applied"


def test_a_repair_may_name_an_attempt_that_is_yet_to_come(intent: RoutedIntent) -> None:
    receipt = poisoned(intent)
    stray = with_key(intent, f"{intent.rail_id}.intent_later.1")

    assert repair(intent, receipt.callback_id, good_body(stray)).state == "unmatched"
    # The poison again must not push it back into quarantine.
    assert poisoned(intent).state == "duplicate"
    with tenant_work(intent.ws):
        assert get_callback(callback_id=str(receipt.callback_id)).now_state == "unmatched"


def test_what_is_not_in_quarantine_is_not_found(intent: RoutedIntent, other_workspace: TenantRef) -> None:
    applied = intent.tell("succeeded")
    held_id = poisoned(intent).callback_id
    for callback_id in (applied.callback_id, new_id("cb"), "nonsense", ""):
        with pytest.raises(NotQuarantined):
            repair(intent, callback_id, good_body(intent))
    with tenant_work(other_workspace), pytest.raises(NotQuarantined):
        dismiss_callback(callback_id=str(held_id), actor=OPERATOR, note="not mine", now=now())
    with tenant_work(intent.ws), pytest.raises(CallbackNotFound):
        get_quarantined(callback_id=str(applied.callback_id))
    assert [row.state for row in held(intent)] == ["open"]


# -- Dismissed, or sent again ------------------------------------------------------------------------------------------


def test_a_dismissed_one_is_kept_and_its_repeat_is_answered_so_that_it_ends(intent: RoutedIntent) -> None:
    receipt = poisoned(intent)

    row = dismiss(intent, receipt.callback_id)

    assert (row.state, row.note, row.body) == ("dismissed", "A test of theirs.", POISON)
    assert [each["actor"]["id"] for each in event_rows(intent.ws, "callback.dismissed")] == ["usr_operator"]
    assert (poisoned(intent).status, poisoned(intent).state) == (200, "duplicate")
    with pytest.raises(QuarantineClosed):
        dismiss(intent, receipt.callback_id)
    with pytest.raises(QuarantineClosed):
        repair(intent, receipt.callback_id, good_body(intent))
    assert intent.purposes() == ["reserve"]


def test_the_providers_own_correction_closes_the_quarantine_even_a_dismissed_one(intent: RoutedIntent) -> None:
    receipt = poisoned(intent)
    dismiss(intent, receipt.callback_id)

    assert poisoned(intent, good_body(intent)).state == "applied"

    [row] = held(intent)
    assert (row.state, row.fixed_body, row.decided_by and row.decided_by["kind"]) == ("applied", None, "provider")


def test_another_poison_under_the_same_id_is_what_a_person_sees(intent: RoutedIntent) -> None:
    poisoned(intent)
    poisoned(intent, POISON + b"\n")

    [row] = held(intent)
    assert row.body == POISON + b"\n"
    with tenant_work(intent.ws):
        assert [each.body for each in repeats_of(callback_id=row.id)] == [POISON, POISON + b"\n"]


# -- Failing on our side -----------------------------------------------------------------------------------------------


def test_what_we_fail_to_apply_is_kept_and_answered_202_so_that_the_provider_stops(
    intent: RoutedIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    with failing(monkeypatch, ZeroDivisionError("a bug of ours")):
        receipt = take(intent)
        again = take(intent)

    assert (receipt.status, receipt.state, receipt.refusal) == (202, "quarantined", None)
    assert (again.status, again.arrival) == (202, 2)
    assert intent.purposes() == ["reserve"]
    [row] = held(intent)
    assert (row.code, row.detail) == ("callback_apply_failed", "ZeroDivisionError: a bug of ours")
    assert event_rows(intent.ws, "callback.refused") == []
    # Mended, a person applies the very same bytes.
    assert repair(intent, row.id, row.body).state == "applied"
    assert intent.purposes() == ["reserve", "success"]
    assert take(intent).state == "duplicate"


def test_a_failing_statement_of_the_database_leaves_nothing_half_done(
    intent: RoutedIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    with failing(monkeypatch, DatabaseError("a trigger refused it")):
        assert take(intent).state == "quarantined"
    assert intent.purposes() == ["reserve"]
    assert intent.now().outcome is None or intent.now().outcome == "accepted"


def test_a_database_that_is_busy_quarantines_nothing(intent: RoutedIntent, monkeypatch: pytest.MonkeyPatch) -> None:
    with failing(monkeypatch, OperationalError("deadlock detected")), pytest.raises(OperationalError):
        take(intent)
    assert held(intent) == []
    assert take(intent).state == "applied"


def test_a_repair_that_fails_like_the_first_is_refused_and_changes_nothing(
    intent: RoutedIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = poisoned(intent)
    with failing(monkeypatch, ZeroDivisionError("still")), pytest.raises(RepairFailed):
        repair(intent, receipt.callback_id, good_body(intent))
    assert held(intent)[0].state == "open"
    assert intent.purposes() == ["reserve"]


# -- What a repeat converged on ----------------------------------------------------------------------------------------


def test_every_repeat_names_the_posting_that_it_converged_on(intent: RoutedIntent) -> None:
    first = take(intent, "succeeded")
    again = take(intent, "succeeded")
    settled = take(intent, "settled")

    assert first.posting_id == again.posting_id is not None
    assert settled.posting_id not in {None, first.posting_id}
    [replayed] = event_rows(intent.ws, "callback.replayed")
    assert (replayed["data"]["posting_id"], replayed["data"]["arrival"]) == (first.posting_id, 2)
    assert again.as_dict()["posting_id"] == first.posting_id
    with tenant_work(intent.ws):
        kept: list[CallbackRecord] = repeats_of(callback_id=str(first.callback_id))
    assert [each.posting_id for each in kept] == [first.posting_id] * 2


def test_a_late_word_names_the_posting_of_what_it_says_and_a_mismatch_none(intent: RoutedIntent) -> None:
    settled = take(intent, "settled")
    late = take(intent, "succeeded")
    wrong = take(intent, "settled", id="pev_wrong", amount_minor=1)

    assert late.state == "late"
    assert late.posting_id not in {None, settled.posting_id}
    assert (wrong.state, wrong.posting_id) == ("mismatch", None)


def test_the_callbacks_bytes_and_proof_are_shown_as_they_came(intent: RoutedIntent) -> None:
    receipt = intent.receive(intent.headers("pev_bytes", b"\xff\x00"), b"\xff\x00")
    with tenant_work(intent.ws):
        detail = get_callback(callback_id=str(receipt.callback_id))
    assert (detail.body_text, detail.body_hex) == (None, "ff00")
    assert set(detail.headers) == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    assert json.dumps(detail.headers)


def open_case_of(intent: RoutedIntent, callback_id: str | None) -> ReviewRecord | None:
    with tenant_work(intent.ws):
        return find_open_case(kind="callback", subject=str(callback_id))


def test_a_person_finds_it_among_the_reviews_until_it_is_applied_or_dismissed(intent: RoutedIntent) -> None:
    first = poisoned(intent)
    poisoned(intent)
    opened = open_case_of(intent, first.first_id)
    assert opened is not None
    assert (opened.rule, opened.queue, opened.maker) == ("callback.quarantined", "operations", intent.rail_id)

    repair(intent, first.callback_id, good_body(intent))

    assert open_case_of(intent, first.first_id) is None
    with tenant_work(intent.ws):
        ended = get_review(review_id=opened.id)
    assert (ended.state, ended.decided_by) == ("resolved", FINANCE.id)


def test_its_review_ends_when_it_is_dismissed(intent: RoutedIntent) -> None:
    receipt = poisoned(intent)

    dismiss(intent, receipt.callback_id)

    assert open_case_of(intent, receipt.first_id) is None
