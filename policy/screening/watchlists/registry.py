"""What else happens when a version of a list becomes active, in the same transaction."""

from datetime import datetime
from typing import Protocol


class OnActivation(Protocol):
    """Told of every activation: the list, and the number of its version."""

    def __call__(self, *, list_id: str, number: int, now: datetime) -> None: ...


_told: list[OnActivation] = []


def on_activation(callback: OnActivation) -> OnActivation:
    """Have somebody told when a version becomes active; once, however often it is registered."""
    if callback not in _told:
        _told.append(callback)
    return callback


def tell_activation(*, list_id: str, number: int, now: datetime) -> None:
    """Tell everybody, in the transaction that activates."""
    for callback in _told:
        callback(list_id=list_id, number=number, now=now)
