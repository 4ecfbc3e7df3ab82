"""Reconciliation and closeout in the awaited client. A key imports and reads; people match, sign and close."""

import time
from collections.abc import AsyncIterator
from typing import Any

from zentra.sdk import _reconciliation_calls as calls
from zentra.sdk._calls import merge_body
from zentra.sdk._errors import PacketPending, TimedOut
from zentra.sdk._exceptions import AsyncReconciliationExceptions
from zentra.sdk._paging import each_awaited
from zentra.sdk._reconciliation_records import (
    BankLine,
    BankStatement,
    CloseoutFile,
    CloseoutPacket,
    CloseoutTask,
    CustomerMoney,
    CustomerMoneyProof,
    DayRate,
    ExpectedMoney,
    Match,
    MatchingRules,
    MatchingRun,
    MatchSuggestion,
    Period,
    ReconciledAccount,
    ReconciledEntry,
    ReconciliationSummary,
    StatementImport,
    StatementProblem,
    TieOut,
    TrialBalance,
)
from zentra.sdk._records import Page
from zentra.sdk._session import AsyncSession


class AsyncReconciledAccounts:
    """``zentra.reconciliation.accounts``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list(self) -> Page[ReconciledAccount]:
        """Every reconciled account, by name."""
        return await self._session.send(calls.list_accounts())

    async def open(self, body: calls.Body | None = None, /, **fields: Any) -> ReconciledAccount:
        """Reconcile a ledger account from now on: ledger_account, kind, name, external_id."""
        return await self._session.send(calls.open_account(merge_body(body, fields)))

    async def get(self, account_id: str) -> ReconciledAccount:
        """One reconciled account."""
        return await self._session.send(calls.get_account(account_id))

    async def save_mapping(self, account_id: str, mapping: calls.Body) -> ReconciledAccount:
        """Keep how the account's CSV files are read."""
        return await self._session.send(calls.put_mapping(account_id, mapping))

    async def rules(self, account_id: str, *, version: int | None = None) -> MatchingRules:
        """The rules by which it is matched; the newest version unless named."""
        return await self._session.send(calls.get_rules(account_id, version))

    async def match_rates(self, account_id: str, *, start: object, end: object) -> Page[DayRate]:
        """Per booking day from ``start`` to ``end``, both included, how many lines there are and how many matched."""
        return await self._session.send(calls.list_rates(account_id, start, end))

    async def entries(
        self, account_id: str, *, limit: int | None = None, cursor: str | None = None, **filters: object
    ) -> Page[ReconciledEntry]:
        """One page of entries as matching sees them, oldest first; filters are only, start, end."""
        return await self._session.send(calls.list_entries(account_id, limit=limit, cursor=cursor, **filters))

    def iterate_entries(
        self, account_id: str, *, limit: int | None = None, **filters: object
    ) -> AsyncIterator[ReconciledEntry]:
        """Every entry, page by page."""
        return each_awaited(
            self._session, lambda cursor: calls.list_entries(account_id, limit=limit, cursor=cursor, **filters)
        )

    async def open_lines(
        self, account_id: str, *, limit: int | None = None, cursor: str | None = None, q: str | None = None
    ) -> Page[BankLine]:
        """One page of lines that no match holds, over all statements, oldest first."""
        return await self._session.send(calls.list_open_lines(account_id, limit=limit, cursor=cursor, q=q))

    def iterate_open_lines(
        self, account_id: str, *, limit: int | None = None, q: str | None = None
    ) -> AsyncIterator[BankLine]:
        """Every such line, page by page."""
        return each_awaited(
            self._session, lambda cursor: calls.list_open_lines(account_id, limit=limit, cursor=cursor, q=q)
        )


class AsyncStatementImports:
    """``zentra.reconciliation.imports``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def start(
        self,
        file: calls.File,
        *,
        format: calls.Format,  # noqa: A002  # the API's own name
        account_id: str | None = None,
        dry_run: bool = False,
        file_name: str | None = None,
        mapping: calls.Body | None = None,
        idempotency_key: str | None = None,
    ) -> StatementImport:
        """Send a statement file: a path, bytes, or a file opened with 'rb'. ``mapping`` is for this CSV file alone."""
        return await self._session.send(
            calls.start_import(
                file, form=format, account_id=account_id, dry_run=dry_run, file_name=file_name, mapping=mapping,
                key=idempotency_key,
            )
        )  # fmt: skip

    async def get(self, import_id: str) -> StatementImport:
        """An import and how far it is."""
        return await self._session.send(calls.get_import(import_id))

    async def wait(self, import_id: str, *, seconds: float = 60, pause: float = 0.5) -> StatementImport:
        """The import once it is finished; raises TimedOut when it is not within ``seconds``."""
        deadline = time.monotonic() + seconds
        while not (found := await self.get(import_id)).is_finished:
            if time.monotonic() + pause > deadline:
                raise TimedOut(f"{import_id} is {found.status} at {found.percent} % after {seconds:g} seconds.")
            await self._session.pause(pause)
        return found

    async def list(
        self, *, limit: int | None = None, cursor: str | None = None, **filters: object
    ) -> Page[StatementImport]:
        """One page of imports, newest first; filters are account_id, status, format."""
        return await self._session.send(calls.list_imports(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> AsyncIterator[StatementImport]:
        """Every import, page by page."""
        return each_awaited(self._session, lambda cursor: calls.list_imports(limit=limit, cursor=cursor, **filters))

    async def problems(
        self, import_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Page[StatementProblem]:
        """One page of what was wrong in the file, in its order."""
        return await self._session.send(calls.list_problems(import_id, limit=limit, cursor=cursor))

    def iterate_problems(self, import_id: str, *, limit: int | None = None) -> AsyncIterator[StatementProblem]:
        """Every problem, page by page."""
        return each_awaited(self._session, lambda cursor: calls.list_problems(import_id, limit=limit, cursor=cursor))

    async def cancel(self, import_id: str) -> StatementImport:
        """Stop an import; complete statements stand."""
        return await self._session.send(calls.cancel_import(import_id))


class AsyncBankStatements:
    """``zentra.reconciliation.statements``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list(
        self, *, limit: int | None = None, cursor: str | None = None, **filters: object
    ) -> Page[BankStatement]:
        """One page of statements, latest first; filters are account_id, month (2026-04), continuity."""
        return await self._session.send(calls.list_statements(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> AsyncIterator[BankStatement]:
        """Every statement, page by page."""
        return each_awaited(self._session, lambda cursor: calls.list_statements(limit=limit, cursor=cursor, **filters))

    async def get(self, statement_id: str) -> BankStatement:
        """One statement."""
        return await self._session.send(calls.get_statement(statement_id))

    async def lines(
        self, statement_id: str, *, limit: int | None = None, cursor: str | None = None, only: str | None = None
    ) -> Page[BankLine]:
        """One page of its lines, in its order; ``only`` is all, open or matched."""
        return await self._session.send(calls.list_lines(statement_id, limit=limit, cursor=cursor, only=only))

    def iterate_lines(
        self, statement_id: str, *, limit: int | None = None, only: str | None = None
    ) -> AsyncIterator[BankLine]:
        """Every line, page by page."""
        return each_awaited(
            self._session, lambda cursor: calls.list_lines(statement_id, limit=limit, cursor=cursor, only=only)
        )


class AsyncBankLines:
    """``zentra.reconciliation.lines``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, line_id: str) -> BankLine:
        """One line."""
        return await self._session.send(calls.get_line(line_id))

    async def matches(self, line_id: str) -> Page[Match]:
        """Every match that ever held it, newest first."""
        return await self._session.send(calls.matches_of(calls.LINES, line_id))

    async def suggestions(self, line_id: str, *, limit: int | None = None) -> Page[MatchSuggestion]:
        """Entries that it could be, the likeliest first."""
        return await self._session.send(calls.suggest(calls.LINES, line_id, limit))


class AsyncReconciledEntries:
    """``zentra.reconciliation.entries``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, entry_id: str) -> ReconciledEntry:
        """One entry of a reconciled account."""
        return await self._session.send(calls.get_entry(entry_id))

    async def matches(self, entry_id: str) -> Page[Match]:
        """Every match that ever held it, newest first."""
        return await self._session.send(calls.matches_of(calls.ENTRIES, entry_id))

    async def suggestions(self, entry_id: str, *, limit: int | None = None) -> Page[MatchSuggestion]:
        """Lines that it could be, the likeliest first."""
        return await self._session.send(calls.suggest(calls.ENTRIES, entry_id, limit))


class AsyncMatches:
    """``zentra.reconciliation.matches``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, match_id: str) -> Match:
        """One match with what it holds and why."""
        return await self._session.send(calls.get_match(match_id))

    async def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[Match]:
        """One page of matches, newest first; filters are account_id, status, how, rule, run_id."""
        return await self._session.send(calls.list_matches(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> AsyncIterator[Match]:
        """Every match, page by page."""
        return each_awaited(self._session, lambda cursor: calls.list_matches(limit=limit, cursor=cursor, **filters))


class AsyncMatchingRuns:
    """``zentra.reconciliation.runs``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, run_id: str) -> MatchingRun:
        """One run and what each rule did in it."""
        return await self._session.send(calls.get_run(run_id))

    async def list(
        self, *, limit: int | None = None, cursor: str | None = None, **filters: object
    ) -> Page[MatchingRun]:
        """One page of runs, newest first; the filter is account_id."""
        return await self._session.send(calls.list_runs(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> AsyncIterator[MatchingRun]:
        """Every run, page by page."""
        return each_awaited(self._session, lambda cursor: calls.list_runs(limit=limit, cursor=cursor, **filters))


class AsyncExpected:
    """``zentra.reconciliation.expected``, awaited: money that rails said they pay out."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list(
        self, *, limit: int | None = None, cursor: str | None = None, **filters: object
    ) -> Page[ExpectedMoney]:
        """One page, newest first; filters are account_id and status."""
        return await self._session.send(calls.list_expected(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> AsyncIterator[ExpectedMoney]:
        """All of it, page by page."""
        return each_awaited(self._session, lambda cursor: calls.list_expected(limit=limit, cursor=cursor, **filters))


class AsyncPeriods:
    """``zentra.reconciliation.periods``, awaited; a period is named by its id or its month (2026-04)."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list(self) -> Page[Period]:
        """The newest periods, the newest first."""
        return await self._session.send(calls.list_periods())

    async def get(self, period: str) -> Period:
        """One period with its numbers."""
        return await self._session.send(calls.get_period(period))

    async def tie_outs(self, period: str) -> Page[TieOut]:
        """Every reconciled account: ledger against statement, part by part, and who signed."""
        return await self._session.send(calls.list_tie_outs(period))

    async def trial_balance(self, period: str, **params: object) -> Page[TrialBalance]:
        """The trial balance, one for each currency."""
        return await self._session.send(calls.list_trial_balance(period, **params))

    async def trial_balance_csv(self, period: str) -> bytes:
        """The same as a CSV file."""
        return await self._session.send(calls.download(period, "trial-balance.csv"))

    async def customer_money(self, period: str, **params: object) -> Page[CustomerMoney]:
        """Whether what is owed to customers is there, one for each currency."""
        return await self._session.send(calls.list_customer_money(period, **params))

    async def customer_money_by_day(self, **params: object) -> Page[CustomerMoneyProof]:
        """The same at the cut-off of each business day, newest first: ``currency``, ``revisions``, ``cursor``, and
        ``**{"from": day, "to": day}``."""
        return await self._session.send(calls.list_money_proofs(**params))

    async def tasks(self, period: str) -> Page[CloseoutTask]:
        """The checklist."""
        return await self._session.send(calls.list_tasks(period))

    async def journal(self, period: str) -> bytes:
        """Every entry of the period as a CSV file, with general-ledger accounts."""
        return await self._session.send(calls.download(period, "journal"))

    async def packets(self, period: str) -> Page[CloseoutPacket]:
        """The closeout packets of the period, the newest first."""
        return await self._session.send(calls.list_packets(period))


class AsyncCloseoutPackets:
    """``zentra.reconciliation.packets``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, packet_id: str) -> CloseoutPacket:
        """One packet: whether it is ready, and what is wrong when it failed."""
        return await self._session.send(calls.get_packet(packet_id))

    async def download(self, packet_id: str, *, wait: float = 0) -> CloseoutFile:
        """The zip of a packet. Asks again for up to ``wait`` seconds while it is pending, then raises PacketPending.

        Raises UnexpectedAnswer when its bytes are not those of its SHA-256.
        """
        deadline = time.monotonic() + wait
        while True:
            try:
                return await self._session.send(calls.download_packet(packet_id))
            except PacketPending as pending:
                pause = pending.retry_after or 1.0
                if time.monotonic() + pause > deadline:
                    raise
                await self._session.pause(pause)


class AsyncReconciliation:
    """``zentra.reconciliation``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self.accounts = AsyncReconciledAccounts(session)
        self.imports = AsyncStatementImports(session)
        self.statements = AsyncBankStatements(session)
        self.lines = AsyncBankLines(session)
        self.entries = AsyncReconciledEntries(session)
        self.matches = AsyncMatches(session)
        self.runs = AsyncMatchingRuns(session)
        self.expected = AsyncExpected(session)
        self.exceptions = AsyncReconciliationExceptions(session)
        self.periods = AsyncPeriods(session)
        self.packets = AsyncCloseoutPackets(session)

    async def summary(self) -> Page[ReconciliationSummary]:
        """How every reconciled account stands."""
        return await self._session.send(calls.summarize())
