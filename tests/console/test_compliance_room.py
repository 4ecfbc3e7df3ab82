"""The compliance rooms: parties, hits explained and resolved, watchlists imported, compared and activated, runs."""

from __future__ import annotations

import html
import io
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from evidence.queries import latest_events
from policy.screening.queries import documents_of, get_party, hits_of, list_parties, list_runs, steps_of
from policy.screening.watchlists.queries import get_version, list_versions, list_watchlists
from tests.console.test_accounts_room import form, opened, paid_in, read
from tests.console.test_pages import make
from tests.people import join
from zentra.core.tenancy import TenantRef, tenant_work

if TYPE_CHECKING:
    from policy.screening.types import PartyRecord
    from tests.people import Person

NAME = "Ada Byron Lovelace"
SECRETS = (NAME, "1815-12-10", "X1234567")
"""What is known of her that no event may hold."""
_NONE = ",-0- " * 7
SDN = (
    f'36,"LOVELACE, Ada Byron","individual","CUBA"{_NONE},"DOB 10 Dec 1815; nationality United Kingdom."\r\n'
    f'173,"ANGLO-CARIBBEAN CO., LTD.",-0- ,"CUBA"{_NONE},-0- \r\n'
).encode()


def post(person: Person, path: str, fields: dict[str, Any] | None = None, **more: str) -> tuple[int, str]:
    """Send a form; the status of the answer, and the page that one lands on."""
    client = person.sign_in(Client())
    answer = client.post(f"/w/{person.workspace.slug}/{path}", {**form(**more), **(fields or {})})
    if answer.status_code == 302:
        return 302, html.unescape(client.get(answer.headers["Location"]).content.decode())
    return answer.status_code, html.unescape(answer.content.decode())


def kept(workspace: TenantRef, reference: str = "customer_ada") -> PartyRecord:
    with tenant_work(workspace):
        return next(each for each in list_parties() if each.reference == reference)


def ada(person: Person, **changes: str) -> tuple[int, str]:
    said = {
        "kind": "person",
        "name": NAME,
        "reference": "customer_ada",
        "country": "gb",
        "born_on": "1815-12-10",
        "risk": "low",
        "segment": "",
        "aliases": "Countess Lovelace\r\n",
        "identifiers": "passport X1234567 GB",
    }
    return post(person, "compliance/parties/new/", {**said, **changes})


@pytest.fixture
def party(workspace: TenantRef, compliance: Person) -> str:
    """Ada, who is on no list yet."""
    assert ada(compliance)[0] == 302
    return kept(workspace).id


def imported(workspace: TenantRef, person: Person, content: bytes = SDN) -> tuple[str, str]:
    """A list with a version that was uploaded and read; the ids of both."""
    from tests.webhooks.work import run_due

    post(person, "compliance/watchlists/add/", name="OFAC SDN", source="ofac_csv")
    with tenant_work(workspace):
        [made] = list_watchlists()
    file = io.BytesIO(content)
    file.name = "SDN.CSV"
    status, page = post(person, f"compliance/watchlists/{made.id}/import/", {"file": file})
    assert (status, "is taken in" in page) == (302, True), page
    run_due()
    with tenant_work(workspace):
        [version] = list_versions(list_id=made.id, limit=5)
    return made.id, version.id


# --- parties ---------------------------------------------------------------------------------------------------------


def test_a_party_is_kept_screened_and_found(workspace: TenantRef, compliance: Person, auditor: Person) -> None:
    status, page = ada(compliance)
    assert (status, "The party is kept" in page) == (302, True)
    for said in (NAME, "customer_ada", "1815-12-10", "GB", "Countess Lovelace", "X1234567", "not verified"):
        assert said in page, said
    assert NAME in read(auditor, "compliance/?q=countess")
    assert NAME not in read(auditor, "compliance/?q=babbage")
    assert NAME not in read(auditor, "compliance/?kind=company")


def test_what_is_wrong_with_a_party_is_said_at_its_field(workspace: TenantRef, compliance: Person) -> None:
    status, page = ada(compliance, country="England")
    assert status == 422
    assert "two letters" in page.split('id="p-country-error"')[1][:120]
    assert f'value="{NAME}"' in page
    status, page = ada(compliance, identifiers="X1234567")
    assert status == 422
    assert "X1234567" not in page.split('id="problem"')[1].split("</div>")[0]
    with tenant_work(workspace):
        assert list_parties() == []


def test_a_reference_belongs_to_one_party(workspace: TenantRef, compliance: Person, party: str) -> None:
    status, page = ada(compliance, name="Another")
    assert status == 409
    assert "The reference belongs to another party" in page


def test_events_never_name_a_person(workspace: TenantRef, compliance: Person, party: str) -> None:
    post(compliance, f"compliance/parties/{party}/names/", name="Augusta Ada King", kind="former")
    post(
        compliance,
        f"compliance/parties/{party}/documents/",
        type="passport",
        number_hint="4567",
        expires_on="2031-05-01",
    )
    with tenant_work(workspace):
        events = latest_events(limit=60)
    for event in events:
        assert not any(each.encode() in event.body for each in (*SECRETS, "Augusta", "Countess")), event.type


def test_an_outsider_sees_nobody(workspace: TenantRef, outsider: Person, party: str) -> None:
    for path in ("compliance/", f"compliance/parties/{party}/", "compliance/alerts/", "compliance/watchlists/"):
        answer = outsider.sign_in(Client()).get(f"/w/{workspace.slug}/{path}")
        assert answer.status_code == 404
        assert NAME not in answer.content.decode()


def test_a_role_without_parties_read_is_shown_nobody(workspace: TenantRef, party: str) -> None:
    viewer = join(workspace, role="viewer")
    for path in ("compliance/", f"compliance/parties/{party}/", "compliance/alerts/"):
        answer = viewer.sign_in(Client()).get(f"/w/{workspace.slug}/{path}")
        assert answer.status_code == 403
        assert NAME not in answer.content.decode()
    assert "Compliance" not in read(viewer, "policy/").split('aria-label="Rooms"')[1].split("</nav>")[0]


def test_who_may_not_change_parties_is_refused(workspace: TenantRef, auditor: Person, party: str) -> None:
    page = read(auditor, f"compliance/parties/{party}/")
    assert "Screen now" not in page
    assert "Verify by the vendor" not in page
    for path in ("verify", "screen", "kyc", "change", "close", "documents", "names", "identifiers"):
        assert post(auditor, f"compliance/parties/{party}/{path}/", state="verified", note="x")[0] == 403
    with tenant_work(workspace):
        assert get_party(party_id=party).version == 1


def test_a_party_is_verified_by_a_persons_word(workspace: TenantRef, compliance: Person, party: str) -> None:
    status, page = post(
        compliance, f"compliance/parties/{party}/kyc/", state="verified", note="passport seen",
        valid_until="2031-01-01", step_up_code=compliance.totp_code(),
    )  # fmt: skip
    assert (status, "The party is verified" in page) == (302, True)
    assert "2031-01-02 00:00:00 UTC" in page
    assert "passport seen" in page
    with tenant_work(workspace):
        assert get_party(party_id=party).kyc_state == "verified"


def test_documents_say_when_they_run_out(workspace: TenantRef, compliance: Person, party: str) -> None:
    _, page = post(
        compliance, f"compliance/parties/{party}/documents/", type="passport", number_hint="4567", issued_by="GB",
        expires_on="2020-01-01",
    )  # fmt: skip
    assert "ran out 01 Jan 2020" in page
    with tenant_work(workspace):
        [document] = documents_of(party_id=party)
    _, page = post(compliance, f"compliance/parties/{party}/documents/remove/", document=document.id)
    assert "None was seen" in page


def test_of_two_who_change_a_party_one_is_told(
    workspace: TenantRef, compliance: Person, admin: Person, party: str
) -> None:
    changes = {
        "name": "Ada King",
        "country": "GB",
        "born_on": "1815-12-10",
        "risk": "high",
        "segment": "",
        "version": "1",
    }
    assert "The party is changed" in post(admin, f"compliance/parties/{party}/change/", changes)[1]
    _, page = post(compliance, f"compliance/parties/{party}/change/", {**changes, "risk": "medium"})
    assert "changed" in page
    assert kept(workspace).risk == "high"


def test_a_page_of_parties_costs_the_same_with_many(workspace: TenantRef, compliance: Person) -> None:
    client, address = compliance.sign_in(Client()), f"/w/{workspace.slug}/compliance/"
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for number in range(4):
        ada(compliance, reference=f"customer_{number}", name=f"Somebody {number}")
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(many) == len(few) <= 30


def test_a_party_shows_what_it_moved(workspace: TenantRef, compliance: Person, developer: Person, party: str) -> None:
    opened(workspace, "ada_balance", customer="customer_ada")
    paid_in(workspace, "ada_balance", 5_000_000)
    make(workspace, developer, "intent_of_ada", amount_minor=1_000_000, currency="USD", debit_account="ada_balance")
    page = html.unescape(read(compliance, f"compliance/parties/{party}/"))
    row = page.split("<h2>Intents</h2>")[1].split("intent_of_ada</a>")[1].split("</tr>")[0]
    assert "paid" in row
    assert "1,000,000" in row


# --- lists and hits --------------------------------------------------------------------------------------------------


def test_a_list_is_imported_compared_and_activated_with_a_second_factor(
    workspace: TenantRef, compliance: Person
) -> None:
    officer = join(workspace, role="compliance", name="Officer", totp=True)
    list_id, version_id = imported(workspace, compliance)
    here = f"compliance/watchlists/{list_id}/versions/{version_id}/"
    page = html.unescape(read(compliance, here))
    for said in ("ready, not active", "LOVELACE, Ada Byron", "Activate version 1", "nothing was active before"):
        assert said in page, said
    _, page = post(officer, f"{here}activate/")
    assert "second factor" in page
    with tenant_work(workspace):
        assert get_version(version_id=version_id).state == "ready"
    _, page = post(officer, f"{here}activate/", step_up_code=officer.totp_code())
    assert "Version 1 is screened against from now on" in page
    with tenant_work(workspace):
        assert get_version(version_id=version_id).state == "active"
        assert len(list_runs()) == 1
    assert "OFAC SDN, version 1" in html.unescape(read(compliance, "compliance/screening/"))


def test_a_file_that_is_no_list_is_refused_and_nothing_is_kept(workspace: TenantRef, compliance: Person) -> None:
    post(compliance, "compliance/watchlists/add/", name="OFAC SDN", source="ofac_xml")
    with tenant_work(workspace):
        [made] = list_watchlists()
    file = io.BytesIO(b"this is no list")
    file.name = "notes.txt"
    status, page = post(compliance, f"compliance/watchlists/{made.id}/import/", {"file": file})
    assert status in {409, 422}
    assert "problem" in page
    with tenant_work(workspace):
        assert list_versions(list_id=made.id, limit=5) == []


def activated(workspace: TenantRef, person: Person) -> None:
    """The list with Ada on it is what parties are screened against."""
    officer = join(workspace, role="compliance", totp=True)
    list_id, version_id = imported(workspace, person)
    here = f"compliance/watchlists/{list_id}/versions/{version_id}/"
    post(officer, f"{here}activate/", step_up_code=officer.totp_code())


def test_a_hit_is_explained_part_by_part_and_cleared_for_good_by_another(
    workspace: TenantRef, compliance: Person, admin: Person
) -> None:
    activated(workspace, compliance)
    _, page = ada(compliance)
    assert "hits to resolve" in page
    party = kept(workspace)
    with tenant_work(workspace):
        [hit] = hits_of(party_id=party.id)
    told = page.split(f'id="{hit.id}"')[1].split("</article>")[0]
    assert "LOVELACE, Ada Byron" in told
    assert "OFAC SDN" in told
    assert all(part["words"] in told for part in hit.parts)
    assert sum(int(part["points"]) for part in hit.parts) >= hit.score
    assert NAME in html.unescape(read(compliance, "compliance/alerts/"))
    _, page = post(compliance, f"compliance/hits/{hit.id}/resolve/", state="cleared", note=" ")
    assert "Please fill in" in page
    _, page = post(compliance, f"compliance/hits/{hit.id}/resolve/", state="cleared", note="another century")
    assert "Somebody else clears the hits" in page
    _, page = post(admin, f"compliance/hits/{hit.id}/resolve/", state="cleared", note="another century")
    assert "The hit is cleared" in page
    assert kept(workspace).screening == "clear"
    _, page = post(compliance, f"compliance/parties/{party.id}/screen/")
    assert "nothing new" in page  # remembered
    assert "another century" in page
    with tenant_work(workspace):
        assert any(each.what == "hit_cleared" for each in steps_of(party_id=party.id))
        assert all(b"another century" not in each.body for each in latest_events(limit=40))


def test_the_second_of_two_who_resolve_a_hit_is_told(workspace: TenantRef, compliance: Person, admin: Person) -> None:
    activated(workspace, compliance)
    ada(compliance)
    with tenant_work(workspace):
        [hit] = hits_of(party_id=kept(workspace).id)
    post(admin, f"compliance/hits/{hit.id}/resolve/", state="confirmed", note="same birthday")
    _, page = post(compliance, f"compliance/hits/{hit.id}/resolve/", state="cleared", note="no")
    assert "decided before" in page or "resolved" in page
    assert kept(workspace).screening == "confirmed"


def test_everybody_is_screened_again_on_request(workspace: TenantRef, compliance: Person, party: str) -> None:
    status, page = post(compliance, "compliance/screening/start/")
    assert (status, "screens 1 parties" in page) == (302, True)
    assert "asked for" in page
    status, page = post(
        compliance, "compliance/screening/settings/", hit_from_score="85", kyc_lasts_days="365", version="1",
        step_up_code=compliance.totp_code(),
    )  # fmt: skip
    assert "The settings are changed" in page


def test_no_page_carries_inline_script_or_style(workspace: TenantRef, compliance: Person, party: str) -> None:
    client = compliance.sign_in(Client())
    for path in ("compliance/", f"compliance/parties/{party}/", "compliance/alerts/", "compliance/watchlists/",
                 "compliance/screening/", "compliance/parties/new/"):  # fmt: skip
        text = client.get(f"/w/{workspace.slug}/{path}").content.decode()
        assert " style=" not in text
        assert "<script>" not in text
