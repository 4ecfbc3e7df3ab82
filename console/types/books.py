"""View-models of the books as a whole: trial balance and health."""

from dataclasses import dataclass

from console.types import Chip, Mark, Moment


@dataclass(frozen=True, slots=True)
class TrialLine:
    account_id: str
    url: str
    code: str
    name: str
    kind: str
    state: Mark | None
    debit: str
    credit: str


@dataclass(frozen=True, slots=True)
class TrialGroup:
    title: str
    rows: tuple[TrialLine, ...]
    debit: str
    credit: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class TrialPage:
    tabs: tuple[Chip, ...]
    currencies: tuple[Chip, ...]
    currency: str
    at: str
    basis: str
    words: str
    groups: tuple[TrialGroup, ...]
    debit: str
    credit: str
    debit_major: str
    tied: Mark
    csv_url: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class DriftLine:
    currency: str
    url: str
    drift: str
    resum: str
    entries: str
    accounts: str
    waiting: str
    age: str
    state: Mark


@dataclass(frozen=True, slots=True)
class CheckLine:
    check_id: str
    state: Mark
    by: str
    postings: str
    entries: str
    accounts: str
    took: str
    moment: Moment
    stamp: str


@dataclass(frozen=True, slots=True)
class FindingLine:
    """What one check found, with its first divergent row."""

    title: str
    count: str
    sentences: tuple[str, ...]
    url: str
    subject: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class HealthPage:
    tabs: tuple[Chip, ...]
    drift: tuple[DriftLine, ...]
    latest: CheckLine | None
    findings: tuple[FindingLine, ...]
    checks: tuple[str, ...]
    runs: tuple[CheckLine, ...]
    check_url: str = ""
    poll_url: str = ""
