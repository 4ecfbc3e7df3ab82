"""What people of finance do with statements and exceptions before a month can be closed, in their browsers."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from playwright.sync_api import expect

from tests.e2e.month import DAY, EURO_IBAN, FEE_FIXED_MINOR, FEE_PERCENT_BP, RAIL, Files
from tests.e2e.tellers import PATIENCE, Teller
from tests.e2e.waiting import wait_until
from tests.reconciliation.banking import IBAN
from zentra.core.clock import now

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNTS: Final = (
    ("bank · USD", "bank", "Operating account", IBAN),
    ("bank · EUR", "bank", "Euro account", EURO_IBAN),
    ("rail_receivable · USD", "rail", "Owed by the rail", RAIL),
)
SECONDS: Final = PATIENCE / 1000


# --- the files come in -----------------------------------------------------------------------------------------------


def opens_the_accounts(fay: Teller) -> None:
    for ledger_account, kind, name, external_id in ACCOUNTS:
        fay.go("reconciliation/open/")
        fay.page.select_option("#f-ledger_account", label=ledger_account)
        fay.page.select_option("#f-kind", kind)
        fay.page.fill("#f-name", name)
        fay.page.fill("#f-external_id", external_id)
        fay.send(fay.page.locator("form.sheet-form button.pri"), "is reconciled from now on")


def opens_the_account(fay: Teller, name: str) -> None:
    fay.go("reconciliation/")
    fay.page.locator("main").get_by_role("link", name=name, exact=True).first.click()
    expect(fay.page.locator("h1")).to_contain_text(name)


def agrees_the_fees(fay: Teller) -> None:
    """What the rail charges is a rule of its account."""
    opens_the_account(fay, "Owed by the rail")
    fay.page.goto(f"{fay.page.url}rules/")
    rule = fay.page.locator("table.rules-form tbody tr").last
    for name, value in (("key_", "agreed"), ("fee_percent_bp_", f"{FEE_PERCENT_BP}"), ("source_", RAIL),
                        ("fee_fixed_minor_", f"{FEE_FIXED_MINOR}")):  # fmt: skip
        rule.locator(f"[name^={name}]").fill(value)
    rule.locator("[name^=kind_]").select_option("fee")
    rule.locator("[name^=on_]").check()
    fay.page.fill("#rules-note", "as in the contract")
    fay.send(fay.page.get_by_role("button", name="Save the next version"), "Version 1 of the rules is saved")


def imports_everything(fay: Teller, files: Files) -> None:
    for report in files.reports():
        imports(fay, report, "settlement", account="Owed by the rail", says="has to let it be posted")
        lets_the_payout_be_posted(fay)
    imports_by_the_wizard(fay, files.euros())
    tries(fay, files.bank())
    imports(fay, files.bank(), "camt053", says="continuity_gap")
    is_known(fay, files.bank())


def chooses(fay: Teller, file: Path, form: str, account: str = "") -> None:
    fay.go("reconciliation/imports/start/")
    fay.page.set_input_files("#f-file", file)
    fay.page.select_option("#f-format", form)
    if account:
        fay.page.select_option("#f-account", label=account)


def imports(fay: Teller, file: Path, form: str, *, account: str = "", says: str = "Every check was passed") -> None:
    chooses(fay, file, form, account)
    fay.send(fay.page.locator("form.sheet-form button.pri"), "it is imported")
    has_ended(fay, says)


def has_ended(fay: Teller, says: str) -> None:
    """The page of an import tells by itself how far it is."""
    expect(fay.page.locator("main")).to_contain_text("100 % of the file")
    expect(fay.page.locator("main")).to_contain_text(says)
    expect(fay.page.locator("main .head")).to_contain_text(re.compile("done|tried"))


def lets_the_payout_be_posted(fay: Teller) -> None:
    """A report that a person sent moves no money until a person who may post lets it."""
    fay.page.locator("main a[href*='/statements/']").first.click()
    expect(fay.page.locator("main")).to_contain_text("waits for a person")
    fay.act("settle", "is posted")


def tries(fay: Teller, file: Path) -> None:
    """A dry run makes every check and writes nothing."""
    chooses(fay, file, "camt053")
    fay.send(fay.page.get_by_role("button", name="Try it first"), "only tried")
    has_ended(fay, "continuity_gap")


def is_known(fay: Teller, file: Path) -> None:
    chooses(fay, file, "camt053")
    fay.press(fay.page.locator("form.sheet-form button.pri"))
    expect(fay.page.locator("main")).to_contain_text("imported already")


def imports_by_the_wizard(fay: Teller, file: Path) -> None:
    """A CSV that nobody knows yet: looked at, put right, and imported by what was found."""
    chooses(fay, file, "csv", "Euro account")
    fay.press(fay.page.locator("form.sheet-form button.pri"))
    page = fay.page
    expect(page.locator("h1")).to_have_text("How its CSV files are read")
    page.select_option("#m-date_form", "MM/DD/YYYY")
    fay.press(page.get_by_role("button", name="Look again"))
    expect(page.locator("main")).to_contain_text("2 wrong")
    page.select_option("#m-date_form", "DD.MM.YYYY")
    for ours, theirs in (("booked_on", "Buchungstag"), ("amount", "Betrag"), ("reference", "Referenz"),
                         ("description", "Verwendungszweck"), ("balance", "Saldo")):  # fmt: skip
        page.select_option(f"#m-column_{ours}", theirs)
    fay.press(page.get_by_role("button", name="Look again"))
    expect(page.locator("main")).to_contain_text("all rows of the sample read")
    fay.send(page.get_by_role("button", name="Keep it and import this file"), "The mapping is kept")
    has_ended(fay, "Every check was passed")


def matches_everything(fay: Teller) -> None:
    for _, _, name, _ in ACCOUNTS:
        matches(fay, name)


def matches(fay: Teller, name: str) -> None:
    opens_the_account(fay, name)
    fay.act("run", "is being matched")
    expect(fay.page.locator("main .head")).to_contain_text("done")


# --- each exception in its own way -----------------------------------------------------------------------------------


def resolves_everything(fay: Teller, sam: Teller, files: Files) -> None:
    fay.open_exception("TINYREST", "line_only")
    fay.go("reconciliation/exceptions/")
    expect(fay.page.locator("#desk")).not_to_contain_text("SALE")  # what the rules matched is not here

    matches_by_suggestion(fay, "INV0ICE770O", "line_only")
    matches_by_suggestion(fay, "SLOWBOAT", "date_differs")
    matches_by_suggestion(fay, "TWICE", "duplicate")
    explains(fay, "TWICE", "duplicate", "known_duplicate")
    explains(fay, "FXPAY", "currency_differs", "bank_error")
    explains(fay, "STRAYMONEY", "line_only", "bank_error")
    explains_with_a_letter(fay, files.letter())
    forces_alone(fay)
    forces_by_two(fay, sam)
    disputes_the_fee_and_gives_in(fay)
    adjusts_by_two(fay, sam, "MONTHLYFEE", "line_only", "bank_fee")
    matches(fay, "Euro account")  # in which the books have what the other bank got
    explains(fay, "FXPAY", "entry_only", "next_period")
    adjusts_by_two(fay, sam, "UNSEEN", "entry_only", "correction")
    writes_off_by_two(fay, sam)
    disputes_what_never_came(fay)
    nothing_is_left(fay)


def matches_by_suggestion(fay: Teller, reference: str, kind: str) -> None:
    fay.open_exception(reference, kind)
    hint = fay.page.locator("ol.hints li", has=fay.page.locator("#act-match")).first
    expect(hint).to_contain_text("agrees")
    fay.act("match", "are matched", within=hint)


def explains(fay: Teller, reference: str, kind: str, reason: str) -> None:
    fay.open_exception(reference, kind)
    fay.act("explain", "It is explained; no money moved", reason_code=reason, reason="asked the bank")


def explains_with_a_letter(fay: Teller, letter: Path) -> None:
    """A note and a file are kept with what did not follow on."""
    fay.open_exception("statement", "continuity_break")
    fay.page.fill("#note-text", "The bank says that number 2 was empty.")
    fay.send(fay.page.get_by_role("button", name="Add note"), "The note is kept")
    fay.act("attach", "letter.txt is attached", file=str(letter))
    expect(fay.page.locator("ul.notes")).to_contain_text("number 2 was empty")
    with fay.page.expect_download() as caught:
        fay.page.locator("ul.notes a[download]").click()
    assert caught.value.path().read_bytes() == letter.read_bytes()
    fay.act("explain", "It is explained", reason_code="other", reason="an empty statement is not sent")


def forces_alone(fay: Teller) -> None:
    """Two entries and a line that is a little short of them, chosen on the workbench: one person may."""
    fay.open_exception("PARTS30", "split_mismatch")
    fay.page.get_by_role("link", name=re.compile("^Workbench")).first.click()
    page = fay.page
    page.fill("#bench-q", "PARTS30")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    for box in page.locator("#bench input[type=checkbox]").all():
        box.check()
    expect(page.locator("#difference")).to_have_text(re.compile("400"))
    page.fill("#match-reason", "the payer kept back a discount")
    fay.send(page.locator("#match"), "400 apart, kept with your reason")


def forces_by_two(fay: Teller, sam: Teller) -> None:
    """What is further apart waits for somebody else."""
    fay.open_exception("ORDER20", "amount_differs")
    here = fay.page.url
    fay.page.locator("ol.hints li", has_text="2,500 apart").get_by_role("link", name="Workbench").click()
    fay.page.fill("#match-reason", "the payer kept back what we owed them")
    fay.send(fay.page.locator("#match"), "waits for a second person")
    assert fay.acts("approve").count() == 0  # not by who proposed it
    sam.page.goto(here)
    sam.act("approve", "The match stands")


def disputes_the_fee_and_gives_in(fay: Teller) -> None:
    """The rail says no; it is open again, and what it took is taken."""
    fay.open_exception("COLLECT2", "fee_variance")
    here = fay.page.url
    disputes(fay, "fee_wrong", "rejected", "200 more for cards from abroad")
    fay.page.goto(here)
    hint = fay.page.locator("ol.hints li", has=fay.page.locator("#act-match")).first
    fay.act("match", "are matched", within=hint)


def disputes_what_never_came(fay: Teller) -> None:
    """Where the rail's second payout is, only the rail can say."""
    fay.open_exception("RAILAB2", "missing")
    disputes(fay, "not_received", "accepted", "Sent again next month")


def disputes(fay: Teller, reason: str, outcome: str, answer: str) -> None:
    due = f"{now().date() + timedelta(days=5)}"
    fay.act("dispute", "waits for the provider", provider="Rail A", claim="case 7", reason_code=reason,
            answer_due_on=due)  # fmt: skip
    fay.act("answer", "The answer is kept", outcome=outcome, answer=answer)


def adjusts_by_two(fay: Teller, sam: Teller, reference: str, kind: str, reason: str) -> None:
    fay.open_exception(reference, kind)
    fay.act("adjust", "waits for a second person", reason_code=reason, reason="seen on the bank's list",
            effective_on=f"{DAY}")  # fmt: skip
    lets_it_through(fay, sam)


def writes_off_by_two(fay: Teller, sam: Teller) -> None:
    fay.open_exception("TINYREST", "line_only")
    fay.act("write-off", "waits for a second person", reason_code="small_difference", effective_on=f"{DAY}")
    lets_it_through(fay, sam)


def lets_it_through(fay: Teller, sam: Teller) -> None:
    assert fay.acts("approve").count() == 0  # not by who proposed it
    sam.page.goto(fay.page.url)
    sam.act("approve", "is posted")


def nothing_is_left(fay: Teller) -> None:
    def none() -> bool:
        return "exc_" not in (fay.everything_open() and fay.page.locator("#desk").inner_html())

    wait_until(none, why="the desk is empty", seconds=SECONDS, told=fay.everything_open)
