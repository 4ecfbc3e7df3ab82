"""Bank statements as ISO 20022 camt.053.001.08 (BankToCustomerStatementV08), written from the message definition.

One entry has one transaction; references stand where the definition has them: the payer's in EndToEndId, the bank's own
in AcctSvcrRef. Elements stand in the definition's order, so that the files are valid against its schema.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from xml.sax.saxutils import escape

from babel.numbers import get_currency_precision

from zentra.routing.sandbox.bank import BankStatement, BookedMovement
from zentra.routing.sandbox.breaks import FileBreak
from zentra.routing.sandbox.days import date_of
from zentra.routing.sandbox.store import NAMESPACE, iso

SPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
BANK_BIC = "ZNTRDEFFXXX"
WRONG_BY_MINOR = 100


def write_camt(
    statement: BankStatement, movements: Sequence[BookedMovement], faults: frozenset[FileBreak] = frozenset()
) -> bytes:
    """The file of a statement. ``faults`` are put into this copy of it alone."""
    money = _Money(statement.currency)
    closing = statement.closing_minor + (WRONG_BY_MINOR if FileBreak.BALANCE in faults else 0)
    sequence = statement.sequence + (1 if FileBreak.SEQUENCE in faults else 0)
    words = [
        '<?xml version="1.0" encoding="UTF-8"?>\n',
        f'<Document xmlns="{SPACE}"><BkToCstmrStmt>',
        f"<GrpHdr><MsgId>{_text(statement.id)}</MsgId><CreDtTm>{iso(statement.closed_ms)}</CreDtTm></GrpHdr>",
        f"<Stmt><Id>{_text(statement.id)}</Id><ElctrncSeqNb>{sequence}</ElctrncSeqNb>",
        f"<CreDtTm>{iso(statement.closed_ms)}</CreDtTm>",
        f"<FrToDt><FrDtTm>{iso(statement.starts_ms)}</FrDtTm><ToDtTm>{iso(statement.ends_ms - 1)}</ToDtTm></FrToDt>",
        f"<Acct><Id><Othr><Id>{_text(statement.account)}</Id></Othr></Id><Ccy>{statement.currency}</Ccy>",
        f"<Svcr><FinInstnId><BICFI>{BANK_BIC}</BICFI></FinInstnId></Svcr></Acct>",
        _balance("OPBD", statement.opening_minor, statement.starts_ms, money),
        _balance("CLBD", closing, statement.ends_ms - 1, money),
        _summary(movements, WRONG_BY_MINOR if FileBreak.TOTAL in faults else 0, money),
        *(_entry(statement, movement, money) for movement in movements),
        "</Stmt></BkToCstmrStmt></Document>\n",
    ]
    return "".join(words).encode()


class _Money:
    """Amounts of a currency as the message writes them: a plain decimal without sign, and the side."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self._digits = get_currency_precision(currency)

    def plain(self, minor: int) -> str:
        whole, part = divmod(abs(minor), 10**self._digits)
        return f"{whole}.{part:0{self._digits}d}" if self._digits else str(whole)

    def amount(self, minor: int) -> str:
        return f'<Amt Ccy="{self.currency}">{self.plain(minor)}</Amt>'

    @staticmethod
    def side(minor: int) -> str:
        return f"<CdtDbtInd>{'DBIT' if minor < 0 else 'CRDT'}</CdtDbtInd>"


def _balance(code: str, minor: int, moment_ms: int, money: _Money) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{money.amount(minor)}{money.side(minor)}"
        f"<Dt><Dt>{date_of(moment_ms)}</Dt></Dt></Bal>"
    )


def _summary(movements: Sequence[BookedMovement], wrong_by: int, money: _Money) -> str:
    """The control totals: how many, their sum without sign, their net; then each side of its own."""
    amounts = [movement.amount_minor for movement in movements]
    came, went = [each for each in amounts if each > 0], [-each for each in amounts if each < 0]
    net = sum(amounts)
    return (
        f"<TxsSummry><TtlNtries><NbOfNtries>{len(amounts)}</NbOfNtries>"
        f"<Sum>{money.plain(sum(map(abs, amounts)) + wrong_by)}</Sum>"
        f"<TtlNetNtry><Amt>{money.plain(net)}</Amt>{money.side(net)}</TtlNetNtry></TtlNtries>"
        f"<TtlCdtNtries><NbOfNtries>{len(came)}</NbOfNtries><Sum>{money.plain(sum(came))}</Sum></TtlCdtNtries>"
        f"<TtlDbtNtries><NbOfNtries>{len(went)}</NbOfNtries><Sum>{money.plain(sum(went))}</Sum></TtlDbtNtries>"
        "</TxsSummry>"
    )


def _entry(statement: BankStatement, movement: BookedMovement, money: _Money) -> str:
    day, minor = date_of(movement.booked_ms), movement.amount_minor
    own = uuid.uuid5(NAMESPACE, f"{statement.account}/{statement.currency}/{movement.key}")
    head = f"{money.amount(minor)}{money.side(minor)}"
    family = "RCDT" if minor > 0 else "ICDT" if movement.reference else "MDOP"
    sub = "ESCT" if movement.reference else "CHRG"
    reference = _text(movement.reference or "NOTPROVIDED")
    party = _party(movement, minor)
    return (
        f"<Ntry><NtryRef>{movement.number}</NtryRef>{head}<Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt><AcctSvcrRef>{own.hex}</AcctSvcrRef>"
        f"<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub}</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"<NtryDtls><TxDtls><Refs><AcctSvcrRef>{own.hex}</AcctSvcrRef><EndToEndId>{reference}</EndToEndId></Refs>"
        f"{head}{party}<RmtInf><Ustrd>{_text(movement.description)}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )


def _party(movement: BookedMovement, minor: int) -> str:
    if not movement.counterparty:
        return ""
    role = "Dbtr" if minor > 0 else "Cdtr"
    return f"<RltdPties><{role}><Pty><Nm>{_text(movement.counterparty)}</Nm></Pty></{role}></RltdPties>"


def _text(value: str) -> str:
    return escape(value)
