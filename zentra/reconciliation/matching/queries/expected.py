"""Expected money."""

from zentra.reconciliation.matching.types import ExpectedRecord, ExpectedState


def list_expected(
    *, limit: int, account_id: str | None = None, state: ExpectedState | None = None, after: str | None = None
) -> list[ExpectedRecord]:
    """Expected money, newest first. ``after`` is the id of the last one seen."""
    raise NotImplementedError
