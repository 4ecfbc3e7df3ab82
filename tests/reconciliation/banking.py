"""A bank and a rail as the tests speak of them: statements in, an import that has ended out.

The messages are written from the published definitions: ISO 20022 message definition reports "Bank-to-Customer Cash
Management", BankToCustomerStatement camt.053.001.02 to .13 (iso20022.org), element by element as their usage says.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from evidence.models import Event
from zentra.core import actors, clock
from zentra.core.money import exponent
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.statements import operations, queries
from zentra.reconciliation.statements.tasks import advance_import
from zentra.reconciliation.statements.types import (
    ImportProblemRecord,
    ImportRecord,
    LineRecord,
    ReconciledAccountRecord,
    StatementRecord,
)

IBAN = "DE89370400440532013000"


def decimal_of(minor: int, currency: str = "USD") -> str:
    """Minor units as a file writes them, without sign."""
    return str(Decimal(abs(minor)).scaleb(-exponent(currency)))


@dataclass
class Tx:
    """A transaction of an entry (TxDtls)."""

    end_to_end_id: str = ""
    amount: int | None = None
    uetr: str = ""
    batch: str = ""
    name: str = ""
    text: str = ""
    refs: str = ""
    more: str = ""


@dataclass
class Ntry:
    """An entry; positive amounts come to us."""

    amount: int
    details: Sequence[Tx] = ()
    day: str = "2026-04-30"
    value_day: str = ""
    status: str = "BOOK"
    is_reversal: bool = False
    bank_reference: str = ""
    batch: str = ""
    currency: str = ""
    more: str = ""
    raw: str = ""


@dataclass
class Stmt:
    """A statement; ``closing`` None: the one that follows from the entries."""

    id: str = "S-1"
    entries: Sequence[Ntry] = ()
    opening: int | None = 0
    closing: int | None = None
    sequence: int | None = 1
    day: str = "2026-04-30"
    first_day: str = ""
    iban: str = IBAN
    currency: str = "USD"
    page: int | None = None
    is_last_page: bool = True
    totals: str | None = None
    balances: str | None = None
    has_closing: bool = True
    net: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.net = sum(entry.amount for entry in self.entries if entry.status == "BOOK")


def camt(*statements: Stmt, version: int = 8, before: str = "") -> bytes:
    """A message with these statements in a version."""
    body = "".join(_statement(one, version) for one in statements)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version:02}"><BkToCstmrStmt>'
        "<GrpHdr><MsgId>M-1</MsgId><CreDtTm>2026-04-30T20:00:00Z</CreDtTm></GrpHdr>"
        f"{body}</BkToCstmrStmt></Document>"
    ).encode()


def _side(minor: int) -> str:
    return "CRDT" if minor >= 0 else "DBIT"


def _balance(code: str, minor: int, one: Stmt, day: str) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="{one.currency}">{decimal_of(minor, one.currency)}</Amt><CdtDbtInd>{_side(minor)}</CdtDbtInd>'
        f"<Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def totals_of(one: Stmt, version: int) -> str:
    """TxsSummry as a bank writes it: everything, what came in, what went out."""
    every = [entry.amount for entry in one.entries]
    net = decimal_of(sum(every), one.currency)
    side = f"<CdtDbtInd>{_side(sum(every))}</CdtDbtInd>"
    netted = f"<TtlNetNtryAmt>{net}</TtlNetNtryAmt>{side}"
    if version >= 4:
        netted = f"<TtlNetNtry><Amt>{net}</Amt>{side}</TtlNetNtry>"
    return (
        f"<TxsSummry><TtlNtries>{_counted(every, one)}{netted}</TtlNtries>"
        f"<TtlCdtNtries>{_counted([each for each in every if each >= 0], one)}</TtlCdtNtries>"
        f"<TtlDbtNtries>{_counted([each for each in every if each < 0], one)}</TtlDbtNtries></TxsSummry>"
    )


def _counted(amounts: Sequence[int], one: Stmt) -> str:
    total = decimal_of(sum(map(abs, amounts)), one.currency)
    return f"<NbOfNtries>{len(amounts)}</NbOfNtries><Sum>{total}</Sum>"


def _statement(one: Stmt, version: int) -> str:
    first = one.first_day or one.day
    sequence = "" if one.sequence is None else f"<ElctrncSeqNb>{one.sequence}</ElctrncSeqNb>"
    is_last = str(one.is_last_page).lower()
    page = f"<StmtPgntn><PgNb>{one.page}</PgNb><LastPgInd>{is_last}</LastPgInd></StmtPgntn>" if one.page else ""
    balances = "" if one.opening is None else _balance("OPBD", one.opening, one, first)
    if one.has_closing:
        closing = (one.opening or 0) + one.net if one.closing is None else one.closing
        balances += _balance("CLBD", closing, one, one.day)
    balances = balances if one.balances is None else one.balances
    totals = totals_of(one, version) if one.totals is None else one.totals
    return (
        f"<Stmt><Id>{escape(one.id)}</Id>{page}{sequence}<CreDtTm>2026-04-30T20:00:00Z</CreDtTm>"
        f"<FrToDt><FrDtTm>{first}T00:00:00</FrDtTm><ToDtTm>{one.day}T23:59:59</ToDtTm></FrToDt>"
        f"<Acct><Id><IBAN>{one.iban}</IBAN></Id><Ccy>{one.currency}</Ccy></Acct>{balances}{totals}"
        f"{''.join(_entry(entry, one, version) for entry in one.entries)}</Stmt>"
    )


def _entry(entry: Ntry, one: Stmt, version: int) -> str:
    if entry.raw:
        return entry.raw
    currency = entry.currency or one.currency
    status = f"<Sts><Cd>{entry.status}</Cd></Sts>" if version >= 8 else f"<Sts>{entry.status}</Sts>"
    reversal = "<RvslInd>true</RvslInd>" if entry.is_reversal else ""
    reference = f"<AcctSvcrRef>{entry.bank_reference}</AcctSvcrRef>" if entry.bank_reference else ""
    batch = (
        f"<Btch><PmtInfId>{entry.batch}</PmtInfId><NbOfTxs>{len(entry.details)}</NbOfTxs></Btch>" if entry.batch else ""
    )
    details = "".join(_transaction(detail, entry, currency, version) for detail in entry.details)
    inner = f"<NtryDtls>{batch}{details}</NtryDtls>" if batch or details else ""
    return (
        f'<Ntry><Amt Ccy="{currency}">{decimal_of(entry.amount, currency)}</Amt>'
        f"<CdtDbtInd>{_side(entry.amount)}</CdtDbtInd>{reversal}{status}<BookgDt><Dt>{entry.day}</Dt></BookgDt>"
        f"<ValDt><Dt>{entry.value_day or entry.day}</Dt></ValDt>{reference}"
        "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"{entry.more}{inner}</Ntry>"
    )


def _transaction(tx: Tx, entry: Ntry, currency: str, version: int) -> str:
    refs = f"<PmtInfId>{tx.batch}</PmtInfId>" if tx.batch else ""
    refs += f"<EndToEndId>{escape(tx.end_to_end_id)}</EndToEndId>" if tx.end_to_end_id else ""
    refs += f"<UETR>{tx.uetr}</UETR>" if tx.uetr else ""
    amount = ""
    if tx.amount is not None:
        money = f'<Amt Ccy="{currency}">{decimal_of(tx.amount, currency)}</Amt>'
        amount = (
            f"<AmtDtls><TxAmt>{money}</TxAmt></AmtDtls>"
            if version == 2
            else f"{money}<CdtDbtInd>{_side(tx.amount)}</CdtDbtInd>"
        )
    side = "Dbtr" if entry.amount >= 0 else "Cdtr"
    name = f"<Pty><Nm>{escape(tx.name)}</Nm></Pty>" if version >= 8 else f"<Nm>{escape(tx.name)}</Nm>"
    parties = f"<RltdPties><{side}>{name}</{side}></RltdPties>" if tx.name else ""
    text = f"<RmtInf><Ustrd>{escape(tx.text)}</Ustrd></RmtInf>" if tx.text else ""
    return f"<TxDtls><Refs>{refs}{tx.refs}</Refs>{amount}{tx.more}{parties}{text}</TxDtls>"


REPORT_HEADER = (
    "type,payment_key,reference,provider_reference,executed_on,currency,gross_minor,fee_minor,net_minor,batch,payout_on"
)


def report(
    *payments: tuple[str, int, int],
    batch: str = "rail_a-b1",
    currency: str = "USD",
    has_payout: bool = True,
    payout_on: str = "2026-05-02",
    trailer: Mapping[str, int] | None = None,
) -> bytes:
    """A settlement report of payments (provider reference, gross, fee); negative ones are refunds."""
    rows = [REPORT_HEADER]
    for number, (reference, gross, fee) in enumerate(payments, start=1):
        kind = "payment" if gross > 0 else "refund"
        rows.append(
            f"{kind},key.{number},intent_{number},{reference},2026-04-30,{currency},{gross},{fee},{gross - fee},"
            f"{batch},{payout_on}"
        )
    gross, fee = sum(one[1] for one in payments), sum(one[2] for one in payments)
    if has_payout:
        rows.append(f"payout,,{batch},{batch},{payout_on},{currency},{-gross},{-fee},{fee - gross},{batch},{payout_on}")
    sums = {"rows": len(rows) - 1, "gross": gross, "fee": fee, "net": gross - fee, **(trailer or {})}
    rows.append(f"trailer,{sums['rows']},,,,{currency},{sums['gross']},{sums['fee']},{sums['net']},{batch},{payout_on}")
    return "".join(f"{row}\n" for row in rows).encode()


@dataclass
class Bank:
    """Reconciled accounts of one workspace, and files that are imported for them."""

    ws: TenantRef
    actor: actors.Actor = actors.RECONCILIATION

    def open(
        self, code: str = "bank", *, kind: Any = "bank", external_id: str = IBAN, currency: str = "USD", **more: Any
    ) -> ReconciledAccountRecord:
        """A reconciled account over an account of the chart."""
        with tenant_work(self.ws):
            return operations.open_reconciled_account(
                ledger_account=code,
                kind=kind,
                name=f"Test {code}",
                external_id=external_id,
                currency=currency,
                actor=self.actor,
                now=clock.now(),
                **more,
            )

    def start(
        self,
        content: bytes,
        *,
        form: Any = "camt053",
        account: str | None = None,
        mapping: Any = None,
        is_dry_run: bool = False,
        file_name: str = "file.xml",
        collected: tuple[str, str] = ("", ""),
    ) -> ImportRecord:
        """An import that waits for a worker; ``collected`` as the collector says it."""
        with tenant_work(self.ws):
            return operations.start_import(
                account_id=account,
                format=form,
                mapping=mapping,
                is_dry_run=is_dry_run,
                file_name=file_name,
                content=io.BytesIO(content),
                actor=actors.RECONCILIATION if collected[0] else self.actor,
                now=clock.now(),
                collected=collected,
            )

    def advance(self, record: ImportRecord, *, seconds: float = 60) -> ImportRecord:
        """What a worker does of it in so many seconds."""
        return advance_import(ws=self.ws, import_id=record.id, seconds=seconds)

    def take(self, content: bytes, **more: Any) -> ImportRecord:
        """A file imported to its end."""
        record = self.start(content, **more)
        while not record.is_finished:
            record = self.advance(record)
        return record

    def get(self, record: ImportRecord) -> ImportRecord:
        """The import as it stands."""
        with tenant_work(self.ws):
            return queries.get_import(import_id=record.id)

    def problems(self, record: ImportRecord) -> list[ImportProblemRecord]:
        """What was wrong in it."""
        with tenant_work(self.ws):
            return queries.list_problems(import_id=record.id, limit=1000)

    def codes(self, record: ImportRecord, *, warnings: bool = False) -> list[str]:
        """The codes of what it was refused for, or of its warnings."""
        return [one.code for one in self.problems(record) if one.is_warning == warnings]

    def statements(self) -> list[StatementRecord]:
        """Complete statements, oldest first."""
        with tenant_work(self.ws):
            return queries.list_statements()[::-1]

    def lines(self, statement: StatementRecord, **more: Any) -> list[LineRecord]:
        """Lines of a statement."""
        with tenant_work(self.ws):
            return queries.list_lines(statement_id=statement.id, limit=5000, **more)

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The data of recorded events of a type, oldest first."""
        import json

        with tenant_work(self.ws):
            rows = Event.objects.filter(type=kind).order_by("recorded_at", "id")
            return [json.loads(bytes(row.body))["data"] for row in rows]

    def sql(self, statement: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """As the application, in the workspace."""
        from django.db import connection

        with tenant_work(self.ws), connection.cursor() as cursor:
            cursor.execute(statement, params)
            return cursor.fetchall() if cursor.description else []


def noon(day: str) -> datetime:
    """Noon of a day, UTC."""
    return datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC)
