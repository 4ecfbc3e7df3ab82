"""View-models of the Accounts, Ledger and Holds rooms: frozen, ready to print.

Balances count in an account's normal direction; columns of debits and credits are positive. Amounts are text, in minor
units, and in major units where a page has the place for both.
"""

from dataclasses import dataclass
from typing import Literal

from console.types import Chip, Mark, Moment, Proof


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its name; ``major`` is the same in major units, ``note`` says what it means."""

    label: str
    value: str
    major: str = ""
    note: str = ""
    level: Literal["", "alert", "bad", "good"] = ""


@dataclass(frozen=True, slots=True)
class Option:
    """A choice of a select."""

    value: str
    title: str
    selected: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a filter or form: its name, what it holds now; with ``options`` it is a select."""

    name: str
    label: str
    value: str = ""
    type: str = "text"
    options: tuple[Option, ...] = ()
    placeholder: str = ""
    wide: bool = False


@dataclass(frozen=True, slots=True)
class AccountLine:
    account_id: str
    url: str
    code: str
    name: str
    kind: str
    currency: str
    posted: str
    pending_in: str
    pending_out: str
    available: str
    state: Mark
    customer: str = ""


@dataclass(frozen=True, slots=True)
class AccountsPage:
    tabs: tuple[Chip, ...]
    filters: tuple[Chip, ...]
    fields: tuple[Field, ...]
    rows: tuple[AccountLine, ...]
    kept: tuple[tuple[str, str], ...] = ()
    clear_url: str = ""
    next_url: str = ""
    first_url: str = ""
    open_url: str = ""
    chart_url: str = ""


@dataclass(frozen=True, slots=True)
class TreeLine:
    """A category or an account of the tree; figures in the direction of the side that all below share, else net."""

    depth: int
    kind: Literal["category", "account", "more"]
    title: str
    code: str
    url: str
    accounts: str = ""
    side: str = ""
    posted: str = ""
    pending: str = ""
    available: str = ""
    state: Mark | None = None


@dataclass(frozen=True, slots=True)
class TreePage:
    tabs: tuple[Chip, ...]
    filters: tuple[Chip, ...]
    rows: tuple[TreeLine, ...]
    currency: str
    sum: str
    balanced: bool
    open_url: str = ""
    chart_url: str = ""


@dataclass(frozen=True, slots=True)
class PlotLabel:
    x: str
    y: str
    text: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Plot:
    """A balance's course as paths in a 960 × 220 box, with its axes, and the same as rows."""

    posted: str = ""
    area: str = ""
    available: str = ""
    zero: str = ""
    grid: tuple[str, ...] = ()
    labels: tuple[PlotLabel, ...] = ()
    rows: tuple[tuple[str, str, str], ...] = ()
    words: str = ""
    ranges: tuple[Chip, ...] = ()
    bases: tuple[Chip, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """An entry in its account's history."""

    entry_id: str
    posting_id: str
    url: str
    version: str
    purpose: str
    words: str
    intent_id: str
    intent_url: str
    debit: str
    credit: str
    balance: str
    effective: str
    effective_iso: str
    recorded: str
    reconciliation: Mark | None  # nothing outside of the ledger takes part
    state: Mark | None = None

    @property
    def short(self) -> str:
        """The end of the posting's id, which differs; the start is its time."""
        return f"…{self.posting_id[-6:]}"


@dataclass(frozen=True, slots=True)
class HoldLine:
    hold_id: str
    url: str
    reference: str
    account: str
    account_url: str
    destination: str
    source: str
    intent_id: str
    intent_url: str
    held: str
    remaining: str
    captured: str
    released: str
    currency: str
    state: Mark
    placed: Moment
    expires: str
    overdue: bool
    reviewed: str = ""
    expiry: str = ""


@dataclass(frozen=True, slots=True)
class MonitorLine:
    monitor_id: str
    name: str
    words: str
    state: Mark
    since: str


@dataclass(frozen=True, slots=True)
class AsOfView:
    words: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class AccountActs:
    """Where this person's forms go; an empty address is a control that is not drawn."""

    freeze: str = ""
    unfreeze: str = ""
    close: str = ""
    limits: str = ""
    monitor: str = ""
    unmonitor: str = ""
    statement: str = ""
    post: str = ""


@dataclass(frozen=True, slots=True)
class AccountView:
    account_id: str
    code: str
    name: str
    currency: str
    state: Mark
    state_words: str
    figures: tuple[Figure, ...]
    facts: tuple[Proof, ...]
    plot: Plot
    entries: tuple[HistoryLine, ...]
    holds: tuple[HoldLine, ...]
    monitors: tuple[MonitorLine, ...]
    acts: AccountActs
    being_placed: str = ""
    floor: str = ""
    ceiling: str = ""
    floor_words: str = ""
    ceiling_words: str = ""
    limits_note: str = ""
    as_of: AsOfView | None = None
    as_of_at: str = ""
    as_of_basis: str = "effective"
    problem: str = ""
    next_url: str = ""
    first_url: str = ""
    holds_url: str = ""
    category_url: str = ""


@dataclass(frozen=True, slots=True)
class StatementRow:
    effective: str
    effective_iso: str
    purpose: str
    words: str
    posting_id: str
    url: str
    debit: str
    credit: str
    balance: str


@dataclass(frozen=True, slots=True)
class StatementView:
    account_id: str
    code: str
    name: str
    currency: str
    account_url: str
    words: str
    presets: tuple[Chip, ...]
    start: str
    end: str
    figures: tuple[Figure, ...]
    tied: Mark
    rows: tuple[StatementRow, ...]
    opening: str
    closing: str
    is_first: bool
    csv_url: str
    pdf_url: str
    pdf_note: str = ""
    next_url: str = ""
    first_url: str = ""
