"""What of statements is recorded: ids, numbers and codes, never a text of a bank or a person."""

from evidence.types import NewEvent
from zentra.core import telemetry
from zentra.core.actors import RECONCILIATION, Actor
from zentra.core.money import MAX_AMOUNT_MINOR
from zentra.reconciliation.statements.formats.parsed import Problem
from zentra.reconciliation.statements.types import ImportRecord, ReconciledAccountRecord, StatementRecord


def imported(statement: StatementRecord, *, sha256: str) -> NewEvent:
    """A statement is in, every check of it made."""
    facts: dict[str, object] = {
        "statement_id": statement.id,
        "account_id": statement.account_id,
        "import_id": statement.import_id,
        "format": statement.format,
        "lines": statement.lines,
        "sequence": _whole(statement.sequence),
        "currency": statement.currency,
        "starts_on": statement.starts_on.isoformat(),
        "ends_on": statement.ends_on.isoformat(),
        "opening_minor": statement.opening_minor,
        "closing_minor": statement.closing_minor,
        "credits_minor": _amount(statement.credits_minor),
        "debits_minor": _amount(statement.debits_minor),
        "continuity": statement.continuity,
        "sha256": sha256,
    }
    return NewEvent("statement.imported", RECONCILIATION, facts, trace_id=telemetry.trace_id())


def account_changed(record: ReconciledAccountRecord, *, changed: list[str], actor: Actor) -> NewEvent:
    """Somebody changed how an account is reconciled; what its files call it stays with the account."""
    facts: dict[str, object] = {
        "account_id": record.id,
        "changed_by": actor.id,
        "changed": changed,
        "settle_days": record.settle_days,
        "version": record.version,
    }
    return NewEvent("reconciliation.account.changed", actor, facts, trace_id=telemetry.trace_id())


def account_closed(*, account_id: str, actor: Actor) -> NewEvent:
    """Somebody ended the reconciliation of an account; why stays with the account."""
    facts: dict[str, object] = {"account_id": account_id, "closed_by": actor.id}
    return NewEvent("reconciliation.account.closed", actor, facts, trace_id=telemetry.trace_id())


def refused(
    record: ImportRecord, *, problem: Problem, account_id: str | None, statement: int | None, lines: int
) -> NewEvent:
    """A file, or a statement of it, failed a check and is not in; ``problem`` is the first one."""
    facts: dict[str, object] = {
        "import_id": record.id,
        "account_id": account_id,
        "format": record.format,
        "problem": problem.code,
        "lines": lines,
        "sha256": record.sha256,
    }
    if statement is not None:
        facts["statement"] = statement
    for name, keys in (("expected_minor", ("expected_minor", "counted")), ("found_minor", ("found_minor", "told"))):
        value = next((problem.extra[key] for key in keys if type(problem.extra.get(key)) is int), None)
        if value is not None:
            facts[name] = _amount(value)
    return NewEvent("statement.refused", RECONCILIATION, facts, trace_id=telemetry.trace_id())


def _amount(minor: int) -> int | str:
    """A sum may be more than a JSON number holds exactly; then it is its digits."""
    return minor if abs(minor) <= MAX_AMOUNT_MINOR else str(minor)


def _whole(number: int | None) -> int | None:
    return number if number is None or number <= MAX_AMOUNT_MINOR else None
