"""A version of a watchlist became active: everybody is screened again, against it too."""

from datetime import datetime

from policy.screening.operations.runs import start_run
from zentra.core import actors


def rescreen_on_activation(*, list_id: str, number: int, now: datetime) -> None:
    """In the transaction that activates; once for each version, however often it is told."""
    start_run(reason="list", list_id=list_id, list_version=number, actor=actors.POLICY, now=now)
