"""The review queue and the case: found, claimed, decided with code and reason, and never lost what was typed."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console import doors
from evidence.queries import latest_events
from policy.reviews.operations import claim_review, open_case
from policy.reviews.queries import alerts_of, approvals_of, find_review, get_review, notes_of
from policy.reviews.types import NewAlert, ReviewRecord
from policy.rules.defaults import DEFAULT_RULES
from tests.console.test_pages import make
from tests.people import join
from zentra.core.clock import now
from zentra.core.ids import new_uuid
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.models import Membership

if TYPE_CHECKING:
    from tests.people import Person


@pytest.fixture
def ann(workspace: TenantRef) -> Person:
    """An operator with an authenticator."""
    return join(workspace, role="operator", name="Ann", totp=True)


@pytest.fixture
def bob(workspace: TenantRef) -> Person:
    """Another one."""
    return join(workspace, role="operator", name="Bob", totp=True)


@pytest.fixture
def held(workspace: TenantRef, developer: Person) -> str:
    """An intent over the limit of one intent."""
    make(workspace, developer, "intent_over", amount_minor=4_300_000, currency="USD")
    return "intent_over"


def case_of(workspace: TenantRef, intent_id: str) -> ReviewRecord:
    with tenant_work(workspace):
        found = find_review(intent_id=intent_id)
    assert found is not None
    return found


def form(**fields: str) -> dict[str, str]:
    return {"idempotency_key": str(new_uuid()), **fields}


def decision(person: Person, what: str, **fields: str) -> dict[str, str]:
    code = "known_pattern" if what == "approve" else "suspected_fraud"
    said = form(decision=what, reason_code=code, reason="called them", step_up_code=person.totp_code())
    return said | fields


def at(workspace: TenantRef, path: str = "") -> str:
    return f"/w/{workspace.slug}/reviews/{path}"


def body(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode()).replace("&#x27;", "'")


def status_of(workspace: TenantRef, intent_id: str) -> str:
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("SELECT status FROM runtime_intent WHERE intent_id = %s", [intent_id])
        return str(cursor.fetchone()[0])


# --- the decision ----------------------------------------------------------------------------------------------------


def test_a_decision_posts_once_however_often_the_form_is_sent(workspace: TenantRef, ann: Person, held: str) -> None:
    client, said = ann.sign_in(Client()), decision(ann, "approve")
    for _ in range(2):
        assert "is approved" in body(client.post(at(workspace, f"{held}/decide/"), said, follow=True))
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ledger_posting WHERE intent_id = %s", [held])
        assert cursor.fetchone() == (1,)


def test_who_lost_the_role_since_the_request_came_in_decides_nothing(
    workspace: TenantRef, ann: Person, held: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, said = ann.sign_in(Client()), decision(ann, "approve")
    Membership.objects.filter(user=ann.user).update(role="auditor")
    monkeypatch.setattr(doors, "find_membership", lambda **_: ann.member)
    assert client.post(at(workspace, f"{held}/decide/"), said).status_code == 404
    assert status_of(workspace, held) == "review"
    assert case_of(workspace, held).is_open


def test_a_rule_that_says_more_by_now_is_read_and_cleared_and_then_it_is_approved(
    workspace: TenantRef, ann: Person, held: str
) -> None:
    client = ann.sign_in(Client())
    stricter = json.loads(json.dumps(DEFAULT_RULES))
    watched = {"op": "gt", "field": "amount_minor", "value": 1}
    stricter["rules"].append({"name": "new.rule", "action": "review", "reason": "by now", "when": watched})
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO policy_rule_set (version, rules, published_at, published_by) VALUES (2, %s, now(), 'usr_a')",
            [json.dumps(stricter)],
        )
    refused = client.post(at(workspace, f"{held}/decide/"), decision(ann, "approve"))
    assert refused.status_code == 409

    page = body(client.get(at(workspace, f"{case_of(workspace, held).id}/")))
    [clear] = re.findall(r'action="([^"]+/alerts/[^"]+)"', page)
    assert "Read, and cleared" in page
    assert "It is a match" not in page
    assert "new.rule is cleared" in body(client.post(clear, form(state="cleared", note="seen"), follow=True))
    assert "is approved" in body(client.post(at(workspace, f"{held}/decide/"), decision(ann, "approve"), follow=True))


def test_the_second_is_told_who_decided_and_keeps_what_they_typed(
    workspace: TenantRef, ann: Person, bob: Person, held: str
) -> None:
    ann.sign_in(Client()).post(at(workspace, f"{held}/decide/"), decision(ann, "decline"))
    late = bob.sign_in(Client())
    answer = late.post(at(workspace, f"{held}/decide/"), decision(bob, "approve", reason="my long and careful reason"))
    assert answer.status_code == 409
    assert "This review has been decided" in body(answer)
    assert "Ann declined it at" in body(answer)
    assert "my long and careful reason" in body(answer)
    assert status_of(workspace, held) == "declined"


def test_without_a_fresh_second_factor_the_case_comes_back_as_it_was_typed(
    workspace: TenantRef, ann: Person, held: str
) -> None:
    client = ann.sign_in(Client())
    for code in ("", "000000"):
        answer = client.post(at(workspace, f"{held}/decide/"), decision(ann, "approve", step_up_code=code))
        text = body(answer)
        assert answer.status_code == 403
        assert 'name="step_up_code"' in text
        assert "called them" in text
        assert re.search(r'value="known_pattern" required checked', text)
        assert '<dialog class="act-dialog" id="act-approve" aria-labelledby="act-approve-title" open>' in text
    assert status_of(workspace, held) == "review"
    with tenant_work(workspace):
        assert latest_events(limit=1)[0].type == "access.denied"
    client.post(at(workspace, f"{held}/decide/"), decision(ann, "approve"))
    assert status_of(workspace, held) == "ledgered"


def test_who_has_no_authenticator_is_sent_to_set_one_up(workspace: TenantRef, operator: Person, held: str) -> None:
    from tests.people import leave_without_factor

    leave_without_factor(operator.user)
    said = form(decision="approve", reason_code="known_pattern", reason="called them")
    answer = operator.sign_in(Client()).post(at(workspace, f"{held}/decide/"), said)
    assert answer.headers["Location"].startswith("/second-factor/set-up/?next=")
    assert status_of(workspace, held) == "review"


def test_a_decision_needs_a_reason_and_a_code(workspace: TenantRef, ann: Person, held: str) -> None:
    client = ann.sign_in_with_code(Client())
    empty = client.post(
        at(workspace, f"{held}/decide/"), form(decision="approve", reason=" ", reason_code="known_pattern")
    )
    assert "Something is missing in the form" in body(empty)
    coded = client.post(at(workspace, f"{held}/decide/"), form(decision="approve", reason="why", reason_code="mine"))
    assert "There is no such code" in body(coded)
    assert "why" in body(coded)
    nothing = client.post(at(workspace, f"{held}/decide/"), form(decision="", reason="why"))
    assert "Say whether to approve" in body(nothing)
    assert status_of(workspace, held) == "review"


def test_whoever_made_it_cannot_decide_it(workspace: TenantRef, admin: Person) -> None:
    make(workspace, admin, "intent_mine", amount_minor=4_300_000, currency="USD")
    client = admin.sign_in(Client())
    assert "You made it." in body(client.get(at(workspace, "?selected=intent_mine")))
    from tests.people import enrol

    enrol(admin.user)
    answer = client.post(at(workspace, "intent_mine/decide/"), decision(admin, "approve"))
    assert "cannot decide it" in body(answer)
    assert status_of(workspace, "intent_mine") == "review"


def test_after_a_decision_the_next_case_is_shown(workspace: TenantRef, ann: Person, developer: Person) -> None:
    for number in range(3):
        make(workspace, developer, f"intent_{number}", amount_minor=4_300_000, currency="USD")
    cases = [case_of(workspace, f"intent_{number}") for number in range(3)]
    client = ann.sign_in_with_code(Client())
    page = body(client.get(at(workspace, f"?selected={cases[1].id}")))
    then = re.search(r'name="then" value="([^"]+)"', page)
    assert then is not None
    said = form(decision="decline", reason_code="limit_policy", reason="no", then=then[1].replace("&amp;", "&"))
    answer = client.post(at(workspace, f"{cases[1].id}/decide/"), said, follow=True)
    assert f'id="inspector" aria-label="Selected case" data-id="{cases[2].id}"' in body(answer)


def test_where_a_form_leads_is_one_of_our_pages(workspace: TenantRef, ann: Person, held: str) -> None:
    client = ann.sign_in_with_code(Client())
    said = form(decision="decline", reason_code="limit_policy", reason="no", then="https://evil.example/w/x/reviews/")
    answer = client.post(at(workspace, f"{held}/decide/"), said)
    assert answer.headers["Location"].startswith(at(workspace))


# --- claims ----------------------------------------------------------------------------------------------------------


def test_claim_next_takes_one_case_a_form(workspace: TenantRef, ann: Person, developer: Person) -> None:
    for number in range(2):
        make(workspace, developer, f"intent_{number}", amount_minor=4_300_000, currency="USD")
    client, said = ann.sign_in(Client()), form()
    for _ in range(2):
        answer = client.post(at(workspace, "claim-next/"), said, follow=True)
        assert "claimed by you" in body(answer)
    assert [case_of(workspace, f"intent_{number}").claimed_by for number in range(2)] == [ann.id, None]
    client.post(at(workspace, "claim-next/"), form())
    assert "Nothing waits for you" in body(client.post(at(workspace, "claim-next/"), form(), follow=True))


def test_a_case_in_others_hands_leaves_the_open_tab_and_cannot_be_decided(
    workspace: TenantRef, ann: Person, bob: Person, held: str
) -> None:
    case = case_of(workspace, held)
    with tenant_work(workspace):
        claim_review(review_id=case.id, actor=ann.actor(), now=now())
    client = bob.sign_in(Client())
    assert f'id="row-{case.id}"' not in body(client.get(at(workspace)))
    claimed = body(client.get(at(workspace, "?tab=claimed")))
    assert f'id="row-{case.id}"' in claimed
    assert "Ann works on it until" in claimed
    answer = client.post(at(workspace, f"{held}/decide/"), decision(bob, "approve", reason="kept words"))
    assert answer.status_code == 409
    assert "Ann works on it until" in body(answer)
    assert "kept words" in body(answer)
    assert status_of(workspace, held) == "review"


def test_a_claim_is_renewed_and_released(workspace: TenantRef, ann: Person, bob: Person, held: str) -> None:
    client, case = ann.sign_in(Client()), case_of(workspace, held)
    assert "is yours until" in body(client.post(at(workspace, f"{case.id}/claim/"), form(), follow=True))
    assert "The lease runs until" in body(client.post(at(workspace, f"{case.id}/renew/"), form(), follow=True))
    late = bob.sign_in(Client()).post(at(workspace, f"{case.id}/claim/"), form())
    assert late.status_code == 409
    assert "Ann works on it" in body(late)
    assert "is free for others" in body(client.post(at(workspace, f"{case.id}/release/"), form(), follow=True))
    assert "no longer claimed by you" in body(client.post(at(workspace, f"{case.id}/renew/"), form()))


# --- whose it is -----------------------------------------------------------------------------------------------------


def test_several_are_assigned_at_once_and_those_that_cannot_be_are_named(
    workspace: TenantRef, ann: Person, bob: Person, developer: Person
) -> None:
    for number in range(3):
        make(workspace, developer, f"intent_{number}", amount_minor=4_300_000, currency="USD")
    cases = [case_of(workspace, f"intent_{number}").id for number in range(3)]
    client = ann.sign_in_with_code(Client())
    client.post(at(workspace, f"{cases[2]}/decide/"), form(decision="decline", reason_code="limit_policy", reason="no"))
    said = {**form(owner=bob.id), "review": cases}
    text = body(client.post(at(workspace, "assign/"), said, follow=True))
    assert "Bob is now accountable for 2 cases" in text
    assert "Not for intent_2" in text
    assert [case_of(workspace, f"intent_{number}").owner for number in range(2)] == [bob.id, bob.id]
    assert "Tick at least one case" in body(client.post(at(workspace, "assign/"), form(owner=bob.id), follow=True))


def test_it_is_handed_over_snoozed_and_escalated_with_words(
    workspace: TenantRef, ann: Person, bob: Person, compliance: Person, held: str
) -> None:
    client, case = ann.sign_in(Client()), case_of(workspace, held)
    given = client.post(at(workspace, f"{case.id}/hand-over/"), form(to=bob.id, reason="you know them"), follow=True)
    assert "Bob is now accountable" in body(given)
    empty = client.post(at(workspace, f"{case.id}/snooze/"), form(until="1h", reason=""))
    assert "Something is missing" in body(empty)
    assert re.search(r'value="1h" required checked', body(empty))
    client.post(at(workspace, f"{case.id}/snooze/"), form(until="1h", reason="waits for a document"))
    assert f'id="row-{case.id}"' in body(client.get(at(workspace, "?tab=snoozed")))
    assert f'id="row-{case.id}"' not in body(client.get(at(workspace)))
    up = client.post(at(workspace, f"{case.id}/escalate/"), form(reason="looks like a mule"), follow=True)
    assert "Compliance is accountable" in body(up)
    page = body(client.get(at(workspace, f"{case.id}/")))
    assert "It is with compliance, who decide it" in page
    for said in ("you know them", "waits for a document", "looks like a mule"):
        assert said in page


# --- notes, files, hits ----------------------------------------------------------------------------------------------


def test_a_note_mentions_colleagues_and_only_them(workspace: TenantRef, ann: Person, bob: Person, held: str) -> None:
    client, case = ann.sign_in(Client()), case_of(workspace, held)
    client.post(at(workspace, f"{case.id}/note/"), form(text="@bob and @nobody: look <b>here</b>"))
    with tenant_work(workspace):
        [note] = notes_of(review_id=case.id)
    assert note.mentions == (bob.id,)
    page = body(client.get(at(workspace, f"{case.id}/")))
    assert "<mark>@bob</mark>" in page
    assert "<mark>@nobody" not in page
    assert "&lt;b&gt;here&lt;/b&gt;" in page


def test_a_file_is_kept_and_given_out_as_a_download(
    workspace: TenantRef, ann: Person, auditor: Person, held: str
) -> None:
    client, case = ann.sign_in(Client()), case_of(workspace, held)
    pdf = SimpleUploadedFile("passport.pdf", b"%PDF-1.7 x", content_type="application/pdf")
    assert "passport.pdf is attached" in body(
        client.post(at(workspace, f"{case.id}/attach/"), {**form(), "file": pdf}, follow=True)
    )
    link = re.search(r'href="([^"]+/files/rvf_[^"]+)"', body(client.get(at(workspace, f"{case.id}/"))))
    assert link is not None
    answer = auditor.sign_in(Client()).get(link[1])
    assert answer.content == b"%PDF-1.7 x"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "content", "kind", "said"),
    [
        ("page.html", b"<script>", "text/html", "Files of this type are not kept"),
        ("evil.pdf", b"<script>", "application/pdf", "Files of this type are not kept"),
        ("large.txt", b"x" * (10 * 1024 * 1024 + 1), "text/plain", "The file cannot be attached"),
    ],
)
def test_what_is_no_file_of_ours_is_refused(
    workspace: TenantRef, ann: Person, held: str, name: str, content: bytes, kind: str, said: str
) -> None:
    client, case = ann.sign_in(Client()), case_of(workspace, held)
    upload = SimpleUploadedFile(name, content, content_type=kind)
    answer = client.post(at(workspace, f"{case.id}/attach/"), {**form(), "file": upload})
    assert said in body(answer)
    assert "No file" not in body(answer)


def test_hits_are_settled_one_by_one_before_the_case_ends(workspace: TenantRef, compliance: Person) -> None:
    with tenant_work(workspace):
        case = open_case(
            kind="alert", subject="watch", queue="compliance",
            alert=NewAlert("aml", "structuring.pattern", "nine just under a limit", 70, "x"),
            maker="svc_policy", now=now(),
        )  # fmt: skip
        [alert] = alerts_of(review_id=case.id)
    client = compliance.sign_in(Client())
    page = body(client.get(at(workspace, f"{case.id}/")))
    assert "nine just under a limit" in page
    assert "Resolve" in page
    assert 'id="act-approve"' not in page
    ended = form(decision="resolve", outcome_code="cleared", reason_code="no_action", reason="an old customer")
    early = client.post(at(workspace, f"{case.id}/decide/"), ended)
    assert "Alerts of this review are not resolved" in body(early)
    assert "an old customer" in body(early)
    told = client.post(
        at(workspace, f"{case.id}/alerts/{alert.id}/"), form(state="cleared", note="a payroll"), follow=True
    )
    assert "is no match" in body(told)
    late = client.post(at(workspace, f"{case.id}/decide/"), ended | {"idempotency_key": str(new_uuid())}, follow=True)
    assert "is ended: cleared" in body(late)
    with tenant_work(workspace):
        assert get_review(review_id=case.id).state == "resolved"


# --- four eyes -------------------------------------------------------------------------------------------------------


def test_of_two_approvals_the_first_leaves_it_held_and_the_second_is_anothers(
    workspace: TenantRef, ann: Person, bob: Person, developer: Person
) -> None:
    make(workspace, developer, "intent_large", amount_minor=16_000_000, currency="USD")
    case = case_of(workspace, "intent_large")
    if not case.needs_two:
        pytest.skip("the live rules ask for one approval only")
    first, second = ann.sign_in_with_code(Client()), bob.sign_in_with_code(Client())
    said = {"decision": "approve", "reason_code": "known_pattern", "reason": "seen the invoice"}
    assert "Approve 1 of 2" in body(first.get(at(workspace, f"{case.id}/")))
    assert "approval 1 of 2 is given" in body(
        first.post(at(workspace, f"{case.id}/decide/"), form(**said), follow=True)
    )
    assert status_of(workspace, "intent_large") == "review"
    assert "You gave the first approval" in body(first.get(at(workspace, f"{case.id}/")))
    again = first.post(at(workspace, f"{case.id}/decide/"), form(**said))
    assert "You have approved this" in body(again)
    assert f'id="row-{case.id}"' in body(second.get(at(workspace, "?tab=second")))
    assert "Approve 2 of 2" in body(second.get(at(workspace, f"{case.id}/")))
    assert "is approved" in body(second.post(at(workspace, f"{case.id}/decide/"), form(**said), follow=True))
    with tenant_work(workspace):
        assert [each.by_user for each in approvals_of(review_id=case.id)] == [ann.id, bob.id]


# --- the queue -------------------------------------------------------------------------------------------------------


def test_filters_live_in_the_address_and_are_kept_as_views(workspace: TenantRef, ann: Person, held: str) -> None:
    client, case = ann.sign_in(Client()), case_of(workspace, held)
    row = f'id="row-{case.id}"'
    for query, shows in (
        ("rule=limit.single_intent", True),
        ("rule=kyc.expired", False),
        ("kind=intent", True),
        ("kind=hold", False),
        ("queue=operations", True),
        ("queue=compliance", False),
        ("q=intent_ov", True),
        ("q=other", False),
        ("sla=breached", False),
        ("tab=closed", False),
    ):
        assert (row in body(client.get(at(workspace, f"?{query}")))) is shows, query
    said = form(name="Over limits", query="rule=limit.single_intent&evil=1")
    kept = client.post(at(workspace, "views/"), said, follow=True)
    assert "Over limits" in body(kept)
    assert "evil" not in kept.redirect_chain[-1][0]
    remove = re.search(r'action="([^"]+/views/[^"]+/remove/)"', body(kept))
    assert remove is not None
    assert "The view is removed" in body(client.post(remove[1], form(), follow=True))


def test_the_queue_costs_the_same_with_many_cases(workspace: TenantRef, ann: Person, developer: Person) -> None:
    client = ann.sign_in(Client())
    make(workspace, developer, "intent_first", amount_minor=4_300_000, currency="USD")
    client.get(at(workspace))
    with CaptureQueriesContext(connection) as few:
        client.get(at(workspace))
    for number in range(12):
        make(workspace, developer, f"intent_{number}", amount_minor=4_300_000, currency="USD")
    with CaptureQueriesContext(connection) as many:
        client.get(at(workspace))
    assert len(many) == len(few)


def test_who_may_only_read_is_offered_nothing(workspace: TenantRef, auditor: Person, held: str) -> None:
    client = auditor.sign_in(Client())
    page = body(client.get(at(workspace)))
    assert "As auditor you can follow this case" in page
    assert "<dialog class" not in page
    assert 'name="review"' not in page
    for path in (f"{held}/decide/", f"{held}/claim/", f"{held}/note/", "claim-next/", "assign/"):
        assert client.post(at(workspace, path), form(reason="x")).status_code == 403


def test_another_workspaces_case_is_not_there(workspace: TenantRef, outsider: Person, held: str) -> None:
    client, case = outsider.sign_in(Client()), case_of(workspace, held)
    assert client.get(at(workspace, f"{case.id}/")).status_code == 404
    assert client.get(f"/w/{outsider.workspace.slug}/reviews/{case.id}/").status_code == 404
