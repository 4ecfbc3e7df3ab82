"""The audit sample: postings of a period, drawn so that anybody can draw them again."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from ledger.queries import draw_postings, posting_ids
from zentra.core import clock
from zentra.reconciliation.closeout.errors import CloseoutInvalid
from zentra.reconciliation.closeout.models import Packet
from zentra.reconciliation.closeout.store import get_row
from zentra.reconciliation.closeout.types import AuditSample, SampleItem

MOST_DRAWN: Final = 500


def audit_sample(*, period_id: str, size: int = 25, seed: str | None = None) -> AuditSample:
    """Draw ``size`` (1 to 500) postings of a period: the first in the order of SHA-256(seed ‖ the posting's uuid).

    Without a seed it is the hash over all posting ids of the period, which nobody can choose.
    ``population_sha256`` is that hash: over the ids in their order, each with a line feed. Raises PeriodNotFound,
    CloseoutInvalid, BadId.
    """
    if not 1 <= size <= MOST_DRAWN or (seed is not None and not 1 <= len(seed) <= 200):  # as told
        raise CloseoutInvalid(f"Draw 1 to {MOST_DRAWN} postings, with a seed of 1 to 200 characters or none.")
    period = get_row(period_id)
    digest, population = hashlib.sha256(), 0
    for each in posting_ids(start=period.starts_at, end=period.ends_at):
        digest.update(f"{each}\n".encode())
        population += 1
    known = digest.hexdigest()
    drawn = draw_postings(start=period.starts_at, end=period.ends_at, seed=seed or known, size=size)
    return AuditSample(
        seed=seed or known,
        size=len(drawn),
        population=population,
        population_sha256=known,
        items=tuple(
            SampleItem(
                place=place,
                posting_id=each.posting_id,
                digest=each.digest,
                purpose=each.purpose,
                intent_id=each.intent_id,
                amount_minor=each.amount_minor,
                currency=each.currency,
                effective_at=each.effective_at,
                entry_hash=each.entry_hash,
            )
            for place, each in enumerate(drawn, start=1)
        ),
    )


def drawn_sample(*, period_id: str) -> AuditSample | None:
    """The sample of the newest packet of a period, as it was drawn when the packet was asked for; None: none was.

    Raises PeriodNotFound, BadId.
    """
    get_row(period_id)
    newest = Packet.objects.filter(period_id=period_id).order_by("-created_at", "-id")
    stored = newest.values_list("sample", flat=True).first()
    return None if stored is None else read_sample(stored=stored)


def sample_json(*, sample: AuditSample) -> dict[str, Any]:
    """A sample as a packet's row keeps it."""
    found = asdict(sample)
    found["items"] = [{**asdict(each), "effective_at": clock.iso(each.effective_at)} for each in sample.items]
    return found


def read_sample(*, stored: Mapping[str, Any]) -> AuditSample:
    """A sample from a packet's row."""
    items = [{**each, "effective_at": datetime.fromisoformat(each["effective_at"])} for each in stored["items"]]
    return AuditSample(**{**stored, "items": tuple(SampleItem(**each) for each in items)})
