"""The demo's parties: there after seeding, in every state that a page shows, and not twice."""

from __future__ import annotations

from datetime import timedelta

from policy.screening import operations, queries
from tests.people import Person
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.demo.parties import MARK, seed_parties


def test_seeding_makes_about_forty_parties_once(workspace: TenantRef, compliance: Person) -> None:
    for _ in range(2):
        seed_parties(ref=workspace, actor=compliance.actor(), now=clock.now())

    with tenant_work(workspace):
        operations.expire_kyc(now=clock.now())
        counts = queries.count_parties()
        hits = queries.list_hits()
        agency = queries.find_party(reference="customer_under_review")
        expiring = queries.expiring_parties(before=clock.now() + timedelta(days=30))
        hotel = queries.find_party(reference=MARK)
    assert sum(counts["kind"].values()) == 41
    assert counts["kyc_state"]["expired"] >= 2
    assert counts["kyc_state"]["pending"] >= 3
    assert counts["kyc_state"]["rejected"] >= 2
    assert counts["screening"] == {"clear": 39, "unresolved": 2}
    assert sorted(hit.state for hit in hits) == ["cleared", "open", "open"]
    assert expiring
    assert agency is not None
    assert agency.screening == "unresolved"
    assert hotel is not None
    assert hotel.kyc_state == "verified"
