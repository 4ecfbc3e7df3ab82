"""Fetching what simulated rails and their bank write, as it appears: settlement reports and bank statements.

Sandbox workspaces only. A file is known by where it was fetched and as what it was announced there, which only this
collector writes: nothing that somebody uploads, whatever its name, keeps it from being fetched. Asking again, from the
start too, imports nothing twice; one that was refused is not fetched again, because it would be refused again.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import structlog

from zentra.core import actors
from zentra.core.clock import now as now_here
from zentra.core.errors import DomainError
from zentra.core.queue import periodic
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.statements.errors import StatementFileKnown
from zentra.reconciliation.statements.models import StatementImport
from zentra.reconciliation.statements.operations import start_import
from zentra.reconciliation.statements.queries import list_reconciled_accounts
from zentra.reconciliation.statements.types import ReconciledAccountRecord, StatementFormat
from zentra.routing.providers.sandbox_books import Announced, BooksUnavailable, SandboxBooks
from zentra.routing.queries import SIMULATED, bank_account_of, list_rails

log = structlog.get_logger(__name__)

PAGES_A_ROUND: Final = 5
RAIL_LEDGER_ACCOUNT: Final = "rail_receivable"
"""What all simulated rails owe is one ledger account per currency, and so one reconciled account."""


@dataclass(frozen=True, slots=True)
class Source:
    """A list of files: those of a rail's connection, or of a bank account. ``accounts`` takes each currency's."""

    sandbox_url: str
    rail: str  # empty: the bank
    owner: str
    accounts: tuple[tuple[str, str], ...]  # (currency, reconciled account)

    @property
    def format(self) -> StatementFormat:
        """How its files are written."""
        return "settlement" if self.rail else "camt053"

    def account_for(self, announced: Announced) -> str | None:
        """The reconciled account that a file is for; None where nobody reconciles its currency."""
        return dict(self.accounts).get(announced.currency)

    def file_name(self, announced: Announced) -> str:
        """By which name a file is known."""
        return f"{announced.id}.{'csv' if self.rail else 'xml'}"

    @property
    def place(self) -> str:
        """From where its files come."""
        return f"{self.rail or 'bank'}/{self.owner}"

    @staticmethod
    def announced_as(announced: Announced) -> str:
        """As what a file is known: something new under an old name has another number."""
        return f"{announced.number}/{announced.id}"[:300]

    def list(self, books: SandboxBooks, after: int) -> Sequence[Announced]:
        """What is in the list after a place."""
        if self.rail:
            return books.list_reports(rail=self.rail, connection_id=self.owner, after=after)
        return books.list_statements(account=self.owner, after=after)

    def read(self, books: SandboxBooks, announced: Announced) -> bytes:
        """A file of the list."""
        if self.rail:
            return books.read_report(rail=self.rail, batch=announced.id)
        return books.read_statement(statement_id=announced.id)


# How far each list was read. Lost with the process, and forgotten when other accounts are reconciled: then the lists
# are read from the start, and what is known is passed over.
_read_to: dict[tuple[UUID, Source], int] = {}


@periodic("recon.collect", every_seconds=15.0)
def collect(ws: TenantRef) -> None:
    """Fetch and import what is new."""
    if ws.mode == "sandbox":
        collect_files(ws=ws, now=now_here())


def collect_files(*, ws: TenantRef, now: datetime) -> list[str]:
    """Fetch every file that is new and start its import; the imports' ids. Enters the workspace itself.

    Simulators that are down are no news here: what they have written is there the next time.
    """
    started: list[str] = []
    for source in list_sources(ws=ws):
        try:
            with SandboxBooks(source.sandbox_url) as books:
                started += _collect(ws, source, books, now)
        except BooksUnavailable as error:
            log.info("nothing_collected", workspace=ws.slug, source=source.rail or "bank", error=str(error))
        except DomainError as error:  # a source that cannot be taken in now keeps no other one waiting
            log.warning("nothing_collected", workspace=ws.slug, source=source.rail or "bank", error=error.detail)
    return started


def list_sources(*, ws: TenantRef) -> list[Source]:
    """Whose files a workspace wants: those of its simulated rails, and of the bank account that they pay to."""
    with tenant_work(ws):
        accounts = list_reconciled_accounts()
        rails = [rail for rail in list_rails() if rail.provider == SIMULATED] if accounts else []
    owed = _by_currency([each for each in accounts if each.ledger_account_code == RAIL_LEDGER_ACCOUNT])
    bank_account = bank_account_of(workspace_id=ws.id)
    banked = _by_currency([each for each in accounts if each.kind == "bank" and each.external_id == bank_account])
    reports = [Source(_root(rail.base_url), rail.name, rail.id, owed) for rail in rails if owed]
    # The reports first: what was paid out is posted before the bank tells of it.
    urls = sorted({_root(rail.base_url) for rail in rails}) if banked else []
    return [*reports, *(Source(url, "", bank_account, banked) for url in urls)]


def _collect(ws: TenantRef, source: Source, books: SandboxBooks, now: datetime) -> list[str]:
    place, started = (ws.id, source), []
    for _ in range(PAGES_A_ROUND):
        page = source.list(books, _read_to.get(place, 0))
        for announced in _unknown(ws, source, page):
            started += _import(ws, source, announced, source.read(books, announced), now)
        if not page:
            break
        _read_to[place] = page[-1].number
    return started


def _unknown(ws: TenantRef, source: Source, page: Sequence[Announced]) -> list[Announced]:
    """Those of a page that somebody reconciles and that were never imported."""
    wanted = {(source.announced_as(each), source.account_for(each)): each for each in page if source.account_for(each)}
    with tenant_work(ws):
        fetched = StatementImport.objects.filter(
            collected_from=source.place, collected_as__in=[name for name, _ in wanted], format=source.format
        ).exclude(state="canceled")
        known = set(fetched.values_list("collected_as", "account_id")) if wanted else set()
    return [each for key, each in wanted.items() if key not in known]


def _import(ws: TenantRef, source: Source, announced: Announced, content: bytes, now: datetime) -> list[str]:
    account_id, name = source.account_for(announced), source.file_name(announced)
    collected = source.place, source.announced_as(announced)
    try:
        with tenant_work(ws):
            started = start_import(
                account_id=account_id, format=source.format, is_dry_run=False, file_name=name,
                content=io.BytesIO(content), actor=actors.RECONCILIATION, now=now, collected=collected,
            )  # fmt: skip
    except StatementFileKnown:  # fetched there before, under another number
        return []
    except DomainError as error:
        if error.retryable:
            raise
        # No file, or none that can be kept: it stays so, and must not keep the others out.
        log.warning("file_not_taken", workspace=ws.slug, source=source.place, file=name, code=error.code)
        return []
    return [started.id]


def _by_currency(accounts: Sequence[ReconciledAccountRecord]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((each.currency, each.id) for each in accounts))


def _root(base_url: str) -> str:
    """Where the simulators are, of a rail's own address."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}"
