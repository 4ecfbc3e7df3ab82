"""The shapes of periods, tie-outs, trial balances and what else closes a month; and records in them."""

from collections.abc import Collection
from typing import Any, Literal

from pydantic import BaseModel

from zentra.core import clock
from zentra.reconciliation.closeout.types import (
    CustomerMoney,
    Overview,
    PacketRecord,
    PeriodRecord,
    RollForward,
    TaskRecord,
    TieOutRecord,
)


class PeriodAnswer(BaseModel):
    """A month of the books: what counts from ``starts_at`` to before ``ends_at``. ``soft`` takes adjustments only."""

    id: str
    object: Literal["period"]
    month: str
    starts_on: str
    ends_on: str
    starts_at: str
    ends_at: str
    time_zone: str
    cut_off_hour: int
    status: Literal["open", "soft", "closed"]
    reopened_until: str | None
    soft_closed_at: str | None
    locked_at: str | None
    version: int


class PeriodList(BaseModel):
    """Periods, the newest first."""

    data: list[PeriodAnswer]


class PeriodDetailAnswer(PeriodAnswer):
    """A period with its numbers; ``step``: the first of five steps that is not done, 6 when it is locked."""

    step: int
    accounts: int
    statements: int
    lines: int
    lines_open: int
    exceptions: int
    unexplained_minor: dict[str, int]
    tie_outs: int
    approved: int
    suspended: int
    tasks: int
    tasks_done: int
    in_flight: int
    late: int


class TieOutPart(BaseModel):
    """A part of statement − ledger."""

    kind: str
    group: Literal["in_transit", "explained", "unexplained"]
    count: int
    amount_minor: int


class TieOutSignature(BaseModel):
    """Who signed which figures; suspended when they changed after it."""

    id: str
    step: Literal["prepared", "approved"]
    by: str
    at: str
    figures_hash: str
    suspended_at: str | None


class TieOutAnswer(BaseModel):
    """A reconciled account in a period: statement − ledger = in transit + explained + unexplained, minor units."""

    id: str
    object: Literal["tie_out"]
    period: str
    reconciled_account: str
    ledger_account: str
    ledger_account_code: str
    currency: str
    status: Literal["open", "prepared", "approved", "suspended"]
    ledger_minor: int
    statement_minor: int | None
    difference_minor: int
    in_transit_minor: int
    explained_minor: int
    unexplained_minor: int
    parts: list[TieOutPart]
    tied_out: bool
    explanation: str
    figures_hash: str
    signatures: list[TieOutSignature]
    computed_at: str


class TieOutList(BaseModel):
    """The tie-outs of a period, as last computed; that is at most half a minute ago for the newest four periods."""

    data: list[TieOutAnswer]


class RollForwardRow(BaseModel):
    """An account over the period; signed, credits positive: opening + credits − debits = closing."""

    account: str
    account_code: str
    account_class: str
    gl_account: str
    opening_minor: int
    debits_minor: int
    credits_minor: int
    closing_minor: int


class RollForwardAnswer(BaseModel):
    """The trial balance of one currency over the period."""

    currency: str
    balanced: bool
    sha256: str
    rows: list[RollForwardRow]


class RollForwardList(BaseModel):
    """One for each currency that has accounts on this page."""

    data: list[RollForwardAnswer]
    next_cursor: str | None
    has_more: bool


class CustomerMoneyAccount(BaseModel):
    """An account's part in the proof."""

    account: str
    account_code: str
    account_type: str
    amount_minor: int


class CustomerMoneyAnswer(BaseModel):
    """Of one currency: held − owed = own; ``covered`` when what is owed to customers is there."""

    currency: str
    at: str
    owed_minor: int
    held_minor: int
    own_minor: int
    advanced_minor: int
    covered: bool
    owed: list[CustomerMoneyAccount]
    held: list[CustomerMoneyAccount]
    own: list[CustomerMoneyAccount]


class CustomerMoneyList(BaseModel):
    """One for each currency that has accounts on this page."""

    data: list[CustomerMoneyAnswer]
    next_cursor: str | None
    has_more: bool


class CloseoutTaskAnswer(BaseModel):
    """A row of the checklist; a computed one is done when the facts say so."""

    id: str
    key: str
    title: str
    computed: bool
    status: Literal["blocked", "todo", "done"]
    overdue: bool
    owner: str | None
    due_on: str
    depends_on: list[str]
    says: str
    note: str
    done_at: str | None


class CloseoutTaskList(BaseModel):
    """The checklist in its order."""

    data: list[CloseoutTaskAnswer]


class CloseoutPacketAnswer(BaseModel):
    """A closeout packet; its zip is at ``/content`` once it is ready; ``problem`` says why it failed."""

    id: str
    object: Literal["closeout_packet"]
    period: str
    revision: int
    status: Literal["pending", "ready", "failed"]
    sha256: str
    size_bytes: int
    problem: str
    created_at: str
    sealed_at: str | None


class CloseoutPacketList(BaseModel):
    """The packets of a period, the newest first."""

    data: list[CloseoutPacketAnswer]


def show_period(found: PeriodRecord) -> dict[str, Any]:
    """A period as an answer."""
    return {
        "id": found.id,
        "object": "period",
        "month": found.month,
        "starts_on": found.starts_on.isoformat(),
        "ends_on": found.ends_on.isoformat(),
        "starts_at": clock.iso(found.starts_at),
        "ends_at": clock.iso(found.ends_at),
        "time_zone": found.time_zone,
        "cut_off_hour": found.cut_off_hour,
        "status": found.state,
        "reopened_until": found.until and clock.iso(found.until),
        "soft_closed_at": found.soft_closed_at and clock.iso(found.soft_closed_at),
        "locked_at": found.locked_at and clock.iso(found.locked_at),
        "version": found.version,
    }


def show_overview(found: Overview) -> dict[str, Any]:
    """A period with its numbers."""
    names = ("step", "accounts", "statements", "lines", "lines_open", "exceptions", "tie_outs", "approved", "suspended",
             "tasks", "tasks_done", "in_flight", "late")  # fmt: skip
    return {
        **show_period(found.period),
        **{name: getattr(found, name) for name in names},
        "unexplained_minor": dict(found.unexplained),
    }


def show_tie_out(found: TieOutRecord) -> dict[str, Any]:
    """A tie-out as an answer."""
    figures = found.figures
    return {
        "id": found.id,
        "object": "tie_out",
        "period": found.period_id,
        "reconciled_account": found.account_id,
        "ledger_account": found.ledger_account_id,
        "ledger_account_code": found.ledger_account_code,
        "currency": found.currency,
        "status": found.state,
        "ledger_minor": figures.ledger_minor,
        "statement_minor": figures.statement_minor,
        "difference_minor": figures.difference_minor,
        "in_transit_minor": figures.in_transit_minor,
        "explained_minor": figures.explained_minor,
        "unexplained_minor": figures.unexplained_minor,
        "parts": [
            {"kind": part.kind, "group": part.group, "count": part.count, "amount_minor": part.amount_minor}
            for part in figures.parts
        ],
        "tied_out": figures.is_tied,
        "explanation": found.explanation,
        "figures_hash": found.figures_hash,
        "signatures": [
            {
                "id": each.id,
                "step": each.step,
                "by": each.by["id"],
                "at": clock.iso(each.at),
                "figures_hash": each.figures_hash,
                "suspended_at": each.suspended_at and clock.iso(each.suspended_at),
            }
            for each in found.sign_offs
        ],
        "computed_at": clock.iso(found.computed_at),
    }


def show_roll_forward(found: RollForward, accounts: Collection[str]) -> dict[str, Any]:
    """A trial balance as an answer, with these of its accounts."""
    return {
        "currency": found.currency,
        "balanced": found.is_balanced,
        "sha256": found.sha256,
        "rows": [
            {
                "account": row.account_id,
                "account_code": row.account_code,
                "account_class": row.type,
                "gl_account": row.gl_code,
                "opening_minor": row.opening_minor,
                "debits_minor": row.debits_minor,
                "credits_minor": row.credits_minor,
                "closing_minor": row.closing_minor,
            }
            for row in found.rows
            if row.account_id in accounts
        ],
    }


def show_customer_money(found: CustomerMoney, accounts: Collection[str]) -> dict[str, Any]:
    """A customer-money proof as an answer, with these of its accounts."""
    return {
        "currency": found.currency,
        "at": clock.iso(found.at),
        "owed_minor": found.owed_minor,
        "held_minor": found.held_minor,
        "own_minor": found.own_minor,
        "advanced_minor": found.advanced_minor,
        "covered": found.is_covered,
        **{
            side: [
                {
                    "account": row.account_id,
                    "account_code": row.account_code,
                    "account_type": row.account_type,
                    "amount_minor": row.amount_minor,
                }
                for row in getattr(found, side)
                if row.account_id in accounts
            ]
            for side in ("owed", "held", "own")
        },
    }


def show_task(found: TaskRecord) -> dict[str, Any]:
    """A task as an answer."""
    return {
        "id": found.id,
        "key": found.key,
        "title": found.title,
        "computed": found.is_computed,
        "status": found.state,
        "overdue": found.is_overdue,
        "owner": found.owner_id,
        "due_on": found.due_on.isoformat(),
        "depends_on": list(found.depends_on),
        "says": found.says,
        "note": found.note,
        "done_at": found.done_at and clock.iso(found.done_at),
    }


def show_packet(found: PacketRecord) -> dict[str, Any]:
    """A closeout packet as an answer."""
    return {
        "id": found.id,
        "object": "closeout_packet",
        "period": found.period_id,
        "revision": found.revision,
        "status": found.state,
        "sha256": found.sha256,
        "size_bytes": found.size_bytes,
        "problem": found.problem,
        "created_at": clock.iso(found.created_at),
        "sealed_at": found.sealed_at and clock.iso(found.sealed_at),
    }
