"""KYC: one table of transitions, a vendor that is asked for as long as it takes, and people's own word."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

import policy.screening
from policy.screening import kyc, tasks
from policy.screening.kyc import KycRefused
from policy.screening.operations import DocumentNotFound, KycNoteRequired, VerificationOpen
from policy.screening.store import StaleParty
from policy.screening.types import KYC_STATES, PartyRecord
from policy.screening.vendors.adapters import VendorUnknown
from policy.screening.vendors.sandbox import SandboxVendor
from policy.screening.vendors.types import AnswerKind, VendorAnswer, VerificationRequest
from tests.ledger.book import at_once
from tests.routing.processes import SimulatorProcess, free_port, wait_until
from tests.screening.bureau import Bureau
from zentra.core import clock, ids
from zentra.core.queue import Defer, WorkItem

QUICK = ("--succeed-ms", "60", "--settle-ms", "150", "--late-ms", "600", "--slow-ms", "300", "--hang-ms", "3000")


@pytest.fixture(scope="module")
def vendor_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    """The simulators, with the vendor among them, in a process of their own."""
    process = SimulatorProcess(tmp_path_factory.mktemp("vendor") / "sandbox.sqlite3", free_port(), QUICK)
    process.start()
    yield process
    process.close()


@pytest.fixture
def vendor_url(vendor_process: SimulatorProcess) -> Iterator[str]:
    """Where the vendor answers; the adapter of the settings goes there."""
    url = f"http://127.0.0.1:{vendor_process.port}"
    with override_settings(ZENTRA_KYC_URL=url, ZENTRA_PROVIDER_TIMEOUT_MS=300):
        yield url


def pursue(bureau: Bureau, verification_id: str) -> Defer | None:
    """Do the work item once, as a worker does; what it asks for next."""
    moment = clock.now()
    item = WorkItem(ids.new_uuid(), bureau.ws.id, "screening.verify", verification_id, moment, 1, ids.new_uuid())
    try:
        tasks.pursue_verification(item, bureau.ws)
    except Defer as later:
        return later
    return None


def pursue_to_its_end(bureau: Bureau, verification_id: str) -> None:
    wait_until(lambda: pursue(bureau, verification_id) is None)


def answered(bureau: Bureau, verification_id: str, kind: AnswerKind, **words: Any) -> datetime | None:
    """What the vendor would have said, taken in."""
    bureau.run("next_call", verification_id=verification_id)
    return bureau.run(  # type: ignore[no-any-return]
        "record_answer", verification_id=verification_id, answer=VendorAnswer(kind, **words)
    )


def start(bureau: Bureau, party: PartyRecord) -> str:
    return str(bureau.do("start_verification", party_id=party.id).id)


# -- The vendor over HTTP ----------------------------------------------------------------------------------------------


def test_the_vendor_approves_after_a_while_and_is_asked_until_then(bureau: Bureau, vendor_url: str) -> None:
    party = bureau.party("Mary Approve", born_on=date(1980, 1, 1))
    verification = start(bureau, party)
    assert bureau.get(party).kyc_state == "pending"
    assert bureau.work("screening.verify") == [verification]

    first = pursue(bureau, verification)
    assert first is not None
    assert first.reason == "pending"
    pursue_to_its_end(bureau, verification)

    after = bureau.get(party)
    assert after.kyc_state == "verified"
    assert after.kyc_expires_at is not None
    assert after.kyc_expires_at > clock.now() + timedelta(days=700)
    (kept,) = bureau.ask("verifications_of", party_id=party.id)
    assert (kept.state, kept.reason_code, kept.attempts >= 2) == ("approved", "documents_match", True)
    assert kept.vendor_reference.startswith("kyc-")
    assert bureau.types("party.") == ["party.created", "party.verification_started", "party.verified"]


def test_the_vendor_rejects(bureau: Bureau, vendor_url: str) -> None:
    party = bureau.party("Please Reject Me")

    pursue_to_its_end(bureau, start(bureau, party))

    assert (bureau.get(party).kyc_state, bureau.get(party).kyc_expires_at) == ("rejected", None)
    assert bureau.events("party.rejected")[0]["data"]["reason_code"] == "documents_unreadable"


def test_expired_papers_are_rejected_by_the_vendor(bureau: Bureau, vendor_url: str) -> None:
    party = bureau.party("Mary Approve")
    bureau.do("add_document", party_id=party.id, type="passport", expires_on=date(2020, 1, 1))

    pursue_to_its_end(bureau, start(bureau, party))

    assert bureau.events("party.rejected")[0]["data"]["reason_code"] == "documents_expired"


def test_a_slow_vendor_is_waited_for(bureau: Bureau, vendor_url: str) -> None:
    party = bureau.party("Slow Sam")
    verification = start(bureau, party)

    assert pursue(bureau, verification) is not None
    assert pursue(bureau, verification) is not None
    assert bureau.get(party).kyc_state == "pending"
    pursue_to_its_end(bureau, verification)
    assert bureau.get(party).kyc_state == "verified"


def test_an_unavailable_vendor_took_nothing_and_is_sent_to_again(bureau: Bureau, vendor_url: str) -> None:
    party = bureau.party("Unavailable Una")
    verification = start(bureau, party)

    for _ in range(2):
        assert pursue(bureau, verification) is not None

    (kept,) = bureau.ask("verifications_of", party_id=party.id)
    assert (kept.state, kept.attempts, kept.detail) == ("queued", 2, "503 unavailable")
    assert bureau.get(party).kyc_state == "pending"


def test_silence_is_unknown_not_no_and_what_became_of_it_is_asked(bureau: Bureau, vendor_url: str) -> None:
    party = bureau.party("Timeout Tim")
    verification = start(bureau, party)

    with override_settings(ZENTRA_PROVIDER_TIMEOUT_MS=300):
        assert pursue(bureau, verification) is not None
    (kept,) = bureau.ask("verifications_of", party_id=party.id)
    assert (kept.state, bureau.get(party).kyc_state) == ("unknown", "pending")

    pursue_to_its_end(bureau, verification)
    assert bureau.get(party).kyc_state == "verified"
    (kept,) = bureau.ask("verifications_of", party_id=party.id)
    assert kept.state == "approved"


def test_a_vendor_that_is_down_costs_nothing_but_time(bureau: Bureau) -> None:
    party = bureau.party()
    verification = start(bureau, party)

    with override_settings(ZENTRA_KYC_URL=f"http://127.0.0.1:{free_port()}"):
        later = pursue(bureau, verification)

    assert later is not None
    assert later.reason == "ConnectError"
    assert bureau.ask("verifications_of", party_id=party.id)[0].state == "queued"


def test_the_vendor_takes_a_key_once_also_after_it_was_killed(
    vendor_process: SimulatorProcess, vendor_url: str
) -> None:
    vendor = SandboxVendor(vendor_url)
    request = VerificationRequest(ids.new_id("ver"), "person", "Slow Sam", "GB", "1980-01-01", ())

    first = vendor.send(request)
    vendor_process.kill()
    vendor_process.start()
    again = SandboxVendor(vendor_url)

    assert (first.kind, again.send(request).vendor_reference) == (AnswerKind.PENDING, first.vendor_reference)
    assert again.ask(request.key).vendor_reference == first.vendor_reference
    assert again.ask("never").kind is AnswerKind.NOT_FOUND
    other = VerificationRequest(request.key, "person", "Somebody Else", "", "", ())
    assert again.send(other).kind is AnswerKind.UNKNOWN


# -- Answers in any order ----------------------------------------------------------------------------------------------


def test_a_verification_that_the_vendor_never_saw_is_sent_again(bureau: Bureau) -> None:
    party = bureau.party()
    verification = start(bureau, party)
    assert bureau.run("next_call", verification_id=verification).is_send

    answered(bureau, verification, AnswerKind.UNKNOWN)
    assert not bureau.run("next_call", verification_id=verification).is_send
    answered(bureau, verification, AnswerKind.NOT_FOUND)
    assert bureau.run("next_call", verification_id=verification).is_send


def test_waits_grow_and_never_end(bureau: Bureau) -> None:
    verification = start(bureau, bureau.party())
    moments = [answered(bureau, verification, AnswerKind.UNKNOWN) for _ in range(12)]

    waits = [(moment - clock.now()).total_seconds() for moment in moments if moment]
    assert len(waits) == 12
    assert waits[0] <= 1.0
    assert 290 < waits[-1] <= 300


def test_two_answers_at_once_are_one_verification(bureau: Bureau) -> None:
    party = bureau.party()
    verification = start(bureau, party)
    answers = at_once(
        [
            lambda kind=kind: answered(bureau, verification, kind)  # type: ignore[misc]
            for kind in (AnswerKind.APPROVED, AnswerKind.REJECTED) * 3
        ],
        threads=6,
    )

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    told = [type_ for type_ in bureau.types("party.") if type_ in ("party.verified", "party.rejected")]
    assert told == [f"party.{bureau.get(party).kyc_state}"]


def test_one_verification_at_a_time_also_when_several_start(bureau: Bureau) -> None:
    party = bureau.party()

    answers = at_once([lambda: start(bureau, party)] * 5, threads=5)

    refused = [answer for answer in answers if isinstance(answer, VerificationOpen)]
    assert len(refused) == 4
    assert {error.extra["verification_id"] for error in refused} == set(bureau.work("screening.verify"))


def test_a_live_workspace_is_not_verified_by_a_simulation(bureau: Bureau, live_workspace: Any) -> None:
    live = Bureau(live_workspace, bureau.lists)
    party = live.party()

    for refused, words in ((live, {}), (bureau, {"vendor": "nobody"})):
        with pytest.raises(VendorUnknown):
            refused.do("start_verification", party_id=party.id, **words)
    with override_settings(ZENTRA_KYC_URL=""), pytest.raises(VendorUnknown):
        start(bureau, bureau.party())


# -- People's word, and time -------------------------------------------------------------------------------------------


def test_a_person_decides_and_the_vendor_is_waited_for_no_more(bureau: Bureau) -> None:
    party = bureau.party()
    verification = start(bureau, party)

    verified = bureau.do("decide_kyc", party_id=party.id, state="verified", note="met in person")

    assert verified.kyc_state == "verified"
    assert bureau.run("next_call", verification_id=verification) is None
    assert answered(bureau, verification, AnswerKind.REJECTED) is None
    assert bureau.get(party).kyc_state == "verified"
    assert bureau.types("party.v") == [
        "party.verification_started",
        "party.verification_abandoned",
        "party.verified",
    ]
    with pytest.raises(KycNoteRequired):
        bureau.do("decide_kyc", party_id=party.id, state="rejected", note=" ")
    with pytest.raises(StaleParty):
        bureau.do("decide_kyc", party_id=party.id, state="rejected", note="no", version=7)


def test_of_two_people_who_reject_one_is_told(bureau: Bureau) -> None:
    party = bureau.party()
    words = {"party_id": party.id, "state": "rejected", "note": "unreadable"}

    answers = at_once([lambda: bureau.do("decide_kyc", **words)] * 4, threads=4)

    assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [KycRefused] * 3
    assert bureau.types("party.rejected") == ["party.rejected"]


def test_what_was_verified_expires_and_is_verified_again(bureau: Bureau) -> None:
    party = bureau.party()
    soon = clock.now() + timedelta(hours=1)
    bureau.do("decide_kyc", party_id=party.id, state="verified", note="seen", valid_until=soon)

    assert bureau.run("expire_kyc", now=soon - timedelta(seconds=1)) == 0
    assert [bureau.run("expire_kyc", now=soon) for _ in range(2)] == [1, 0]
    assert bureau.get(party).kyc_state == "expired"
    assert bureau.events("party.expired")[0]["data"]["reason_code"] == "verification"
    verification = start(bureau, party)
    answered(bureau, verification, AnswerKind.APPROVED)
    assert bureau.get(party).kyc_state == "verified"


def test_what_is_verified_stays_so_while_it_is_verified_again(bureau: Bureau) -> None:
    party = bureau.party()
    bureau.do("decide_kyc", party_id=party.id, state="verified", note="seen")

    start(bureau, party)
    assert bureau.get(party).kyc_state == "verified"
    bureau.do("abandon_verification", party_id=party.id)
    assert bureau.get(party).kyc_state == "verified"


def test_a_verification_that_is_given_up_leaves_what_was_before(bureau: Bureau) -> None:
    party = bureau.party()
    start(bureau, party)

    assert bureau.do("abandon_verification", party_id=party.id).kyc_state == "none"
    assert bureau.do("abandon_verification", party_id=party.id).kyc_state == "none"


def test_a_verification_lasts_no_longer_than_its_documents(bureau: Bureau) -> None:
    party = bureau.party()
    today = clock.now().date()
    bureau.do("decide_kyc", party_id=party.id, state="verified", note="seen")

    old = bureau.do("add_document", party_id=party.id, type="passport", expires_on=today, number_hint="x-91")
    ends = bureau.get(party).kyc_expires_at
    assert ends == datetime(today.year, today.month, today.day, tzinfo=UTC) + timedelta(days=1)
    assert bureau.ask("expiring_parties", before=ends + timedelta(days=1))[0].id == party.id
    assert bureau.run("expire_kyc", now=ends) == 1
    assert bureau.events("party.expired")[0]["data"]["reason_code"] == "document"

    bureau.do("add_document", party_id=party.id, type="passport", expires_on=date(2999, 1, 1))
    assert bureau.get(party).kyc_state == "verified"
    bureau.do("remove_document", party_id=party.id, document_id=old.id)
    with pytest.raises(DocumentNotFound):
        bureau.do("remove_document", party_id=party.id, document_id=old.id)
    assert [paper.expires_on for paper in bureau.ask("documents_of", party_id=party.id)] == [date(2999, 1, 1)]
    assert "X91" not in str(bureau.events())
    assert "2999" not in str(bureau.events())


def test_two_who_expire_at_once_tell_it_once(bureau: Bureau) -> None:
    soon = clock.now() + timedelta(seconds=1)
    parties = [bureau.party() for _ in range(4)]
    for party in parties:
        bureau.do("decide_kyc", party_id=party.id, state="verified", note="seen", valid_until=soon)

    counts = at_once([lambda: bureau.run("expire_kyc", now=soon)] * 4, threads=4)

    assert sum(count for count in counts if isinstance(count, int)) == 4
    assert len(bureau.events("party.expired")) == 4


def test_the_database_holds_the_same_table_of_transitions() -> None:
    sql = (Path(policy.screening.__file__).parent / "sql" / "immutable.sql").read_text()
    told = {(before, after) for before, after in re.findall(r"'([a-z]+)>([a-z]+)'", sql)}

    ours = {(before, after) for (before, _), after in kyc.TRANSITIONS.items() if before != after}
    assert told == ours
    for state, cause in itertools.product(KYC_STATES, ("start", "approve", "reject", "expire", "renew", "abandon")):
        if (state, cause) not in kyc.TRANSITIONS:
            with pytest.raises(KycRefused):
                kyc.next_state(state=state, cause=cause)  # type: ignore[arg-type]
