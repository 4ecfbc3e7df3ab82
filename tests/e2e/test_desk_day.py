"""A day at the desk: thirty intents held for seven reasons, worked by four people with nothing but their keyboards.

Two operators and two officers claim, look, write, approve by two, decline, escalate, snooze and hand over; each case
ends where it should, with the evidence to show who did what. And of twenty who reach for one case, one has it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from policy.lists.operations import add_item
from policy.reviews.queries import approvals_of, find_review, get_review, steps_of
from policy.screening.operations import create_party, decide_kyc
from tests.console.test_accounts_room import opened, paid_in
from tests.console.test_pages import make
from tests.e2e.books import assert_nothing_lost_or_doubled
from tests.e2e.desks import read_packet_file
from tests.e2e.keyboard import Keyboard
from tests.e2e.waiting import wait_until
from tests.people import join
from tests.screening.shelf import Shelf, row, sdn
from zentra.core.actors import EDGE
from zentra.core.clock import now
from zentra.core.tenancy import tenant_work

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from policy.reviews.types import ReviewRecord
    from tests.e2e.desks import Desk, Room
    from tests.people import Person
    from zentra.core.tenancy import TenantRef
    from zentra.embedded.served import ServedZentra

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

# What becomes of each: by its name's first word, the numbers that are declined; the others are approved.
DECLINED: Final = {
    "limit": {7, 8},
    "four": {4},
    "struct": {1, 2, 3, 4},
    "list": {3, 4},
    "kyc": {3, 4},
    "hit": {3},
    "day": {3},
}
COUNTS: Final = {"limit": 8, "four": 4, "struct": 4, "list": 4, "kyc": 4, "hit": 3, "day": 3}
GATES: Final = {
    "limit": "limit.single_intent",
    "four": "limit.single_intent",
    "struct": "structuring.outgoing",
    "list": "list.watched",
    "kyc": "kyc.expired",
    "hit": "sanctions.unresolved",
    "day": "limit.outgoing_24h",
}
SENT: Final[dict[str, tuple[int, dict[str, str]]]] = {
    "limit": (4_300_000, {}),
    "four": (16_000_000, {}),
    "struct": (3_900_000, {"debit_account": "structurer"}),
    "list": (100_000, {"payee": "payee_watched"}),
    "kyc": (100_000, {"debit_account": "expired"}),
    "hit": (100_000, {"payee": "payee_hit_{}"}),
    "day": (3_500_000, {"debit_account": "busy"}),
}
BY_TWO: Final = {"four", "hit"}


@dataclass(frozen=True)
class Staff:
    """Who works that day."""

    ann: Person
    bob: Person
    cleo: Person
    dora: Person
    maker: Person


@pytest.fixture
def staff(workspace: TenantRef) -> Staff:
    """Two operators and two officers with authenticators, and who makes the intents."""
    return Staff(
        ann=join(workspace, role="operator", name="Ann", totp=True),
        bob=join(workspace, role="operator", name="Bob", totp=True),
        cleo=join(workspace, role="compliance", name="Cleo", totp=True),
        dora=join(workspace, role="compliance", name="Dora", totp=True),
        maker=join(workspace, role="developer", name="Maker"),
    )


def names() -> list[str]:
    return [f"{reason}_{number}" for reason, count in COUNTS.items() for number in range(1, count + 1)]


def parts(name: str) -> tuple[str, int]:
    reason, number = name.split("_")
    return reason, int(number)


def is_declined(name: str) -> bool:
    reason, number = parts(name)
    return number in DECLINED[reason]


def send(workspace: TenantRef, staff: Staff, name: str, amount_minor: int, **more: str) -> None:
    make(workspace, staff.maker, name, amount_minor=amount_minor, currency="USD", **more)


def set_up(workspace: TenantRef, staff: Staff) -> dict[str, str]:
    """Customers, lists, parties and the thirty intents. The parties whose hits are looked into, by id: their payee."""
    for code in ("expired", "structurer", "busy"):
        opened(workspace, code, customer=f"cust_{code}")
        paid_in(workspace, code, 100_000_000)
    paid_in(workspace, "customer_balance", 400_000_000)
    parties = _parties(workspace, staff)
    for number in range(2):
        send(workspace, staff, f"seed_{number}", 3_900_000, debit_account="structurer")
    for number in range(5):
        send(workspace, staff, f"busy_{number}", 3_500_000, debit_account="busy")
    for name in names():
        reason, number = parts(name)
        amount, more = SENT[reason]
        send(workspace, staff, name, amount, **{key: word.format(number) for key, word in more.items()})
    return parties


def _parties(workspace: TenantRef, staff: Staff) -> dict[str, str]:
    officer, moment = staff.cleo.actor(), now()
    shelf = Shelf(workspace)
    listed = [row(number, f"Invented Person{number} Listed") for number in range(1, 4)]
    started = shelf.start(shelf.new_list(), sdn(*listed))
    wait_until(lambda: shelf.version(started).state == "ready", why="the list is imported")
    shelf.activate(shelf.version(started))
    parties = {}
    with tenant_work(workspace):
        add_item(list_id="watched", value="payee_watched", actor=officer, now=moment)
        kyc = create_party(kind="person", reference="cust_expired", name="Clear Name", actor=officer, now=moment)
        decide_kyc(party_id=kyc.id, state="rejected", note="the document ran out", actor=officer, now=moment)
        for number in range(1, 4):
            made = create_party(
                kind="person",
                reference=f"payee_hit_{number}",
                name=f"Invented Person{number} Listed",
                actor=EDGE,  # nobody clears the hits of what they wrote down themselves
                now=moment,
            )
            parties[made.id] = f"payee_hit_{number}"
    return parties


def case_of(workspace: TenantRef, name: str) -> ReviewRecord:
    with tenant_work(workspace):
        found = find_review(intent_id=name)
    assert found is not None, f"{name} is not held"
    return found


def test_thirty_cases_are_worked_by_keyboard_alone(
    browser: Browser, served: ServedZentra, desk: Desk, workspace: TenantRef, staff: Staff, tmp_path: Path
) -> None:
    parties = set_up(workspace, staff)
    for name in names():
        assert case_of(workspace, name).rule == GATES[parts(name)[0]], name
        assert case_of(workspace, name).needs_two is (parts(name)[0] in BY_TWO), name

    ann = Keyboard.of(browser, served.base_url, staff.ann)
    ann_works(ann)
    bob = Keyboard.of(browser, served.base_url, staff.bob)
    bob_works(bob)
    cleo = Keyboard.of(browser, served.base_url, staff.cleo)
    cleo_works(cleo, parties)
    dora = Keyboard.of(browser, served.base_url, staff.dora)
    while name := dora.claim_next():
        assert "is approved" in dora.decide("a", "3", "looked at the same papers"), name
    assert {parts(name)[0] for name in names() if case_of(workspace, name).is_open} == set()

    for name in names():
        assert_ended(workspace, staff, name)
    ended = desk.wait_for_end(*names(), seconds=240)
    for name in names():
        assert ended[name]["status"] == ("declined" if is_declined(name) else "evidenced"), name
        manifest = read_packet_file(desk.packet(name), "manifest.json")
        told = {each["type"] for each in manifest["events"]}
        final = "review.declined" if is_declined(name) else "review.approved"
        assert {"policy.review", "review.opened", final} <= told, name
    for name in ("four_1", "hit_3"):
        assert "Verified" in desk.verify(desk.packet(name), tmp_path)
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)


def ann_works(ann: Keyboard) -> None:
    """The first operator takes everything that waits, in the order of the queue."""
    while name := ann.claim_next():
        reason, _ = parts(name)
        match reason:
            case "limit" if not is_declined(name):
                assert "is approved" in ann.decide("a", "2", "known customer, invoice seen")
            case "limit":
                assert "is declined" in ann.decide("d", "3", "the limit stands")
            case "four":
                assert "approval 1 of 2 is given" in ann.decide("a", "1", "called them on the known number")
            case "struct":
                assert "The note is kept" in ann.note("the same payer every hour, each just under the limit")
                assert "is declined" in ann.decide("d", "1", "structuring")
            case "list":
                assert "is escalated" in ann.write("e", "watched payee, please look")
            case "kyc":
                assert "comes back in" in ann.write("s", "waits for the new passport", choice="1")
            case "day":
                hand_over_all(ann)
                return
            case _:
                raise AssertionError(f"{name} is not an operator's")


def hand_over_all(ann: Keyboard) -> None:
    """What she would claim again and again is given to the one who knows them, row by row."""
    for place in range(COUNTS["day"]):
        ann.go(f"?rule={GATES['day']}")
        for number in range(2, place + 2):
            ann.key("j")
            ann.page.wait_for_selector(f"#inspector h2 a:has-text('day_{number}')")
        assert "Bob is now accountable" in ann.hand_over("Bob", "you know this customer")


def bob_works(bob: Keyboard) -> None:
    """The second operator gives the second approvals, decides what he was given, and what was put aside."""
    while name := bob.claim_next():
        assert parts(name)[0] in {"four", "day"}, name
        if is_declined(name):
            assert "is declined" in bob.decide("d", "1", "not this one")
        else:
            assert "is approved" in bob.decide("a", "2", "agreed")
    for _ in range(COUNTS["kyc"]):
        bob.go("?tab=snoozed")
        name = bob.subject
        assert "is yours until" in bob.send("t")
        if is_declined(name):
            assert "is declined" in bob.decide("d", "5", "no document came")
        else:
            assert "is approved" in bob.decide("a", "4", "the new passport is here")
    bob.go("?tab=snoozed")
    assert bob.subject == ""


def cleo_works(cleo: Keyboard, parties: dict[str, str]) -> None:
    """The first officer settles each hit, decides what was escalated, and gives the first approval where two rule."""
    while subject := cleo.claim_next():
        if subject in parties:
            is_match = parties[subject] == "payee_hit_3"
            settle_open_hits(cleo, is_match=is_match)
            assert "is ended" in _resolve(cleo, "1" if is_match else "2")
            continue
        reason, _ = parts(subject)
        if reason == "hit":
            settle_open_hits(cleo, is_match=is_declined(subject))
        if is_declined(subject):
            assert "is declined" in cleo.decide("d", "2", "it stays here")
        elif reason == "hit":
            assert "approval 1 of 2 is given" in cleo.decide("a", "3", "another person of that name")
        else:
            assert "is approved" in cleo.decide("a", "2", "watched, and fine this time")


def settle_open_hits(cleo: Keyboard, *, is_match: bool) -> None:
    while cleo.page.locator("[data-settle]").count():
        said = cleo.settle("born in another year" if not is_match else "the same person", is_match=is_match)
        assert ("is a match" if is_match else "is no match") in said


def _resolve(cleo: Keyboard, outcome: str) -> str:
    cleo.key("a")
    cleo.page.wait_for_selector("dialog.act-dialog:modal")
    cleo.key(outcome, "4")
    cleo.type("settled with the papers")
    return cleo.send("Control+Enter")


def assert_ended(workspace: TenantRef, staff: Staff, name: str) -> None:
    """The case ended right, by the right people, and its history says how."""
    review, reason = case_of(workspace, name), parts(name)[0]
    assert review.state == ("declined" if is_declined(name) else "approved"), name
    assert review.reason_code, name
    assert review.note, name
    with tenant_work(workspace):
        approvals = [each.by_user for each in approvals_of(review_id=review.id)]
        steps = [each.what for each in steps_of(review_id=review.id)]
    assert staff.maker.id not in {*approvals, review.decided_by}, name
    if review.state == "approved":
        assert len(set(approvals)) == (2 if reason in BY_TWO else 1), name
    assert {"opened", "claimed", review.state} <= set(steps), name
    wanted = {"struct": "noted", "list": "escalated", "kyc": "snoozed", "day": "handed_over"}.get(reason)
    assert wanted is None or wanted in steps, name


# --- the race --------------------------------------------------------------------------------------------------------

RACERS: Final = 20


def test_of_twenty_browsers_that_reach_for_one_case_one_has_it(
    browser: Browser, served: ServedZentra, desk: Desk, workspace: TenantRef, staff: Staff
) -> None:
    make(workspace, staff.maker, "intent_one", amount_minor=4_300_000, currency="USD")
    case = case_of(workspace, "intent_one")
    people = [join(workspace, role="operator", name=f"Racer {number}") for number in range(RACERS)]
    rooms = [desk.visit(person) for person in people]
    watching = Keyboard.of(browser, served.base_url, staff.ann)
    watching.page.wait_for_selector("#livedot:has-text('live')")
    watching.page.locator(f"#row-{case.id}").wait_for()

    with ThreadPoolExecutor(RACERS) as pool:
        answers = list(pool.map(lambda room: room.post(f"reviews/{case.id}/claim/"), rooms))

    told = [answer.status_code for answer in answers]
    assert sorted(told) == [302] + [409] * (RACERS - 1)
    with tenant_work(workspace):
        held_by = get_review(review_id=case.id).claimed_by
    assert held_by == people[told.index(302)].id
    for answer in answers:
        assert answer.status_code == 302 or f"{people[told.index(302)].member.name} works on it" in answer.text
    assert len(desk.books.events("review.claimed")) == 1
    watching.page.locator(f"#row-{case.id}").wait_for(state="detached")


def test_twenty_who_claim_the_next_case_have_one_each(desk: Desk, workspace: TenantRef, staff: Staff) -> None:
    for number in range(RACERS):
        make(workspace, staff.maker, f"intent_{number}", amount_minor=4_300_000, currency="USD")
    people = [join(workspace, role="operator", name=f"Racer {number}") for number in range(RACERS + 2)]
    rooms = [desk.visit(person) for person in people]

    def claim(room: Room) -> int:
        return room.post("reviews/claim-next/").status_code

    with ThreadPoolExecutor(RACERS) as pool:
        assert set(pool.map(claim, rooms)) == {302}

    with tenant_work(workspace):
        holders = [
            review.claimed_by for number in range(RACERS) if (review := find_review(intent_id=f"intent_{number}"))
        ]
    assert len(set(holders)) == RACERS
    assert None not in holders
