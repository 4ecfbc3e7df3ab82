"""Reads of access reviews."""

import csv
import io
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from zentra.core import ids
from zentra.core.clock import iso
from zentra.tenants.access_reviews.types import AccessLine, AccessReviewRecord, AccessReviewSummary, LineMark
from zentra.tenants.models import AccessReview, Workspace

EVERY: Final = timedelta(days=90)
"""How often a workspace looks through who may do what."""


def find_access_review(*, workspace_id: UUID, review_id: str) -> AccessReviewRecord | None:
    """One review with its lines, or None."""
    try:
        ids.to_uuid(review_id, prefix="arv")
    except ids.BadId:
        return None
    row = AccessReview.objects.filter(workspace_id=workspace_id, id=review_id).first()
    return review_record(row=row) if row else None


def review_record(*, row: AccessReview) -> AccessReviewRecord:
    """A row as others see it."""
    return AccessReviewRecord(
        row.id, row.state, tuple(_line(each, row.marks) for each in row.snapshot["lines"]), row.sha256,  # type: ignore[arg-type]  # the constraint holds the states
        row.version, row.started_by, row.started_at, row.signed_by, row.signed_at, row.note,
    )  # fmt: skip


def _line(line: Mapping[str, Any], marks: Mapping[str, Any]) -> AccessLine:
    said = marks.get(line["id"])
    return AccessLine(
        line["id"], line["kind"], line["person"], line["label"], tuple(line["roles"]), tuple(line["permissions"]),
        dict(line["facts"]), LineMark(**said) if said else None,
    )  # fmt: skip


def list_access_reviews(*, workspace_id: UUID, limit: int = 50) -> list[AccessReviewSummary]:
    """The reviews of a workspace, newest first."""
    rows = AccessReview.objects.filter(workspace_id=workspace_id).order_by("-started_at", "-id")[:limit]
    return [
        AccessReviewSummary(
            row.id, row.state, len(row.snapshot["lines"]), len(row.marks),
            sum(each["mark"] == "remove" for each in row.marks.values()), row.sha256, row.started_by, row.started_at,
            row.signed_by, row.signed_at,
        )
        for row in rows
    ]  # fmt: skip


def access_review_due_at(*, workspace_id: UUID) -> datetime:
    """When the next one is due: 90 days after the last that was signed, or after the workspace was made."""
    signed = AccessReview.objects.filter(workspace_id=workspace_id, state="signed").order_by("-signed_at").first()
    if signed is not None and signed.signed_at is not None:
        return signed.signed_at + EVERY
    made: datetime = Workspace.objects.values_list("created_at", flat=True).get(id=workspace_id)
    return made + EVERY


_COLUMNS: Final = (
    "line", "kind", "who", "name", "roles", "permissions", "facts", "mark", "marked_by", "marked_at", "note",
)  # fmt: skip


def access_review_csv(*, review: AccessReviewRecord, names: Mapping[str, str]) -> bytes:
    """The review as CSV (RFC 4180, UTF-8): a line for each access, then who signed it, when, and the digest."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for line in review.lines:
        said = line.mark
        writer.writerow(map(_cell, (
            line.id, line.kind, line.person, names.get(line.person, "") or line.label, " ".join(line.roles),
            " ".join(line.permissions), json.dumps(line.facts, ensure_ascii=False), said.mark if said else "",
            said.by if said else "", said.at if said else "", said.note if said else "",
        )))  # fmt: skip
    signed_at = iso(review.signed_at) if review.signed_at else ""
    writer.writerow(("", review.state, review.signed_by, names.get(review.signed_by, ""), "", "", review.sha256, "",
                     review.started_by, signed_at, ""))  # fmt: skip
    return out.getvalue().encode()


def _cell(value: str) -> str:
    """Nothing that a spreadsheet would take for a formula."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
