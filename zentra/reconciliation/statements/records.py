"""The rows of statements as others see them."""

from typing import Any, Final

from zentra.reconciliation.statements.models import Line, ReconciledAccount, Settlement, Statement, StatementImport
from zentra.reconciliation.statements.types import (
    ImportRecord,
    LineRecord,
    ReconciledAccountRecord,
    SettlementRecord,
    StatementRecord,
)

_LINE_FIELDS: Final = tuple(name for name in LineRecord.__dataclass_fields__ if name not in ("fingerprint", "is_open"))


def account_record(row: ReconciledAccount) -> ReconciledAccountRecord:
    """A reconciled account as it stands."""
    return ReconciledAccountRecord(
        **{name: getattr(row, name) for name in ReconciledAccountRecord.__dataclass_fields__}
    )


def import_record(row: StatementImport) -> ImportRecord:
    """An import as it stands."""
    facts: dict[str, Any] = {name: getattr(row, name) for name in ImportRecord.__dataclass_fields__}
    return ImportRecord(**{**facts, "sha256": bytes(row.sha256).hex()})


def statement_record(row: Statement) -> StatementRecord:
    """A complete statement."""
    facts: dict[str, Any] = {name: getattr(row, name) for name in StatementRecord.__dataclass_fields__}
    return StatementRecord(**{**facts, "credits_minor": int(row.credits_minor), "debits_minor": int(row.debits_minor)})


def line_record(row: Line, *, is_open: bool) -> LineRecord:
    """A line, and whether nothing holds it yet."""
    facts: dict[str, Any] = {name: getattr(row, name) for name in _LINE_FIELDS}
    return LineRecord(**facts, fingerprint=bytes(row.fingerprint).hex(), is_open=is_open)


def settlement_record(row: Settlement) -> SettlementRecord:
    """What became of a rail's payout."""
    return SettlementRecord(**{name: getattr(row, name) for name in SettlementRecord.__dataclass_fields__})
