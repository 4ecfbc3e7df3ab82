"""One case, beside the queue and on its own page: why it is here, what a decision would do, who did what."""

from dataclasses import dataclass
from typing import Literal

from console.types import Mark, Moment, MoneyView, Person, TrustView

Act = Literal["", "approve", "decline", "resolve", "escalate", "snooze", "hand-over", "note", "attach"]


@dataclass(frozen=True, slots=True)
class ClaimView:
    """Who works on the case, and until when if nothing happens."""

    by: str
    is_mine: bool
    until_iso: str
    left: str
    renew_url: str = ""
    release_url: str = ""


@dataclass(frozen=True, slots=True)
class AlertView:
    """One reason why the case is here. A hit that a person settles has ``resolve_url``; so has a rule that says more
    against it than at first (``is_change``), until somebody has read it."""

    alert_id: str
    name: str
    kind: str
    words: str
    figure: str
    mark: Mark
    detail: tuple[str, ...] = ()
    settled: str = ""
    url: str = ""
    resolve_url: str = ""
    is_change: bool = False


@dataclass(frozen=True, slots=True)
class ConsequenceRow:
    """A line of the account before and after."""

    title: str
    amount: str
    sign: Literal["", "pos", "neg"] = ""


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    place: str
    who: str
    role: str
    at: str
    iso: str
    reason: str
    note: str
    counts: bool = True


@dataclass(frozen=True, slots=True)
class NoteRow:
    note_id: str
    author: str
    at: Moment
    parts: tuple[tuple[str, bool], ...]  # the text in pieces, and whether a piece is a mention


@dataclass(frozen=True, slots=True)
class FileRow:
    attachment_id: str
    name: str
    size: str
    type: str
    by: str
    at: Moment
    sha256: str
    url: str


@dataclass(frozen=True, slots=True)
class RelatedRow:
    """An earlier case of the same customer, party or payee."""

    review_id: str
    url: str
    subject: str
    reason: str
    why: str
    mark: Mark
    at: Moment
    money: MoneyView | None = None


@dataclass(frozen=True, slots=True)
class CaseStep:
    what: str
    words: str
    who: str
    at: str
    iso: str
    tone: str = "quiet"


@dataclass(frozen=True, slots=True)
class Choice:
    """A reason or outcome code as people read it; ``key`` is the digit that chooses it."""

    code: str
    words: str
    key: str = ""
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class CaseForm:
    """A dialog of the case. ``typed`` is what came back after a refusal, ``problem`` why it came back."""

    act: Act
    title: str
    verb: str
    url: str
    words: str = ""
    key: str = ""
    codes: tuple[Choice, ...] = ()
    outcomes: tuple[Choice, ...] = ()
    people: tuple[Person, ...] = ()
    times: tuple[Choice, ...] = ()
    asks_code: bool = False
    enrol_url: str = ""
    typed: str = ""
    person: str = ""
    problem: str = ""
    problem_next: str = ""
    is_open: bool = False
    is_primary: bool = False
    is_warning: bool = False
    open_url: str = ""
    upload_hint: str = ""
    placeholder: str = ""


@dataclass(frozen=True, slots=True)
class CaseView:
    """Everything about one case that a person needs to decide it, ready to print."""

    review_id: str
    kind: str
    head: str
    subject: str
    subject_url: str
    page_url: str
    words: str
    mark: Mark
    owner: str
    queue: str
    version: int
    alerts: tuple[AlertView, ...]
    rule_set: str
    due_iso: str
    due_text: str
    due_title: str
    due_level: str
    money: MoneyView | None = None
    about: tuple[tuple[str, str, str], ...] = ()  # name, words, address: what a case without an intent is about
    trace_url: str = ""
    account: str = ""
    account_url: str = ""
    consequences: tuple[ConsequenceRow, ...] = ()
    approvals: tuple[ApprovalRow, ...] = ()
    needed: int = 1
    approvals_words: str = ""
    given: int = 0
    claim: ClaimView | None = None
    claim_url: str = ""
    wake_url: str = ""
    snoozed: str = ""
    escalated: str = ""
    notes: tuple[NoteRow, ...] = ()
    files: tuple[FileRow, ...] = ()
    related: tuple[RelatedRow, ...] = ()
    steps: tuple[CaseStep, ...] = ()
    forms: tuple[CaseForm, ...] = ()
    note_form: CaseForm | None = None
    attach_form: CaseForm | None = None
    cannot: str = ""
    decided: str = ""
    decided_reason: str = ""
    conflict: str = ""
    typed: str = ""
    close_url: str = ""
    then: str = ""
    members: tuple[Person, ...] = ()
    trust: TrustView | None = None


@dataclass(frozen=True, slots=True)
class CasePage:
    case: CaseView
    back_url: str
    me: str
