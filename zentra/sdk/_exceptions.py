"""Exceptions of reconciliation in both clients: read and noted by keys, ended by people.

Amounts are minor units, times RFC 3339 in UTC.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from zentra.sdk._calls import Call, build_get, build_list, build_post, path_of
from zentra.sdk._paging import each, each_awaited
from zentra.sdk._records import Page, Record
from zentra.sdk._session import AsyncSession, SyncSession

EXCEPTIONS = "/reconciliation/exceptions"


class ReconciliationException(Record):
    """What does not pair. ``difference_minor`` is the statement's side less the ledger's; notes are not in lists."""

    __slots__ = ()

    id: str
    account_id: str
    kind: str
    status: str
    waits_for: str | None
    line_id: str | None
    entry_id: str | None
    intent_id: str | None
    amount_minor: int
    difference_minor: int
    currency: str
    happened_on: str
    age_days: int
    due_at: str
    owner: str | None
    explained_by: str | None
    resolution: str | None
    reason_code: str | None
    version: int
    facts: dict[str, Any]
    notes: list[dict[str, Any]]
    adjustments: list[dict[str, Any]]


class ExceptionNote(Record):
    """What somebody said of an exception, or the name and SHA-256 of a file that they put to it."""

    __slots__ = ()

    id: str
    by: str
    at: str
    text: str
    file_name: str | None
    sha256: str | None


class ExceptionAge(Record):
    """How many unresolved exceptions of a kind are so many days old (0-1, 2-7, 8-30, 30+), and what they come to."""

    __slots__ = ()

    kind: str
    days: str
    currency: str
    count: int
    amount_minor: int


class Story(Record):
    """What ledger, provider and statements say about one intent: ``verdict`` is agreed, waiting or broken."""

    __slots__ = ()

    intent_id: str
    status: str
    verdict: str
    amount_minor: int
    currency: str
    rail: str | None
    ledger: list[dict[str, Any]]
    provider: list[dict[str, Any]]
    statement: list[dict[str, Any]]
    breaks: list[dict[str, Any]]
    exceptions: list[str]


def _list(**params: object) -> Call[Page[ReconciliationException]]:
    return build_list(EXCEPTIONS, ReconciliationException, params)


def _get(exception_id: str) -> Call[ReconciliationException]:
    return build_get(path_of(EXCEPTIONS, exception_id), ReconciliationException)


def _ages(account_id: str | None) -> Call[Page[ExceptionAge]]:
    return build_list("/reconciliation/exception-ages", ExceptionAge, {"account_id": account_id})


def _note(exception_id: str, text: str, key: str | None) -> Call[ExceptionNote]:
    body = {"text": text} if key is None else {"text": text, "idempotency_key": key}
    return build_post(f"{path_of(EXCEPTIONS, exception_id)}/notes", body, ExceptionNote)


def _story(intent_id: str) -> Call[Story]:
    return build_get(f"{path_of('/runtime/intents', intent_id)}/reconciliation", Story)


class ReconciliationExceptions:
    """``zentra.reconciliation.exceptions``."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def get(self, exception_id: str) -> ReconciliationException:
        """One exception with its notes and adjustments."""
        return self._session.send(_get(exception_id))

    def list(
        self, *, limit: int | None = None, cursor: str | None = None, **filters: object
    ) -> Page[ReconciliationException]:
        """One page, newest first; filters are state, account_id, kind, owner, days, overdue, intent_id."""
        return self._session.send(_list(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> Iterator[ReconciliationException]:
        """Every exception, page by page."""
        return each(self._session, lambda cursor: _list(limit=limit, cursor=cursor, **filters))

    def ages(self, *, account_id: str | None = None) -> Page[ExceptionAge]:
        """Unresolved exceptions counted by kind, age and currency."""
        return self._session.send(_ages(account_id))

    def note(self, exception_id: str, text: str, *, idempotency_key: str | None = None) -> ExceptionNote:
        """Say something about an exception."""
        return self._session.send(_note(exception_id, text, idempotency_key))

    def story(self, intent_id: str) -> Story:
        """What ledger, provider and statements say about an intent, and where they differ."""
        return self._session.send(_story(intent_id))


class AsyncReconciliationExceptions:
    """``zentra.reconciliation.exceptions``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, exception_id: str) -> ReconciliationException:
        """One exception with its notes and adjustments."""
        return await self._session.send(_get(exception_id))

    async def list(
        self, *, limit: int | None = None, cursor: str | None = None, **filters: object
    ) -> Page[ReconciliationException]:
        """One page, newest first; filters are state, account_id, kind, owner, days, overdue, intent_id."""
        return await self._session.send(_list(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> AsyncIterator[ReconciliationException]:
        """Every exception, page by page."""
        return each_awaited(self._session, lambda cursor: _list(limit=limit, cursor=cursor, **filters))

    async def ages(self, *, account_id: str | None = None) -> Page[ExceptionAge]:
        """Unresolved exceptions counted by kind, age and currency."""
        return await self._session.send(_ages(account_id))

    async def note(self, exception_id: str, text: str, *, idempotency_key: str | None = None) -> ExceptionNote:
        """Say something about an exception."""
        return await self._session.send(_note(exception_id, text, idempotency_key))

    async def story(self, intent_id: str) -> Story:
        """What ledger, provider and statements say about an intent, and where they differ."""
        return await self._session.send(_story(intent_id))
