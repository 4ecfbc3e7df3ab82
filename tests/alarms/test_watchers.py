"""What each watcher sees of a real ledger, log, endpoint and rail, and when it keeps still."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from ledger.operations import resum_entries, run_check
from policy.reviews.operations import breach_overdue, open_case, settle_case
from policy.reviews.types import NewAlert
from tests.alarms.desk import ADMIN
from tests.evidence.sealing import record, seal, some_events
from tests.ledger.book import Book
from tests.ledger.tampered import tamper_with
from tests.webhooks.work import subscribe
from webhooks.operations import disable_endpoint, enable_endpoint
from zentra.alarms.types import Sight
from zentra.alarms.watchers import WATCHERS, kinds_of
from zentra.core import clock
from zentra.core.ids import to_uuid
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing.operations import connect_rail, pause_outgoing
from zentra.routing.types import RailRecord
from zentra.tenants.queries import platform_ref


def see(ws: TenantRef, kind: str, *, seconds_later: float = 0) -> Sight:
    """What the watcher of a kind sees now, or later."""
    with tenant_work(ws):
        return WATCHERS[kind](clock.now() + timedelta(seconds=seconds_later))


def change(ws: TenantRef, statement: str, values: Sequence[Any] = ()) -> None:
    with tenant_work(ws), connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_a_sound_workspace_rings_nothing(workspace: TenantRef) -> None:
    book = Book(workspace)
    book.move("bank", "customer_balance", 1000)
    book.sequence()

    for kind in kinds_of(workspace):
        assert see(workspace, kind.name) == Sight(), kind.name


def test_balances_that_do_not_add_up(workspace: TenantRef) -> None:
    book = Book(workspace)
    book.move("bank", "customer_balance", 1000)
    book.sequence()
    tamper_with(
        book,
        "UPDATE ledger_balance SET posted_credits = posted_credits + 7"
        " WHERE account_id = (SELECT id FROM ledger_account WHERE code = 'customer_balance')",
    )

    [finding] = see(workspace, "ledger_drift").findings

    assert (finding.subject, finding.facts["drift_minor"]) == ("USD", 7)
    assert finding.words == "USD is off: balances add up to 7 minor units and not to 0."


def test_two_errors_that_cancel_out_are_found_by_the_re_sum_and_by_the_check(workspace: TenantRef) -> None:
    book = Book(workspace)
    book.move("bank", "customer_balance", 1000)
    book.sequence()
    change_one = "UPDATE ledger_balance b SET {} FROM ledger_account a WHERE a.id = b.account_id AND a.code = %s"
    tamper_with(book, change_one.format("posted_credits = posted_credits + 5"), "customer_balance")
    tamper_with(book, change_one.format("posted_debits = posted_debits + 5"), "bank")
    with tenant_work(workspace):
        resum_entries(now=clock.now())
    run_check(workspace=workspace, started_by="schedule", now=clock.now())

    of_currency, of_check = see(workspace, "ledger_drift").findings

    assert of_currency.facts["drift_minor"] == 0
    assert of_currency.facts["diverging_accounts"] == 2
    assert "2 accounts do not have the balance of their entries" in of_currency.words
    assert of_check.subject == "check"
    assert str(of_check.facts["check_run_id"]).startswith("chk_")


def test_events_that_nobody_seals(workspace: TenantRef) -> None:
    seal(workspace)
    record(workspace, *some_events(3))

    assert see(workspace, "sealing_lag", seconds_later=50) == Sight()
    [finding] = see(workspace, "sealing_lag", seconds_later=75).findings
    assert finding.facts["waiting_for_a_place"] == 3
    assert 74 <= int(finding.facts["age_seconds"] or 0) <= 76
    seal(workspace)

    assert see(workspace, "sealing_lag", seconds_later=600) == Sight()


def test_an_endpoint_that_takes_nothing(workspace: TenantRef, local_webhooks: None) -> None:
    endpoint = subscribe(workspace, "http://hooks.example.test/secret-path").endpoint
    change(workspace, "UPDATE webhooks_endpoint SET consecutive_failures = 4, failing_since = now()")
    assert see(workspace, "endpoint_failing") == Sight()
    change(workspace, "UPDATE webhooks_endpoint SET consecutive_failures = 5")

    [finding] = see(workspace, "endpoint_failing").findings

    assert finding.subject == endpoint.id
    assert finding.words == "hooks.example.test failed 5 times in a row."
    assert "secret-path" not in str(finding)


def test_an_endpoint_that_was_disabled_for_failing_rings_and_one_that_a_person_disabled_does_not(
    workspace: TenantRef, local_webhooks: None
) -> None:
    endpoint = subscribe(workspace, "http://hooks.example.test/").endpoint
    with tenant_work(workspace):
        disable_endpoint(endpoint_id=endpoint.id, reason="maintenance", actor=ADMIN, now=clock.now())
    assert see(workspace, "endpoint_failing") == Sight()
    change(workspace, "UPDATE webhooks_endpoint SET disabled_by = 'failing'")

    [finding] = see(workspace, "endpoint_failing").findings
    assert "was disabled" in finding.words
    with tenant_work(workspace):
        enable_endpoint(endpoint_id=endpoint.id, reason="it is back", actor=ADMIN, now=clock.now())

    assert see(workspace, "endpoint_failing") == Sight()


@pytest.fixture
def rail(workspace: TenantRef) -> RailRecord:
    with tenant_work(workspace):
        return connect_rail(
            ws=workspace, name="rail_north", base_url="http://north.test", secret="whsec_" + "A" * 32, now=clock.now()
        )


@pytest.fixture
def measured(workspace: TenantRef, rail: RailRecord) -> Callable[..., None]:
    def measure(*, samples: int, answered: int, seconds_ago: int = 0) -> None:
        at = clock.now() - timedelta(seconds=seconds_ago)
        change(
            workspace,
            "INSERT INTO routing_rail_health (rail_id, samples, answered, p95_ms, measured_at)"
            " VALUES (%s, %s, %s, 20, %s)"
            " ON CONFLICT (rail_id) DO UPDATE SET samples = excluded.samples, answered = excluded.answered,"
            " measured_at = excluded.measured_at",
            [to_uuid(rail.id, prefix="rail"), samples, answered, at],
        )

    return measure


def test_a_rail_that_answers_too_little(workspace: TenantRef, rail: RailRecord, measured: Callable[..., None]) -> None:
    measured(samples=10, answered=5)
    assert see(workspace, "rail_down") == Sight()
    measured(samples=10, answered=4)

    [finding] = see(workspace, "rail_down").findings

    assert finding.subject == rail.id
    assert finding.words == "rail_north answered 4 of 10 orders in the last 15 minutes."


def test_a_rail_with_few_orders_or_old_figures_is_not_judged(
    workspace: TenantRef, rail: RailRecord, measured: Callable[..., None]
) -> None:
    unsure = Sight(unsure=frozenset({rail.id}))
    assert see(workspace, "rail_down") == unsure  # never measured
    measured(samples=4, answered=0)
    assert see(workspace, "rail_down") == unsure
    measured(samples=10, answered=0, seconds_ago=300)
    assert see(workspace, "rail_down") == unsure
    measured(samples=0, answered=0)
    assert see(workspace, "rail_down") == Sight()


def test_a_rail_that_people_paused_is_no_news(
    workspace: TenantRef, rail: RailRecord, measured: Callable[..., None]
) -> None:
    measured(samples=10, answered=0)
    with tenant_work(workspace):
        pause_outgoing(rail=rail.name, reason="the bank said so", actor=ADMIN, now=clock.now())

    assert see(workspace, "rail_down") == Sight()


def test_what_is_about_the_installation_is_looked_for_in_platform_alone(workspace: TenantRef) -> None:
    assert {kind.name for kind in kinds_of(platform_ref())} == {
        "queue_age", "worker_silent", "sealing_lag", "access_denials",
    }  # fmt: skip
    assert not {kind.name for kind in kinds_of(workspace)} & {"queue_age", "worker_silent"}
    assert set(WATCHERS) == {kind.name for kind in [*kinds_of(platform_ref()), *kinds_of(workspace)]}


def test_reviews_that_the_queue_owns_and_reviews_that_are_overdue(workspace: TenantRef) -> None:
    with tenant_work(workspace):
        review = open_case(
            kind="exception", subject="req_1", queue="operations", maker="svc_runtime", now=clock.now(),
            alert=NewAlert("system", "check.failed"),
        )  # fmt: skip
    [unowned] = see(workspace, "reviews_unowned").findings
    assert unowned.facts["reviews"] == 1
    assert see(workspace, "reviews_overdue") == Sight()
    with tenant_work(workspace):
        breach_overdue(now=review.due_at + timedelta(seconds=1))
    [overdue] = see(workspace, "reviews_overdue").findings
    assert overdue.words.startswith("1 reviews are overdue; the first was due at ")

    with tenant_work(workspace):
        settle_case(kind="exception", subject="req_1", actor=ADMIN, now=clock.now())

    assert see(workspace, "reviews_unowned") == see(workspace, "reviews_overdue") == Sight()
