"""View-models of postings: in a list, on their page, and in the form for entries by hand."""

from dataclasses import dataclass
from typing import Literal

from console.types import Chip, Mark, Proof, TrustView
from console.types.ledger import Field, Option


@dataclass(frozen=True, slots=True)
class PostingLine:
    posting_id: str
    url: str
    purpose: str
    state: Mark
    money: str
    currency: str
    debit: str
    credit: str
    entries: str
    about: str
    about_url: str
    recorded: str
    iso: str
    who: str

    @property
    def short(self) -> str:
        """The end of the id, which differs; the start is its time."""
        return f"…{self.posting_id[-10:]}"


@dataclass(frozen=True, slots=True)
class LedgerPage:
    tabs: tuple[Chip, ...]
    states: tuple[Chip, ...]
    fields: tuple[Field, ...]
    chosen: tuple[Chip, ...]
    rows: tuple[PostingLine, ...]
    kept: tuple[tuple[str, str], ...] = ()
    clear_url: str = ""
    next_url: str = ""
    first_url: str = ""
    post_url: str = ""
    export_url: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TAccount:
    code: str
    url: str
    currency: str
    debits: tuple[str, ...]
    credits: tuple[str, ...]
    debit_total: str
    credit_total: str


@dataclass(frozen=True, slots=True)
class PostingEntryLine:
    entry_id: str
    account: str
    account_url: str
    debit: str
    credit: str
    currency: str
    balance: str
    version: str


@dataclass(frozen=True, slots=True)
class LinkLine:
    """What a posting hangs together with."""

    name: str
    value: str
    url: str = ""
    copy: str = ""


@dataclass(frozen=True, slots=True)
class PostingView:
    posting_id: str
    purpose: str
    state: Mark
    money: str
    major: str
    currency: str
    words: str
    entries: tuple[PostingEntryLine, ...]
    t_accounts: tuple[TAccount, ...]
    totals: tuple[tuple[str, str, str], ...]
    links: tuple[LinkLine, ...]
    trust: TrustView
    proof: tuple[Proof, ...]
    hash: str
    verified: Mark
    content: str
    copyable: str
    undone: tuple[PostingLine, ...] = ()
    fx: tuple[Proof, ...] = ()
    reverse_url: str = ""
    correct_url: str = ""
    can_split: bool = False
    left: str = ""
    cannot: str = ""


@dataclass(frozen=True, slots=True)
class LineInput:
    """A line of the form for entries, as it was typed."""

    number: int
    account: str = ""
    debit: str = ""
    credit: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Consequence:
    """What an account would hold after a posting, beside what it holds now."""

    code: str
    url: str
    currency: str
    before: str
    after: str
    available: str
    change: str
    sign: Literal["pos", "neg", "none"] = "none"


@dataclass(frozen=True, slots=True)
class PreviewView:
    words: str
    entries: tuple[PostingEntryLine, ...]
    consequences: tuple[Consequence, ...]
    totals: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class EntriesForm:
    """The form for several entries: a posting of a person's own, or what a posting should have been."""

    title: str
    words: str
    action: str
    lines: tuple[LineInput, ...]
    currencies: tuple[Option, ...]
    effective: str = ""
    description: str = ""
    reference: str = ""
    reason: str = ""
    fx: tuple[Field, ...] = ()
    fx_open: bool = False
    is_correction: bool = False
    back_url: str = ""
    accounts: tuple[tuple[str, str], ...] = ()
    preview: PreviewView | None = None
    previewed: str = ""
    problem: str = ""
    problem_next: str = ""
