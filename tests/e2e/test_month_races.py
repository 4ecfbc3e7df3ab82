"""Two people of finance do the same thing in the same moment: one does it, the other one is told so in a sentence."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from datetime import time as at
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect

from tests.e2e.month import DAY, FIRST, MONTH
from tests.e2e.tellers import PATIENCE, Teller, seated
from tests.e2e.waiting import wait_until
from tests.ledger.book import Book
from tests.reconciliation.banking import Bank, Ntry, Stmt, Tx, camt
from tests.reconciliation.closing import LAST
from zentra.core.clock import now
from zentra.core.tenancy import tenant_work
from zentra.reconciliation.closeout import operations, queries
from zentra.reconciliation.closeout.checklist import TASKS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

    from tests.e2e.desks import Desk
    from zentra.core.tenancy import TenantRef
    from zentra.embedded.served import ServedZentra

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

SOON: Final = 700
"""Milliseconds until both forms are sent."""
MONEY: Final = (("SALE1", 100_000), ("MONTHLYFEE", -500))


@pytest.fixture
def tellers(browser: Browser, served: ServedZentra, workspace: TenantRef) -> Iterator[list[Teller]]:
    """Fay, who prepares, and Sam and Tom, who get into each other's way."""
    with seated(browser, served, workspace, ("Fay", "Sam", "Tom")) as found:
        yield found


def test_who_comes_second_to_an_approval_a_signature_or_a_lock_is_told_so(
    desk: Desk, workspace: TenantRef, tellers: list[Teller]
) -> None:
    fay, sam, tom = tellers
    has_a_month(workspace)

    proposes_the_charge(fay)
    for each in (sam, tom):
        each.page.goto(fay.page.url)
        each.fill(each.acts("approve").first)
    second = race(sam, tom, "approve", says="is posted")
    is_told(second, "resolved|decided|posted")
    assert desk.books.count_events()["adjustment.posted"] == 1
    assert len(desk.books.rows("SELECT id FROM ledger_posting WHERE purpose = 'adjustment.adjustment'")) == 1

    looks_at_the_month(fay)
    fay.act("soft-close", "only adjustments post")
    for each in (sam, tom):
        opens_the_tie_out(each)
    second = race(sam, tom, "prepare", says="signed as preparer")
    is_told(second, "prepared already")
    opens_the_tie_out(second)
    second.act("approve", "signed by two people")
    assert [each["step"] for each in desk.books.rows("SELECT step FROM recon_sign_off ORDER BY signed_at")] == [
        "prepared", "approved",
    ]  # fmt: skip

    ticks_everything_off(workspace, fay)
    for each in (sam, tom):
        looks_at_the_month(each)
        each.fill(each.acts("lock").first, sure="yes")
    second = race(sam, tom, "lock", says="is locked")
    is_told(second, "locked|closed|changed|meanwhile")
    assert len(desk.books.rows("SELECT id FROM recon_period_act WHERE act = 'locked'")) == 1
    assert desk.books.count_events()["period.locked"] == 1
    desk.books.assert_no_drift()


# --- what they do ----------------------------------------------------------------------------------------------------


def has_a_month(workspace: TenantRef) -> None:
    """A sale that the bank has too, and a charge that only the bank has."""
    reference, amount = MONEY[0]
    noon = datetime.combine(DAY, at(12), tzinfo=UTC)
    Book(workspace).move("bank", "suspense", amount, effective_at=noon, external_reference=reference, purpose="manual")
    bank = Bank(workspace)
    bank.open()
    entries = [Ntry(minor, [Tx(name, text=f"about {name}")], day=f"{DAY}") for name, minor in MONEY]
    bank.start(camt(Stmt(f"S-{MONTH}", entries, first_day=f"{FIRST}", day=f"{LAST}")))


def proposes_the_charge(fay: Teller) -> None:
    fay.open_exception("MONTHLYFEE", "line_only")
    fay.act("adjust", "waits for a second person", reason_code="bank_fee", effective_on=f"{DAY}")


def looks_at_the_month(teller: Teller) -> None:
    def made() -> bool:
        teller.go(f"closeout/{MONTH}/?tab=checklist")
        return teller.page.locator("ol.steps").count() == 1

    wait_until(made, why="the month is in the calendar", seconds=PATIENCE / 1000)


def opens_the_tie_out(teller: Teller) -> None:
    """Once matching has come to rest, nothing is unexplained."""

    def tied() -> bool:
        looks_at_the_month(teller)
        teller.act("refresh", "computed anew")
        looks_at_the_month(teller)
        teller.page.locator("main a[href*='/tie-outs/']").first.click()
        expect(teller.page.locator("h1")).to_contain_text("Tie-out")
        return teller.acts("explain").count() == 0

    wait_until(
        tied, why="it is tied out", seconds=PATIENCE / 1000, told=lambda: teller.page.locator("main").inner_text()
    )


def ticks_everything_off(workspace: TenantRef, fay: Teller) -> None:
    with tenant_work(workspace):
        period = queries.find_period(month=MONTH)
        assert period is not None
        for kind in TASKS:
            if kind.is_computed or kind.key == "packet":
                continue
            task = next(each for each in queries.list_tasks(period_id=period.id, now=now()) if each.key == kind.key)
            operations.finish_task(
                task_id=task.id, note="looked at", links=[], version=task.version, actor=fay.person.actor(), now=now()
            )


def race(one: Teller, other: Teller, key: str, *, says: str) -> Teller:
    """Both send the form that is open before them in the same moment; who came second."""
    moment = time.time() * 1000 + SOON
    for each in (one, other):
        _send_at(each.acts(key).first.locator("button.btn"), moment)
    for each in (one, other):
        each.page.wait_for_function("() => !window.waiting && document.readyState === 'complete'")
    won = [each for each in (one, other) if says in (each.page.locator("#notices").text_content() or "")]
    assert len(won) == 1, [each.page.locator("main").inner_text() for each in (one, other)]
    return other if won[0] is one else one


def _send_at(button: Locator, moment: float) -> None:
    button.evaluate(
        "(button, moment) => { window.waiting = true; setTimeout(() => button.click(), moment - Date.now()); }", moment
    )


def is_told(second: Teller, about: str) -> None:
    """A page of ours with a sentence about what somebody else did, and nothing of the machine."""
    said = second.page.locator("main").inner_text()
    assert re.search(about, said), said
    assert not re.search("Traceback|IntegrityError|Server Error|went wrong", said), said
