"""Expected money."""

from dataclasses import fields
from typing import Final

from zentra.reconciliation.matching.models import Expected
from zentra.reconciliation.matching.types import ExpectedRecord, ExpectedState

_FIELDS: Final = tuple(field.name for field in fields(ExpectedRecord))


def list_expected(
    *, limit: int, account_id: str | None = None, state: ExpectedState | None = None, after: str | None = None
) -> list[ExpectedRecord]:
    """Expected money, newest first. ``after`` is the id of the last one seen; raises BadId."""
    rows = Expected.objects.all()
    if account_id is not None:
        rows = rows.filter(account_id=account_id)
    if state is not None:
        rows = rows.filter(state=state)
    if after is not None:
        rows = rows.filter(id__lt=after)
    return [expected_record(row=row) for row in rows.order_by("-id")[:limit]]


def expected_record(*, row: Expected) -> ExpectedRecord:
    """The record of a row."""
    return ExpectedRecord(**{name: getattr(row, name) for name in _FIELDS})
