"""The end of a month in two browsers: statements in, what differs resolved, tied out, signed, locked, opened, proven.

Fay and Sam of finance sit in front of all of Zentra's processes. Their bank's and their rail's files come apart from
the books in each of the ten ways; each is resolved as people do it. A stranger verifies the packet in the end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest
from playwright.sync_api import expect

from tests.e2e.desks import read_packet_file
from tests.e2e.month import BREAKS, DAY, MONTH, Files, keep_the_books
from tests.e2e.month_desk import (
    ACCOUNTS,
    adjusts_by_two,
    agrees_the_fees,
    imports_everything,
    matches_everything,
    nothing_is_left,
    opens_the_accounts,
    resolves_everything,
)
from tests.e2e.tellers import PATIENCE, Teller, seated
from tests.e2e.waiting import wait_until
from zentra.reconciliation.closeout.checklist import TASKS

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.e2e.desks import Desk
    from zentra.core.tenancy import TenantRef
    from zentra.embedded.served import ServedZentra

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

SECONDS: Final = PATIENCE / 1000


@pytest.fixture
def tellers(browser: Browser, served: ServedZentra, workspace: TenantRef) -> Iterator[list[Teller]]:
    """Fay and Sam."""
    with seated(browser, served, workspace, ("Fay", "Sam")) as found:
        yield found


def test_a_month_is_closed_by_two_opened_again_and_proven_to_a_stranger(
    desk: Desk, workspace: TenantRef, tellers: list[Teller], tmp_path: Path
) -> None:
    fay, sam = tellers
    files = Files(tmp_path)
    keep_the_books(workspace)

    opens_the_accounts(fay)
    agrees_the_fees(fay)
    imports_everything(fay, files)
    matches_everything(fay)
    resolves_everything(fay, sam, files)
    assert {each["kind"] for each in desk.books.rows("SELECT DISTINCT kind FROM recon_exception")} == BREAKS

    closes_softly(fay)
    cannot_lock_yet(sam)
    signs_everything(fay, sam)
    ticks_everything_off(fay)
    locks(sam)
    is_refused(fay, desk)

    opens_it_again(fay, sam)
    corrects(fay, sam)
    finds_the_signatures_suspended(fay, desk)
    signs_everything(fay, sam)
    nothing_is_left(fay)
    locks(fay)
    is_refused(fay, desk)

    packet = seals_and_downloads(fay, tmp_path)
    assert "Verified" in desk.verify(packet, tmp_path)
    is_in_the_packet(packet)
    is_in_the_books(desk, fay, sam)


# --- the month is closed ---------------------------------------------------------------------------------------------


def looks_at_the_month(teller: Teller, path: str = "?tab=checklist") -> None:
    teller.go(f"closeout/{MONTH}/{path}")


def closes_softly(fay: Teller) -> None:
    month = fay.page.locator(f"main a[href$='/closeout/{MONTH}/']")

    def in_the_calendar() -> int:
        fay.go("closeout/")
        return month.count()

    wait_until(in_the_calendar, why="the calendar has the month", seconds=SECONDS)
    month.first.click()
    expect(fay.page.locator("h1")).to_contain_text("Closeout")
    looks_at_the_month(fay)
    fay.act("soft-close", "only adjustments post")


def cannot_lock_yet(sam: Teller) -> None:
    """Nobody has signed: the page says so, and the month stays as it is."""
    looks_at_the_month(sam)
    form = sam.acts("lock").first
    sam.fill(form, sure="yes")
    sam.press(form.locator("button.btn"))
    expect(sam.page.locator("body")).to_contain_text("signed")
    looks_at_the_month(sam)
    expect(sam.page.locator("main")).to_contain_text("soft closed")


def signs_everything(fay: Teller, sam: Teller) -> None:
    """Each tie-out that is not signed: what is left is nothing, and who prepared it cannot approve it."""
    for _, _, name, _ in ACCOUNTS:
        opens_the_tie_out(fay, name)
        if "signed" in fay.page.locator("main .head").inner_text() and fay.acts("prepare").count() == 0:
            continue
        fay.act("prepare", "signed as preparer")
        assert fay.acts("approve").count() == 0
        sam.page.goto(fay.page.url)
        sam.act("approve", "signed by two people")
    looks_at_the_month(fay)
    expect(fay.page.locator("ol.steps")).to_contain_text(f"{len(ACCOUNTS)} of {len(ACCOUNTS)}")


def opens_the_tie_out(fay: Teller, name: str) -> None:
    """Once matching has come to rest, nothing is unexplained."""

    def tied() -> bool:
        looks_at_the_month(fay)
        fay.act("refresh", "computed anew")
        looks_at_the_month(fay)
        fay.page.locator("main a[href*='/tie-outs/']", has_text=name).first.click()
        expect(fay.page.locator("h1")).to_contain_text(name)
        return fay.acts("explain").count() == 0

    wait_until(tied, why=f"{name} is tied out", seconds=SECONDS, told=lambda: fay.page.locator("main").inner_text())
    expect(fay.page.locator("main .reckoning").first).to_contain_text(re.compile(r"Unexplained\s*0"))


def ticks_everything_off(fay: Teller) -> None:
    for kind in TASKS:
        if not kind.is_computed and kind.key != "packet":
            looks_at_the_month(fay)
            fay.page.get_by_role("link", name=kind.title).first.click()
            fay.act("finish", "The task is done", note="looked at")


def locks(teller: Teller) -> None:
    looks_at_the_month(teller)
    teller.act("lock", "is locked. Nothing posts into it", sure="yes")
    expect(teller.page.locator("main .head")).to_contain_text("locked")


def is_refused(fay: Teller, desk: Desk) -> None:
    """A posting into the locked month, from the page and from a program: each is told why, and nothing is posted."""
    page = fay.page
    fay.go("ledger/post/")
    page.fill("#p-effective", f"{DAY}T12:00:00")
    page.fill("#p-reference", "TOOLATE")
    page.locator("[name=account]").nth(0).fill("bank")
    page.locator("[name=debit]").nth(0).fill("100")
    page.locator("[name=account]").nth(1).fill("suspense")
    page.locator("[name=credit]").nth(1).fill("100")
    fay.press(page.get_by_role("button", name="Preview"))
    expect(page.locator("main [role=alert]")).to_contain_text("closed")
    body = {"debit": "bank", "credit": "suspense", "amount_minor": 100, "effective_at": f"{DAY}T12:00:00Z",
            "external_reference": "TOOLATE"}  # fmt: skip
    answer = desk.http.post("/ledger-entries", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "period_closed"), answer.text
    assert desk.books.rows("SELECT id FROM ledger_posting WHERE external_reference = 'TOOLATE'") == []


# --- and opened once more --------------------------------------------------------------------------------------------


def opens_it_again(fay: Teller, sam: Teller) -> None:
    looks_at_the_month(fay)
    fay.act("reopen", "second person", reason="the stray money was ours", minutes="60")
    assert fay.acts("approve-reopen").count() == 0
    looks_at_the_month(sam)
    expect(sam.page.locator("main")).to_contain_text("the stray money was ours")
    sam.act("approve-reopen", "takes adjustments until")


def corrects(fay: Teller, sam: Teller) -> None:
    """The money that was explained away was ours: it is opened again and posted."""
    fay.go("reconciliation/exceptions/?state=resolved")
    row = fay.page.locator("#desk tr[data-id]", has_text="STRAYMONEY").first
    fay.go(f"reconciliation/exceptions/{row.get_attribute('data-id')}/")
    fay.act("reopen", "It is open again", reason="the payer wrote")
    adjusts_by_two(fay, sam, "STRAYMONEY", "line_only", "unidentified")
    nothing_is_left(fay)


def finds_the_signatures_suspended(fay: Teller, desk: Desk) -> None:
    """The figures are not those that were signed; the page says so and asks again, of this account alone."""
    opens_the_tie_out(fay, "Operating account")
    expect(fay.page.locator("main")).to_contain_text("The figures changed after they were signed")
    expect(fay.page.locator("main")).to_contain_text("suspended")
    states = Counter(each["state"] for each in tie_outs(desk, "soft"))
    assert states == {"approved": 2, "suspended": 1}


def tie_outs(desk: Desk, state: str) -> list[dict[str, Any]]:
    """The tie-outs of the periods that are in a state."""
    return desk.books.rows(
        "SELECT t.state, t.figures FROM recon_tie_out t JOIN recon_period p ON p.id = t.period_id WHERE p.state = %s",
        state,
    )


def seals_and_downloads(fay: Teller, directory: Path) -> bytes:
    looks_at_the_month(fay, "?tab=packet")
    fay.act("packet", "is being sealed", sample_size="50")
    link = fay.page.locator("main a[href*='/packets/']").first

    def sealed() -> int:
        looks_at_the_month(fay, "?tab=packet")
        return link.count()

    wait_until(sealed, why="the packet is sealed", seconds=SECONDS,
               told=lambda: fay.page.locator("main").inner_text())  # fmt: skip
    with fay.page.expect_download() as caught:
        link.click()
    path = directory / "closeout.zip"
    caught.value.save_as(path)
    return path.read_bytes()


# --- what was written down -------------------------------------------------------------------------------------------


def is_in_the_packet(packet: bytes) -> None:
    manifest = read_packet_file(packet, "manifest.json")
    told = Counter(each["type"] for each in manifest["events"])
    assert (told["period.locked"], told["period.reopened"], told["tie_out.signed"]) == (2, 1, 8)


def is_in_the_books(desk: Desk, fay: Teller, sam: Teller) -> None:
    books = desk.books
    books.assert_no_drift()
    ties = [(each["state"], each["figures"]["unexplained_minor"]) for each in tie_outs(desk, "closed")]
    assert ties == [("approved", 0)] * len(ACCOUNTS)
    acts = Counter(each["act"] for each in books.rows("SELECT act FROM recon_period_act"))
    assert (acts["soft_closed"], acts["locked"], acts["reopen_requested"], acts["reopened"]) == (1, 2, 1, 1)
    signed = books.rows("SELECT suspended_at FROM recon_sign_off")
    assert (len(signed), sum(each["suspended_at"] is not None for each in signed)) == (8, 2)
    counted = books.count_events()
    told = {"statement.imported": 5, "settlement.posted": 2, "adjustment.proposed": 4, "adjustment.posted": 4,
            "tie_out.signed": 8, "period.locked": 2, "period.reopened": 1, "closeout.sealed": 1}  # fmt: skip
    assert {each: counted[each] for each in told} == told
    whose = {each: {event["actor"]["id"] for event in books.events(each)} for each in told}
    assert (whose["adjustment.proposed"], whose["adjustment.posted"]) == ({fay.person.id}, {sam.person.id})
    assert whose["period.locked"] == {fay.person.id, sam.person.id}
