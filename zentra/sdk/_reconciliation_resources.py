"""Reconciliation and closeout in the synchronous client. A key imports and reads; people match, sign and close."""

import time
from collections.abc import Iterator
from typing import Any

from zentra.sdk import _reconciliation_calls as calls
from zentra.sdk._calls import merge_body
from zentra.sdk._errors import PacketPending, TimedOut
from zentra.sdk._exceptions import ReconciliationExceptions
from zentra.sdk._paging import each
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
from zentra.sdk._session import SyncSession


class ReconciledAccounts:
    """``zentra.reconciliation.accounts``."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def list(self) -> Page[ReconciledAccount]:
        """Every reconciled account, by name."""
        return self._session.send(calls.list_accounts())

    def open(self, body: calls.Body | None = None, /, **fields: Any) -> ReconciledAccount:
        """Reconcile a ledger account from now on: ledger_account, kind, name, external_id."""
        return self._session.send(calls.open_account(merge_body(body, fields)))

    def get(self, account_id: str) -> ReconciledAccount:
        """One reconciled account."""
        return self._session.send(calls.get_account(account_id))

    def save_mapping(self, account_id: str, mapping: calls.Body) -> ReconciledAccount:
        """Keep how the account's CSV files are read."""
        return self._session.send(calls.put_mapping(account_id, mapping))

    def rules(self, account_id: str, *, version: int | None = None) -> MatchingRules:
        """The rules by which it is matched; the newest version unless named."""
        return self._session.send(calls.get_rules(account_id, version))

    def match_rates(self, account_id: str, *, start: object, end: object) -> Page[DayRate]:
        """Per booking day from ``start`` to ``end``, both included, how many lines there are and how many matched."""
        return self._session.send(calls.list_rates(account_id, start, end))

    def entries(
        self, account_id: str, *, limit: int | None = None, cursor: str | None = None, **filters: object
    ) -> Page[ReconciledEntry]:
        """One page of entries as matching sees them, oldest first; filters are only, start, end."""
        return self._session.send(calls.list_entries(account_id, limit=limit, cursor=cursor, **filters))

    def iterate_entries(
        self, account_id: str, *, limit: int | None = None, **filters: object
    ) -> Iterator[ReconciledEntry]:
        """Every entry, page by page."""
        return each(self._session, lambda cursor: calls.list_entries(account_id, limit=limit, cursor=cursor, **filters))

    def open_lines(
        self, account_id: str, *, limit: int | None = None, cursor: str | None = None, q: str | None = None
    ) -> Page[BankLine]:
        """One page of lines that no match holds, over all statements, oldest first."""
        return self._session.send(calls.list_open_lines(account_id, limit=limit, cursor=cursor, q=q))

    def iterate_open_lines(
        self, account_id: str, *, limit: int | None = None, q: str | None = None
    ) -> Iterator[BankLine]:
        """Every such line, page by page."""
        return each(self._session, lambda cursor: calls.list_open_lines(account_id, limit=limit, cursor=cursor, q=q))


class StatementImports:
    """``zentra.reconciliation.imports``."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def start(
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
        return self._session.send(
            calls.start_import(
                file, form=format, account_id=account_id, dry_run=dry_run, file_name=file_name, mapping=mapping,
                key=idempotency_key,
            )
        )  # fmt: skip

    def get(self, import_id: str) -> StatementImport:
        """An import and how far it is."""
        return self._session.send(calls.get_import(import_id))

    def wait(self, import_id: str, *, seconds: float = 60, pause: float = 0.5) -> StatementImport:
        """The import once it is finished; raises TimedOut when it is not within ``seconds``."""
        deadline = time.monotonic() + seconds
        while not (found := self.get(import_id)).is_finished:
            if time.monotonic() + pause > deadline:
                raise TimedOut(f"{import_id} is {found.status} at {found.percent} % after {seconds:g} seconds.")
            self._session.pause(pause)
        return found

    def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[StatementImport]:
        """One page of imports, newest first; filters are account_id, status, format."""
        return self._session.send(calls.list_imports(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> Iterator[StatementImport]:
        """Every import, page by page."""
        return each(self._session, lambda cursor: calls.list_imports(limit=limit, cursor=cursor, **filters))

    def problems(
        self, import_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Page[StatementProblem]:
        """One page of what was wrong in the file, in its order."""
        return self._session.send(calls.list_problems(import_id, limit=limit, cursor=cursor))

    def iterate_problems(self, import_id: str, *, limit: int | None = None) -> Iterator[StatementProblem]:
        """Every problem, page by page."""
        return each(self._session, lambda cursor: calls.list_problems(import_id, limit=limit, cursor=cursor))

    def cancel(self, import_id: str) -> StatementImport:
        """Stop an import; complete statements stand."""
        return self._session.send(calls.cancel_import(import_id))


class BankStatements:
    """``zentra.reconciliation.statements``."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[BankStatement]:
        """One page of statements, latest first; filters are account_id, month (2026-04), continuity."""
        return self._session.send(calls.list_statements(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> Iterator[BankStatement]:
        """Every statement, page by page."""
        return each(self._session, lambda cursor: calls.list_statements(limit=limit, cursor=cursor, **filters))

    def get(self, statement_id: str) -> BankStatement:
        """One statement."""
        return self._session.send(calls.get_statement(statement_id))

    def lines(
        self, statement_id: str, *, limit: int | None = None, cursor: str | None = None, only: str | None = None
    ) -> Page[BankLine]:
        """One page of its lines, in its order; ``only`` is all, open or matched."""
        return self._session.send(calls.list_lines(statement_id, limit=limit, cursor=cursor, only=only))

    def iterate_lines(
        self, statement_id: str, *, limit: int | None = None, only: str | None = None
    ) -> Iterator[BankLine]:
        """Every line, page by page."""
        return each(self._session, lambda cursor: calls.list_lines(statement_id, limit=limit, cursor=cursor, only=only))


class BankLines:
    """``zentra.reconciliation.lines``."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def get(self, line_id: str) -> BankLine:
        """One line."""
        return self._session.send(calls.get_line(line_id))

    def matches(self, line_id: str) -> Page[Match]:
        """Every match that ever held it, newest first."""
        return self._session.send(calls.matches_of(calls.LINES, line_id))

    def suggestions(self, line_id: str, *, limit: int | None = None) -> Page[MatchSuggestion]:
        """Entries that it could be, the likeliest first."""
        return self._session.send(calls.suggest(calls.LINES, line_id, limit))


class ReconciledEntries:
    """``zentra.reconciliation.entries``."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def get(self, entry_id: str) -> ReconciledEntry:
        """One entry of a reconciled account."""
        return self._session.send(calls.get_entry(entry_id))

    def matches(self, entry_id: str) -> Page[Match]:
        """Every match that ever held it, newest first."""
        return self._session.send(calls.matches_of(calls.ENTRIES, entry_id))

    def suggestions(self, entry_id: str, *, limit: int | None = None) -> Page[MatchSuggestion]:
        """Lines that it could be, the likeliest first."""
        return self._session.send(calls.suggest(calls.ENTRIES, entry_id, limit))


class Matches:
    """``zentra.reconciliation.matches``."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def get(self, match_id: str) -> Match:
        """One match with what it holds and why."""
        return self._session.send(calls.get_match(match_id))

    def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[Match]:
        """One page of matches, newest first; filters are account_id, status, how, rule, run_id."""
        return self._session.send(calls.list_matches(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> Iterator[Match]:
        """Every match, page by page."""
        return each(self._session, lambda cursor: calls.list_matches(limit=limit, cursor=cursor, **filters))


class MatchingRuns:
    """``zentra.reconciliation.runs``."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def get(self, run_id: str) -> MatchingRun:
        """One run and what each rule did in it."""
        return self._session.send(calls.get_run(run_id))

    def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[MatchingRun]:
        """One page of runs, newest first; the filter is account_id."""
        return self._session.send(calls.list_runs(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> Iterator[MatchingRun]:
        """Every run, page by page."""
        return each(self._session, lambda cursor: calls.list_runs(limit=limit, cursor=cursor, **filters))


class Expected:
    """``zentra.reconciliation.expected``: money that rails said they pay out."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[ExpectedMoney]:
        """One page, newest first; filters are account_id and status."""
        return self._session.send(calls.list_expected(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> Iterator[ExpectedMoney]:
        """All of it, page by page."""
        return each(self._session, lambda cursor: calls.list_expected(limit=limit, cursor=cursor, **filters))


class Periods:
    """``zentra.reconciliation.periods``; a period is named by its id or its month (2026-04)."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def list(self) -> Page[Period]:
        """The newest periods, the newest first."""
        return self._session.send(calls.list_periods())

    def get(self, period: str) -> Period:
        """One period with its numbers."""
        return self._session.send(calls.get_period(period))

    def tie_outs(self, period: str) -> Page[TieOut]:
        """Every reconciled account: ledger against statement, part by part, and who signed."""
        return self._session.send(calls.list_tie_outs(period))

    def trial_balance(self, period: str, **params: object) -> Page[TrialBalance]:
        """The trial balance, one for each currency."""
        return self._session.send(calls.list_trial_balance(period, **params))

    def trial_balance_csv(self, period: str) -> bytes:
        """The same as a CSV file."""
        return self._session.send(calls.download(period, "trial-balance.csv"))

    def customer_money(self, period: str, **params: object) -> Page[CustomerMoney]:
        """Whether what is owed to customers is there, one for each currency."""
        return self._session.send(calls.list_customer_money(period, **params))

    def customer_money_by_day(self, **params: object) -> Page[CustomerMoneyProof]:
        """The same at the cut-off of each business day, newest first: ``currency``, ``revisions``, ``cursor``, and
        ``**{"from": day, "to": day}``."""
        return self._session.send(calls.list_money_proofs(**params))

    def tasks(self, period: str) -> Page[CloseoutTask]:
        """The checklist."""
        return self._session.send(calls.list_tasks(period))

    def journal(self, period: str) -> bytes:
        """Every entry of the period as a CSV file, with general-ledger accounts."""
        return self._session.send(calls.download(period, "journal"))

    def packets(self, period: str) -> Page[CloseoutPacket]:
        """The closeout packets of the period, the newest first."""
        return self._session.send(calls.list_packets(period))


class CloseoutPackets:
    """``zentra.reconciliation.packets``."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def get(self, packet_id: str) -> CloseoutPacket:
        """One packet: whether it is ready, and what is wrong when it failed."""
        return self._session.send(calls.get_packet(packet_id))

    def download(self, packet_id: str, *, wait: float = 0) -> CloseoutFile:
        """The zip of a packet. Asks again for up to ``wait`` seconds while it is pending, then raises PacketPending.

        Raises UnexpectedAnswer when its bytes are not those of its SHA-256.
        """
        deadline = time.monotonic() + wait
        while True:
            try:
                return self._session.send(calls.download_packet(packet_id))
            except PacketPending as pending:
                pause = pending.retry_after or 1.0
                if time.monotonic() + pause > deadline:
                    raise
                self._session.pause(pause)


class Reconciliation:
    """``zentra.reconciliation``."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session
        self.accounts = ReconciledAccounts(session)
        self.imports = StatementImports(session)
        self.statements = BankStatements(session)
        self.lines = BankLines(session)
        self.entries = ReconciledEntries(session)
        self.matches = Matches(session)
        self.runs = MatchingRuns(session)
        self.expected = Expected(session)
        self.exceptions = ReconciliationExceptions(session)
        self.periods = Periods(session)
        self.packets = CloseoutPackets(session)

    def summary(self) -> Page[ReconciliationSummary]:
        """How every reconciled account stands."""
        return self._session.send(calls.summarize())
