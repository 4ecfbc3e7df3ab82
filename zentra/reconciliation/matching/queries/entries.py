"""Entries as matching took them over."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

from zentra.reconciliation.matching.types import EntryRecord


def get_entry(*, entry_id: str) -> EntryRecord:
    """An entry; raises EntryNotFound, BadId."""
    raise NotImplementedError


def get_entries(*, entry_ids: Sequence[str]) -> list[EntryRecord]:
    """The entries of these ids in the order of effect, missing ones left out; raises BadId."""
    raise NotImplementedError


def list_entries(
    *,
    account_id: str,
    limit: int,
    after: tuple[date, str] | None = None,
    only: Literal["all", "open", "matched"] = "all",
    from_on: date | None = None,
    to_on: date | None = None,
) -> list[EntryRecord]:
    """Entries of an account, oldest first. ``after`` is (effective_on, id) of the last one seen; days inclusive."""
    raise NotImplementedError
