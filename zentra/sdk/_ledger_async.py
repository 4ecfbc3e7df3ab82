"""The ledger in the awaited client: accounts, postings, holds. Amounts are minor units, times UTC."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

from zentra.sdk import _ledger_calls as calls
from zentra.sdk._calls import merge_body
from zentra.sdk._paging import each_awaited
from zentra.sdk._records import (
    Account,
    Balances,
    BatchResult,
    Correction,
    Entry,
    Hold,
    Page,
    Posting,
    PostingDetail,
    Preview,
    Record,
    Statement,
)
from zentra.sdk._session import AsyncSession

Body = Mapping[str, Any]
# A moment with its zone, or a day: its beginning in UTC for the edge of a period, its end for "as of".
When = datetime | date | str
Basis = Literal["effective", "recorded"]


class AsyncAccounts:
    """``zentra.accounts``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def create(self, body: Body | None = None, /, **fields: Any) -> Account:
        """Open a ledger account."""
        return await self._session.send(calls.create_account(merge_body(body, fields)))

    async def get(self, account: str) -> Account:
        """An account with its balances, by id or by code."""
        return await self._session.send(calls.get_account(account))

    async def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[Account]:
        """One page of accounts: filters are state, type, account_type, category, customer, currency, q."""
        return await self._session.send(calls.list_accounts(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> AsyncIterator[Account]:
        """Every account, page by page."""
        return each_awaited(self._session, lambda cursor: calls.list_accounts(limit=limit, cursor=cursor, **filters))

    async def change(self, account: str, body: Body | None = None, /, **fields: Any) -> Account:
        """Describe an account anew: name, customer, external_id, category, metadata."""
        return await self._session.send(calls.change_account(account, merge_body(body, fields)))

    async def freeze(self, account: str, /, *, reason: str, **fields: Any) -> Account:
        """Lock an account for investigation: nothing posts to it."""
        return await self._session.send(calls.change_state(account, "freeze", {"reason": reason, **fields}))

    async def unfreeze(self, account: str, /, *, reason: str, **fields: Any) -> Account:
        """Allow postings again."""
        return await self._session.send(calls.change_state(account, "unfreeze", {"reason": reason, **fields}))

    async def close(self, account: str, /, *, reason: str, **fields: Any) -> Account:
        """Close an account for good; nothing may be posted or pending on it."""
        return await self._session.send(calls.change_state(account, "close", {"reason": reason, **fields}))

    async def set_limits(
        self, account: str, /, *, floor_minor: int | None, ceiling_minor: int | None, reason: str, **fields: Any
    ) -> Account:
        """Set the least available and the highest balance, None for no limit; for what comes from now on."""
        body = {"floor_minor": floor_minor, "ceiling_minor": ceiling_minor, "reason": reason, **fields}
        return await self._session.send(calls.set_limits(account, body))

    async def balances(self, account: str, *, as_of: When | None = None, basis: Basis | None = None) -> Balances:
        """What an account holds now, or held as of a moment."""
        return await self._session.send(calls.get_balances(account, as_of=as_of, basis=basis))

    async def entries(self, account: str, *, limit: int | None = None, cursor: str | None = None) -> Page[Entry]:
        """One page of an account's entries, newest first, each with the balance after it."""
        return await self._session.send(calls.list_entries(account, limit=limit, cursor=cursor))

    def iterate_entries(self, account: str, *, limit: int | None = None) -> AsyncIterator[Entry]:
        """Every entry of an account, newest first."""
        return each_awaited(self._session, lambda cursor: calls.list_entries(account, limit=limit, cursor=cursor))

    async def statement(
        self, account: str, *, start: When, end: When, limit: int | None = None, cursor: str | None = None
    ) -> Statement:
        """A statement from ``start`` to before ``end``: one page of its lines, the figures of the whole period."""
        asked = calls.statement_params(start, end, limit=limit, cursor=cursor)
        return await self._session.send(calls.get_statement(account, **asked))

    async def download_statement(
        self,
        account: str,
        *,
        start: When,
        end: When,
        format: Literal["csv", "pdf"] = "csv",  # noqa: A002  # the API's own name
    ) -> bytes:
        """The whole statement as a CSV or PDF file."""
        asked = calls.statement_params(start, end, file=format)
        return await self._session.send(calls.download_statement(account, **asked))

    async def balance_history(
        self, account: str, *, start: When, end: When, points: int | None = None, basis: Basis | None = None
    ) -> Record:
        """The course of a balance: about so many points, evenly spaced, and the end."""
        asked = {**calls.statement_params(start, end), "points": points, "basis": basis}
        return await self._session.send(calls.get_balance_history(account, **asked))


class AsyncLedgers:
    """``zentra.ledgers``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def post(self, body: Body | None = None, /, **fields: Any) -> Posting:
        """Post a debit and a credit of one amount, or ``entries``; with ``pending=True`` in two phases."""
        return await self._session.send(calls.post_entries(merge_body(body, fields)))

    async def preview(self, body: Body | None = None, /, **fields: Any) -> Preview:
        """The posting as it would be and the balances that would result; nothing is written."""
        return await self._session.send(calls.preview_entries(merge_body(body, fields)))

    async def batch(
        self, entries: Sequence[Body], /, *, mode: calls.Mode = "all_or_nothing", idempotency_key: str | None = None
    ) -> BatchResult:
        """Post up to 1,000 postings in one transaction: all or none, or each by itself."""
        return await self._session.send(calls.post_batch(entries, mode=mode, idempotency_key=idempotency_key))

    async def get(self, posting_id: str) -> Posting:
        """A posting with its entries."""
        return await self._session.send(calls.get_posting(posting_id))

    async def detail(self, posting_id: str) -> PostingDetail:
        """A posting with its reversals, corrections and hold, and whether its hash holds."""
        return await self._session.send(calls.get_posting_detail(posting_id))

    async def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[Posting]:
        """One page of postings, newest first; filters are those of ``GET /ledger-entries``."""
        return await self._session.send(calls.list_postings(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> AsyncIterator[Posting]:
        """Every posting, newest first, page by page."""
        return each_awaited(self._session, lambda cursor: calls.list_postings(limit=limit, cursor=cursor, **filters))

    async def reverse(self, posting_id: str, /, *, reason: str, **fields: Any) -> Posting:
        """Undo a posting: all that is left, ``amount_minor`` of it, or ``entries``."""
        return await self._session.send(calls.change_posting(posting_id, "reverse", {"reason": reason, **fields}))

    async def correct(self, posting_id: str, body: Body | None = None, /, *, reason: str, **fields: Any) -> Correction:
        """Reverse what is left of a posting and post what it should have been: both or none."""
        merged = merge_body(body, {"reason": reason, **fields})
        return await self._session.send(calls.correct_posting(posting_id, merged))

    async def settle(self, posting_id: str, /, **fields: Any) -> Posting:
        """Post what is pending."""
        return await self._session.send(calls.change_posting(posting_id, "post", fields))

    async def void(self, posting_id: str, /, *, reason: str, **fields: Any) -> Posting:
        """Give back what is pending."""
        return await self._session.send(calls.change_posting(posting_id, "void", {"reason": reason, **fields}))

    async def trial_balance(
        self, *, currency: str | None = None, as_of: When | None = None, basis: Basis | None = None
    ) -> Record:
        """All accounts of a currency in two columns that add up to the same."""
        return await self._session.send(calls.get_trial_balance(currency=currency, as_of=as_of, basis=basis))


class AsyncHolds:
    """``zentra.holds``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def place(self, body: Body | None = None, /, **fields: Any) -> Hold:
        """Reserve funds: account, amount_minor, reference, source; and destination, expires_at, …"""
        return await self._session.send(calls.place_hold(merge_body(body, fields)))

    async def get(self, hold_id: str) -> Hold:
        """A hold with its steps and postings."""
        return await self._session.send(calls.get_hold(hold_id))

    async def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[Hold]:
        """One page of holds over all accounts: state, account, currency, source, intent_id, due_before, order."""
        return await self._session.send(calls.list_holds(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> AsyncIterator[Hold]:
        """Every hold, page by page."""
        return each_awaited(self._session, lambda cursor: calls.list_holds(limit=limit, cursor=cursor, **filters))

    async def capture(self, hold_id: str, /, **fields: Any) -> Hold:
        """Move held money: all that is left, or ``amount_minor``; ``release_rest`` gives back what stays."""
        return await self._session.send(calls.change_hold(hold_id, "capture", fields))

    async def release(self, hold_id: str, /, *, reason: str, **fields: Any) -> Hold:
        """Give back what is held, or ``amount_minor`` of it."""
        return await self._session.send(calls.change_hold(hold_id, "release", {"reason": reason, **fields}))

    async def increase(self, hold_id: str, /, *, amount_minor: int, reason: str, **fields: Any) -> Hold:
        """Hold more for the same reason."""
        body = {"amount_minor": amount_minor, "reason": reason, **fields}
        return await self._session.send(calls.change_hold(hold_id, "increase", body))

    async def extend(self, hold_id: str, /, *, expires_at: datetime | str | None, reason: str, **fields: Any) -> Hold:
        """Let a hold end later, or with None not by itself."""
        body = {"expires_at": expires_at, "reason": reason, **fields}
        return await self._session.send(calls.change_hold(hold_id, "extend", body))

    async def review(self, hold_id: str, /, *, note: str, **fields: Any) -> Hold:
        """Keep that somebody looked at a hold and what they found."""
        return await self._session.send(calls.change_hold(hold_id, "review", {"note": note, **fields}))
