"""Callbacks in: verified on raw bytes, stored, recognised, applied once; whatever is wrong is refused and recorded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, cast

import pytest
from django.db import DatabaseError, connection

from tests.webhooks import signed_callbacks as sign
from tests.webhooks.intents import RoutedIntent, accepting_rail, routed_intent, with_key
from tests.webhooks.work import event_rows
from webhooks import signing
from webhooks.inbound.receiving import MAX_BODY_BYTES
from webhooks.outbound.packet import DeliverySection
from webhooks.queries import CallbackFilter, callbacks_of_intent, count_callbacks, list_callbacks
from webhooks.types import CallbackReceipt
from zentra.core.actors import Actor
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing.operations import rotate_rail_secret, set_callback_scheme

ADMIN = Actor(kind="user", id="usr_admin", role="admin")


@pytest.fixture
def intent(workspace: TenantRef) -> Iterator[RoutedIntent]:
    with accepting_rail(workspace):
        yield routed_intent(workspace)


# -- Applied once ------------------------------------------------------------------------------------------------------


def test_a_callback_is_applied_and_kept_with_its_bytes(intent: RoutedIntent) -> None:
    receipt = intent.tell("succeeded")

    assert (receipt.status, receipt.state, receipt.arrival, receipt.intent_id) == (200, "applied", 1, "intent_042")
    assert intent.purposes() == ["reserve", "success"]
    with tenant_work(intent.ws):
        [kept] = callbacks_of_intent(intent_id=intent.intent_id)
    assert kept.body == intent.event("succeeded")[1]
    assert (kept.id, kept.first_id, kept.scheme, kept.state) == (receipt.callback_id, kept.id, "v1", "applied")
    [said] = event_rows(intent.ws, "callback.applied")
    assert (said["data"]["signature"], said["actor"]["kind"], said["intent_id"]) == (
        "verified",
        "provider",
        "intent_042",
    )


def test_a_repeat_is_kept_counted_and_changes_nothing(intent: RoutedIntent) -> None:
    first = intent.tell("succeeded")
    entries, before = intent.entry_count(), intent.now()
    second, third = intent.tell("succeeded"), intent.tell("succeeded")

    assert [(each.status, each.state, each.arrival) for each in (second, third)] == [
        (200, "duplicate", 2),
        (200, "duplicate", 3),
    ]
    assert {second.first_id, third.first_id} == {first.callback_id}
    assert second.mutations == first.mutations
    assert intent.entry_count() == entries
    assert (intent.now().version, intent.now().mutations) == (before.version, before.mutations)
    assert len(event_rows(intent.ws, "callback.replayed")) == 2


def test_the_same_callback_from_eight_threads_is_applied_once(intent: RoutedIntent) -> None:
    receipts: list[CallbackReceipt] = []
    start = threading.Barrier(8)

    def tell() -> None:
        start.wait()
        receipts.append(intent.tell("succeeded"))
        connection.close()

    threads = [threading.Thread(target=tell) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(receipt.arrival for receipt in receipts) == list(range(1, 9))
    assert [receipt.state for receipt in receipts].count("applied") == 1
    assert intent.purposes() == ["reserve", "success"]


def test_out_of_order_converges_and_the_late_one_regresses_nothing(intent: RoutedIntent) -> None:
    assert intent.tell("settled").state == "applied"
    late = intent.tell("succeeded")

    assert late.state == "late"
    assert intent.purposes() == ["reserve", "success", "settle"]
    assert intent.now().outcome == "settled"
    assert len(event_rows(intent.ws, "callback.late")) == 1


def test_another_amount_is_a_mismatch_and_posts_nothing(intent: RoutedIntent) -> None:
    assert intent.tell("succeeded", amount_minor=1).state == "mismatch"
    assert intent.purposes() == ["reserve"]


def test_a_callback_for_an_intent_that_we_do_not_know_is_kept(intent: RoutedIntent) -> None:
    stray = with_key(intent, "rail_elsewhere.intent_9.1")

    first, second = stray.tell("succeeded"), stray.tell("succeeded")

    assert [(each.status, each.state, each.arrival) for each in (first, second)] == [
        (200, "unmatched", 1),
        (200, "unmatched", 2),
    ]
    with tenant_work(intent.ws):
        kept = list_callbacks(where=CallbackFilter(states=("unmatched",))).rows
    assert {each.reference for each in kept} == {"rail_elsewhere.intent_9.1"}
    assert {each.intent_id for each in kept} == {None}


def test_during_a_rotation_the_old_secret_still_verifies(intent: RoutedIntent) -> None:
    with tenant_work(intent.ws):
        rotate_rail_secret(rail_id=intent.rail_id, actor=ADMIN, now=now())
    assert intent.tell("succeeded").state == "applied"
    with tenant_work(intent.ws):
        rotate_rail_secret(rail_id=intent.rail_id, actor=ADMIN, overlap=timedelta(0), now=now())
    assert intent.tell("settled").status == 401


def sign_by(intent: RoutedIntent, scheme: str, **settings: str) -> None:
    with tenant_work(intent.ws):
        set_callback_scheme(
            rail_id=intent.rail_id, scheme=scheme, settings=settings, secret=sign.TEXT, actor=ADMIN, now=now()
        )


def test_a_scheme_without_a_moment_is_taken_in_once_by_the_bodys_id_and_shown_in_the_packet(
    intent: RoutedIntent,
) -> None:
    sign_by(intent, "hmac_hex")
    body = intent.event("succeeded")[1]

    first = intent.receive(sign.plain_hmac(body, now()), body)
    replayed = intent.receive(sign.plain_hmac(body, now()) | {"webhook-id": "another"}, body)

    assert (first.state, replayed.state, replayed.first_id) == ("applied", "duplicate", first.callback_id)
    with tenant_work(intent.ws):
        kept, _ = callbacks_of_intent(intent_id=intent.intent_id)
        section = DeliverySection().build(intent_id=intent.intent_id)
    assert (kept.scheme, kept.signed_at, kept.provider_event_id) == ("hmac_hex", None, "pev_intent_042_succeeded")
    assert section is not None
    shown = cast(list[dict[str, Any]], section["callbacks"])[0]
    assert (shown["signed_at"], shown["posting_id"]) == (None, first.posting_id)


def test_after_a_change_of_scheme_only_the_new_way_is_believed(intent: RoutedIntent) -> None:
    sign_by(intent, "stripe")
    body = intent.event("succeeded")[1]

    assert intent.tell("succeeded").status == 401
    assert intent.receive(sign.stripe(body, now() - timedelta(minutes=6)), body).status == 401
    assert intent.receive(sign.stripe(body, now()), body).state == "applied"


# -- Refused -----------------------------------------------------------------------------------------------------------

Attack = Callable[[RoutedIntent], tuple[dict[str, str], bytes]]


def unsigned(intent: RoutedIntent) -> tuple[dict[str, str], bytes]:
    return {"content-type": "application/json"}, intent.event("succeeded")[1]


def forged(intent: RoutedIntent) -> tuple[dict[str, str], bytes]:
    event_id, body = intent.event("succeeded")
    return intent.headers(event_id, body, secret=signing.new_secret()), body


def altered(intent: RoutedIntent) -> tuple[dict[str, str], bytes]:
    event_id, body = intent.event("succeeded")
    return intent.headers(event_id, body), body.replace(b"125000", b"999000")


def stale(intent: RoutedIntent) -> tuple[dict[str, str], bytes]:
    event_id, body = intent.event("succeeded")
    return intent.headers(event_id, body, at=now() - timedelta(minutes=6)), body


def early(intent: RoutedIntent) -> tuple[dict[str, str], bytes]:
    event_id, body = intent.event("succeeded")
    return intent.headers(event_id, body, at=now() + timedelta(minutes=6)), body


def oversized(intent: RoutedIntent) -> tuple[dict[str, str], bytes]:
    event_id, body = intent.event("succeeded", padding="x" * MAX_BODY_BYTES)
    return intent.headers(event_id, body), body


def odd_headers(intent: RoutedIntent) -> tuple[dict[str, str], bytes]:
    event_id, body = intent.event("succeeded")
    return intent.headers(event_id, body) | {"webhook-signature": "v1,\udcff é ,,, v1"}, body


def not_utf8(intent: RoutedIntent) -> tuple[dict[str, str], bytes]:
    body = b"\xff\xfe\x00"
    return intent.headers("pev_bytes", body), body


def not_json(intent: RoutedIntent) -> tuple[dict[str, str], bytes]:
    body = b"[" * 50_000
    return intent.headers("pev_deep", body), body


def float_amount(intent: RoutedIntent) -> tuple[dict[str, str], bytes]:
    event_id, body = intent.event("succeeded", amount_minor=1250.0)
    return intent.headers(event_id, body), body


@pytest.mark.parametrize(
    ("attack", "status", "code"),
    [
        (unsigned, 401, "invalid_signature"),
        (forged, 401, "invalid_signature"),
        (altered, 401, "invalid_signature"),
        (odd_headers, 401, "invalid_signature"),
        (stale, 401, "stale_signature"),
        (early, 401, "stale_signature"),
        (oversized, 413, "callback_too_large"),
        (not_utf8, 400, "malformed_callback"),
        (not_json, 400, "malformed_callback"),
        (float_amount, 400, "malformed_callback"),
    ],
)
def test_a_bad_callback_is_refused_recorded_and_changes_nothing(
    intent: RoutedIntent, attack: Attack, status: int, code: str
) -> None:
    before, entries = intent.now(), intent.entry_count()

    receipt = intent.receive(*attack(intent))

    assert (receipt.status, receipt.refusal.code if receipt.refusal else None) == (status, code)
    assert (intent.now(), intent.entry_count()) == (before, entries)
    [refused] = event_rows(intent.ws, "callback.refused")
    assert (refused["data"]["reason"], refused["actor"]["kind"]) == (code, "anonymous")
    assert intent.tell("succeeded", id="pev_good").state == "applied"  # and the door is not jammed


def test_only_what_was_signed_is_kept_in_quarantine(intent: RoutedIntent) -> None:
    intent.receive(*forged(intent))
    intent.receive(*not_utf8(intent))

    with tenant_work(intent.ws):
        assert count_callbacks(since=now() - timedelta(minutes=1)) == {"quarantined": 1}
        [kept] = list_callbacks().rows
    assert kept.body == b"\xff\xfe\x00"


def test_a_body_that_could_not_be_read_is_applied_when_it_comes_again_repaired(intent: RoutedIntent) -> None:
    event_id, good = intent.event("succeeded")
    assert intent.receive(intent.headers(event_id, b"{"), b"{").status == 400

    receipt = intent.receive(intent.headers(event_id, good), good)

    assert (receipt.state, receipt.arrival) == ("applied", 2)


def test_an_event_id_that_comes_back_with_another_body_is_refused(intent: RoutedIntent) -> None:
    event_id, _ = intent.event("succeeded")
    intent.tell("succeeded")

    receipt = intent.tell("settled", id=event_id)

    assert (receipt.status, receipt.refusal.code if receipt.refusal else None) == (400, "callback_id_reused")
    assert intent.purposes() == ["reserve", "success"]
    assert len(event_rows(intent.ws, "callback.refused")) == 1


def test_the_secret_of_another_rail_does_not_verify(intent: RoutedIntent, other_workspace: TenantRef) -> None:
    with accepting_rail(other_workspace):
        foreign = routed_intent(other_workspace)
    event_id, body = intent.event("succeeded")

    assert intent.receive(intent.headers(event_id, body, secret=foreign.secret), body).status == 401


def test_a_kept_callback_cannot_be_changed(intent: RoutedIntent) -> None:
    intent.tell("succeeded")

    for statement in ("UPDATE webhooks_callback SET state = 'late'", "DELETE FROM webhooks_callback"):
        with pytest.raises(DatabaseError), tenant_work(intent.ws), connection.cursor() as cursor:
            cursor.execute(statement)
