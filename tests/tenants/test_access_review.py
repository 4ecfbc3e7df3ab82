"""Access reviews: what is written down, who may say a word on which line, and what a signature holds."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, transaction

from evidence.queries import latest_events
from tests.ledger.book import at_once
from tests.people import Person, join
from zentra.core import canonical
from zentra.core.clock import iso, now
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.access import PermissionDenied
from zentra.tenants.access_reviews import operations
from zentra.tenants.access_reviews.errors import (
    AccessReviewEnded,
    AccessReviewOpen,
    LinesUnmarked,
    OwnLine,
    StaleAccessReview,
    UnknownAccessReview,
)
from zentra.tenants.access_reviews.queries import (
    EVERY,
    access_review_csv,
    access_review_due_at,
    find_access_review,
    list_access_reviews,
)
from zentra.tenants.models import AccessReview, ApiCredential, StaffGrant
from zentra.tenants.operations import issue_key
from zentra.tenants.permissions import DEFAULT_SCOPES, PERMISSIONS

if TYPE_CHECKING:
    from zentra.tenants.access_reviews.types import AccessReviewRecord


def do(workspace: TenantRef, name: str, by: Person, **said: Any) -> AccessReviewRecord:
    with tenant_work(workspace):
        act = getattr(operations, name)
        review: AccessReviewRecord = act(workspace=workspace, actor=by.actor(), **{"now": now()} | said)
    return review


def told(workspace: TenantRef) -> list[tuple[str, dict[str, Any], bytes]]:
    with tenant_work(workspace):
        events = [each for each in latest_events(limit=50) if each.type.startswith("access_review.")]
    return [(each.type, json.loads(each.body)["data"], each.body) for each in reversed(events)]


def test_a_review_lists_people_keys_and_grants_with_what_each_may_do_and_is_signed(
    workspace: TenantRef, admin: Person, auditor: Person, outsider: Person
) -> None:
    key = issue_key(workspace=workspace, name="=till 7", now=now(), scopes=DEFAULT_SCOPES).id
    ApiCredential.objects.filter(id=key).update(issued_by=auditor.id)
    gone = issue_key(workspace=workspace, name="old", now=now()).id
    ApiCredential.objects.filter(id=gone).update(revoked_at=now())
    StaffGrant.objects.create(
        id="stf_" + "0" * 25 + "1", workspace_id=workspace.id, user_id=outsider.id, role="support", reason="a call",
        starts_at=now(), ends_at=now() + timedelta(hours=2), created_at=now(),
    )  # fmt: skip

    review = do(workspace, "start_access_review", auditor)

    lines = {line.id: line for line in review.lines}
    assert set(lines) == {admin.id, auditor.id, key, "stf_" + "0" * 25 + "1"}
    assert set(lines[admin.id].permissions) == PERMISSIONS["admin"]
    assert set(lines[key].permissions) == DEFAULT_SCOPES
    assert lines[key].facts["issued by"] == auditor.id
    with pytest.raises(AccessReviewOpen):
        do(workspace, "start_access_review", admin)

    for own in (auditor.id, key):  # nor that of a key that one issued
        with pytest.raises(OwnLine):
            do(workspace, "mark_line", auditor, review_id=review.id, line_id=own, mark="keep")
    do(workspace, "mark_line", auditor, review_id=review.id, line_id=admin.id, mark="keep", note="the founder")
    do(workspace, "mark_rest", auditor, review_id=review.id)
    with pytest.raises(LinesUnmarked) as refused:
        do(workspace, "sign_access_review", auditor, review_id=review.id)
    assert refused.value.extra["lines"] == 2
    do(workspace, "mark_line", admin, review_id=review.id, line_id=key, mark="remove", note="unused")
    do(workspace, "mark_rest", admin, review_id=review.id)
    signed = do(workspace, "sign_access_review", auditor, review_id=review.id, note="first of the year")

    row = AccessReview.objects.get(id=review.id)
    assert row.sha256 == canonical.sha256_hex(canonical.dumps(row.snapshot))
    (_, started, _), (kind, data, body) = told(workspace)
    assert (kind, data["sha256"], data["kept"], data["to_remove"]) == ("access_review.signed", row.sha256, 3, 1)
    said = {"sha256": row.sha256, "marks": row.marks, "signed_by": auditor.id, "signed_at": iso(signed.signed_at)}  # type: ignore[arg-type]  # it is signed
    assert data["signed_sha256"] == canonical.sha256_hex(canonical.dumps(said))
    assert started["sha256"] == row.sha256
    assert b"till" not in body
    assert b"founder" not in body

    written = list(csv.reader(io.StringIO(access_review_csv(review=signed, names={admin.id: "Ada"}).decode())))
    assert len(written) == 6
    assert next(cells for cells in written if cells[0] == key)[3] == "'=till 7"  # nothing that a sheet would calculate
    assert written[-1][1:3] == ["signed", auditor.id]
    assert written[-1][6] == row.sha256

    assert access_review_due_at(workspace_id=workspace.id) == signed.signed_at + EVERY  # type: ignore[operator]  # it is signed
    assert [each.state for each in list_access_reviews(workspace_id=workspace.id)] == ["signed"]
    for name in ("mark_rest", "sign_access_review", "abandon_access_review"):
        with pytest.raises(AccessReviewEnded):
            do(workspace, name, admin, review_id=review.id)
    changes: list[dict[str, Any]] = [{"marks": {}}, {"note": "other"}, {"snapshot": {}}]
    for change in changes:
        with pytest.raises(IntegrityError), transaction.atomic():
            AccessReview.objects.filter(id=review.id).update(**change)


def test_who_is_alone_reviews_themselves_for_there_is_nobody_else(workspace: TenantRef, admin: Person) -> None:
    review = do(workspace, "start_access_review", admin)
    do(workspace, "mark_line", admin, review_id=review.id, line_id=admin.id, mark="keep")
    assert do(workspace, "sign_access_review", admin, review_id=review.id).state == "signed"


def test_who_may_not_review_does_not_and_what_is_not_there_is_not_found(
    workspace: TenantRef, other_workspace: TenantRef, admin: Person, compliance: Person, outsider: Person
) -> None:
    with pytest.raises(PermissionDenied):
        do(workspace, "start_access_review", compliance)
    review = do(workspace, "start_access_review", admin)
    theirs = do(other_workspace, "start_access_review", outsider)
    for wrong in (theirs.id, "arv_" + "0" * 26, "nonsense"):
        with pytest.raises(UnknownAccessReview):
            do(workspace, "mark_rest", admin, review_id=wrong)
        assert find_access_review(workspace_id=workspace.id, review_id=wrong) is None
    for line, mark in ((outsider.id, "keep"), (admin.id, "perhaps")):
        with pytest.raises(UnknownAccessReview):
            do(workspace, "mark_line", admin, review_id=review.id, line_id=line, mark=mark)
    with pytest.raises(StaleAccessReview):
        do(workspace, "mark_rest", admin, review_id=review.id, version=9)
    do(workspace, "abandon_access_review", admin, review_id=review.id)
    assert do(workspace, "start_access_review", admin).id != review.id


def test_of_many_who_start_mark_or_sign_at_once_each_thing_is_done_once(workspace: TenantRef, admin: Person) -> None:
    others = [join(workspace, role="auditor") for _ in range(2)]
    answers = at_once([partial(do, workspace, "start_access_review", by) for by in (admin, *others)], threads=3)
    assert sum(isinstance(each, AccessReviewOpen) for each in answers) == 2
    (started,) = list_access_reviews(workspace_id=workspace.id)
    acts = [partial(do, workspace, "mark_rest", by, review_id=started.id, version=1) for by in (admin, *others)]
    assert sum(isinstance(each, StaleAccessReview) for each in at_once(acts, threads=3)) == 2
    for by in (admin, *others):
        do(workspace, "mark_rest", by, review_id=started.id)
    acts = [partial(do, workspace, "sign_access_review", by, review_id=started.id) for by in (admin, *others)]
    assert sum(isinstance(each, AccessReviewEnded) for each in at_once(acts, threads=3)) == 2
    assert [kind for kind, _, _ in told(workspace)] == ["access_review.started", "access_review.signed"]
