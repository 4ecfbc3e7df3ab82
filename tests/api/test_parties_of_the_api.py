"""Parties, their screening and the watchlists over the API: kept, changed, screened; and what a key never does."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from django.db import connection

from tests.api.answered import assert_shape
from tests.api.test_webhook_endpoints import refused
from zentra.api.v1.party_answers import (
    DocumentAnswer,
    HitPage,
    PartyAnswer,
    PartyPage,
    ScreeningAnswer,
    VerificationAnswer,
    WatchlistPage,
)
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.operations import issue_key

Connect = Callable[..., httpx.Client]
NO_PARTY, NO_HIT, NO_LIST = (f"{prefix}_" + "0" * 26 for prefix in ("pty", "hit", "wls"))
ADA = {
    "kind": "person", "reference": "cust_ada", "name": "Ada Quill", "country": "GB", "born_on": "1969-03-01",
    "aliases": ["A. Quill"], "identifiers": [{"type": "passport", "value": "X 123-456", "country": "GB"}],
}  # fmt: skip


def keep(http: httpx.Client, **more: Any) -> dict[str, Any]:
    return assert_shape(http.post("/parties", json=ADA | more).json(), PartyAnswer)


def test_a_party_is_kept_screened_and_read(http: httpx.Client) -> None:
    made = keep(http, idempotency_key="ada")
    again = http.post("/parties", json=ADA | {"idempotency_key": "ada"})

    assert again.headers["Idempotent-Replayed"] == "true"
    assert http.get(f"/parties/{made['id']}").json() == made
    assert (made["status"], made["kyc_status"], made["screening"], made["version"]) == ("active", "none", "clear", 1)
    assert [each["name"] for each in made["names"]] == ["A. Quill"]
    assert made["identifiers"][0]["country"] == "GB"
    refused(http.post("/parties", json=ADA | {"idempotency_key": "other"}), 409, "reference_taken")


def test_no_name_stands_in_clear_beside_the_keys_of_requests(http: httpx.Client, workspace: TenantRef) -> None:
    party = keep(http, idempotency_key="ada")["id"]
    http.post(f"/parties/{party}/names", json={"name": "Adela Quill", "idempotency_key": "ada-alias"})

    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("SELECT operation, body FROM idempotency_key WHERE operation LIKE 'parties.%'")
        kept = {operation: bytes(body) for operation, body in cursor.fetchall()}

    assert set(kept) == {"parties.create", "parties.add_name"}
    assert not any(b"Quill" in body or b"X 123" in body for body in kept.values())


def test_parties_are_narrowed_and_paged(http: httpx.Client) -> None:
    for number in range(3):
        keep(http, reference=f"cust_{number}", risk="high" if number else "low")

    page = assert_shape(http.get("/parties?risk=high&limit=1").json(), PartyPage)
    rest = http.get(f"/parties?risk=high&limit=1&cursor={page['next_cursor']}").json()

    assert [each["reference"] for each in (*page["data"], *rest["data"])] == ["cust_2", "cust_1"]
    assert not rest["has_more"]
    assert [each["reference"] for each in http.get("/parties?reference=cust_0").json()["data"]] == ["cust_0"]


def test_a_change_names_the_version_that_it_saw(http: httpx.Client) -> None:
    made = keep(http)
    changed = http.patch(f"/parties/{made['id']}", json={"version": made["version"], "risk": "high"}).json()
    assert (changed["risk"], changed["version"]) == ("high", made["version"] + 1)

    refused(http.patch(f"/parties/{made['id']}", json={"version": made["version"], "risk": "low"}), 409, "stale_party")
    refused(http.patch(f"/parties/{made['id']}", json={"version": 2, "reference": "x"}), 422, "unknown_field")
    closed = http.post(f"/parties/{made['id']}/close", json={"version": changed["version"], "reason": "left"}).json()
    assert closed["status"] == "closed"
    refused(
        http.patch(f"/parties/{made['id']}", json={"version": closed["version"], "risk": "low"}), 409, "party_closed"
    )


def test_names_numbers_and_documents_are_added(http: httpx.Client) -> None:
    made = keep(http)
    at = f"/parties/{made['id']}"
    http.post(f"{at}/names", json={"name": "Ada Byron", "kind": "former"})
    http.post(f"{at}/identifiers", json={"type": "tax_id", "value": "GB 77", "country": "GB"})
    document = {"type": "passport", "number_hint": "456", "issued_by": "GB", "expires_on": "2090-01-01"}
    assert_shape(http.post(f"{at}/documents", json=document).json(), DocumentAnswer)

    whole = http.get(at).json()

    assert {each["name"] for each in whole["names"]} == {"A. Quill", "Ada Byron"}
    assert {each["type"] for each in whole["identifiers"]} == {"passport", "tax_id"}
    assert [each["expires_on"] for each in whole["documents"]] == ["2090-01-01"]
    for day in ("2090-1-1", "tomorrow", "2090-02-30", 20900101):
        assert http.post(f"{at}/documents", json=document | {"expires_on": day}).status_code == 422


def test_a_verification_is_started_once(http: httpx.Client) -> None:
    made = keep(http)
    at = f"/parties/{made['id']}/verifications"

    started = assert_shape(http.post(at, json={}).json(), VerificationAnswer)

    assert (started["vendor"], started["status"]) == ("sandbox", "queued")
    assert http.get(f"/parties/{made['id']}").json()["kyc_status"] == "pending"
    refused(http.post(at, json={"idempotency_key": "2"}), 409, "verification_open")
    other = keep(http, reference="cust_b")
    refused(http.post(f"/parties/{other['id']}/verifications", json={"vendor": "nobody"}), 422, "vendor_unknown")


def test_a_party_is_screened_and_no_key_decides_a_hit(http: httpx.Client) -> None:
    made = keep(http)

    found = assert_shape(http.post(f"/parties/{made['id']}/screenings", json={}).json(), ScreeningAnswer)

    assert (found["screening"], found["hits"], found["new_hits"]) == ("clear", [], [])
    assert assert_shape(http.get("/screening-hits").json(), HitPage)["data"] == []
    assert_shape(http.get("/watchlists").json(), WatchlistPage)
    refused(http.get(f"/screening-hits/{NO_HIT}"), 404, "hit_not_found")
    refused(http.get(f"/watchlists/{NO_LIST}"), 404, "watchlist_not_found")
    refused(http.get("/watchlists/ofac/versions"), 404, "watchlist_not_found")
    assert http.post(f"/screening-hits/{NO_HIT}/resolve", json={}).status_code == 404


def test_of_racing_twins_one_party_comes(http: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: http.post("/parties", json=ADA | {"idempotency_key": f"k{n}"}), range(8)))

    assert sorted(each.status_code for each in answers) == [201, *[409] * 7]
    assert len(http.get("/parties").json()["data"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "/parties", None), ("POST", "/parties", ADA), ("GET", "/screening-hits", None),
     ("POST", f"/parties/{NO_PARTY}/screenings", {})],
)  # fmt: skip
def test_a_key_without_the_scope_is_refused(
    method: str, path: str, body: Any, connect: Connect, workspace: TenantRef
) -> None:
    narrow = connect(
        issue_key(workspace=workspace, name="n", now=clock.now(), scopes=frozenset({"intents.read"})).token
    )

    refused(narrow.request(method, path, json=body), 403, "permission_denied")


def test_nobody_of_another_workspace_is_found(http: httpx.Client, connect: Connect, other_api_key: str) -> None:
    made = keep(http)
    other = connect(other_api_key)

    refused(other.get(f"/parties/{made['id']}"), 404, "party_not_found")
    refused(other.post(f"/parties/{made['id']}/screenings", json={}), 404, "party_not_found")
    assert other.get("/parties").json()["data"] == []
    refused(http.get("/parties/pty_nobody"), 400, "bad_id")
