"""View-models of the roles, teams and access review rooms."""

from dataclasses import dataclass

from console.types import Chip, Mark, Moment, Person, Proof
from console.types.ledger import Field


@dataclass(frozen=True, slots=True)
class RoleColumn:
    """A role across the matrix."""

    key: str
    name: str
    url: str
    is_custom: bool
    holders: int
    current: bool = False


@dataclass(frozen=True, slots=True)
class PermissionRow:
    """A permission down the matrix: in which roles it is, in their order."""

    name: str
    verb: str
    words: str
    is_dangerous: bool
    url: str
    current: bool
    cells: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class PermissionGroup:
    noun: str
    title: str
    rows: tuple[PermissionRow, ...]


@dataclass(frozen=True, slots=True)
class HolderRow:
    """Somebody who has it, and by which role."""

    name: str
    url: str
    by: str


@dataclass(frozen=True, slots=True)
class HoldersView:
    """Who may do one thing now."""

    permission: str
    words: str
    rows: tuple[HolderRow, ...]
    close_url: str


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """Two that must not meet in one person."""

    one: str
    other: str
    why: str


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A grant that takes two: what, for whom, asked by whom, and what this person may do about it."""

    change_id: str
    what: str
    subject: str
    subject_url: str
    asked_by: str
    reason: str
    dangers: tuple[str, ...]
    moment: Moment
    ends: Moment
    state: Mark
    decided: str = ""
    approve_url: str = ""
    refuse_url: str = ""
    withdraw_url: str = ""
    why_not: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class RolesPage:
    tabs: tuple[Chip, ...]
    columns: tuple[RoleColumn, ...]
    groups: tuple[PermissionGroup, ...]
    waiting: tuple[ChangeRow, ...]
    history: tuple[ChangeRow, ...]
    conflicts: tuple[ConflictRow, ...]
    permission_conflicts: tuple[ConflictRow, ...]
    holders: HoldersView | None
    new_url: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A permission as it is chosen."""

    name: str
    verb: str
    words: str
    is_dangerous: bool
    checked: bool
    is_locked: bool


@dataclass(frozen=True, slots=True)
class TickGroup:
    title: str
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class RoleCheck:
    """What a definition would mean, said while it is chosen."""

    count: int = 0
    taken_along: tuple[str, ...] = ()
    conflicts: tuple[ConflictRow, ...] = ()
    dangers: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()
    decides: str = ""
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VersionRow:
    version: int
    moment: Moment
    who: str
    added: str
    taken: str


@dataclass(frozen=True, slots=True)
class RolePage:
    """One role, or the form of a new one."""

    tabs: tuple[Chip, ...]
    key: str
    name: str
    words: str
    is_custom: bool
    state: Mark | None
    facts: tuple[Proof, ...]
    holders: tuple[HolderRow, ...]
    groups: tuple[TickGroup, ...]
    check: RoleCheck
    version: int = 0
    versions: tuple[VersionRow, ...] = ()
    waiting: tuple[ChangeRow, ...] = ()
    save_url: str = ""
    check_url: str = ""
    retire_url: str = ""
    reason: str = ""
    problem: str = ""
    problem_next: str = ""
    typed_key: str = ""


@dataclass(frozen=True, slots=True)
class TeamMemberRow:
    person: Person
    role: str
    checked: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class TeamRow:
    team_id: str
    name: str
    queue: str
    url: str
    cases_url: str
    people: str
    on_shift: str
    cases: int
    version: int


@dataclass(frozen=True, slots=True)
class TeamsPage:
    tabs: tuple[Chip, ...]
    rows: tuple[TeamRow, ...]
    add_url: str
    people: tuple[TeamMemberRow, ...]
    typed_name: str = ""
    typed_queue: str = "operations"
    problem: str = ""
    problem_next: str = ""


@dataclass(frozen=True, slots=True)
class TeamPage:
    tabs: tuple[Chip, ...]
    row: TeamRow
    facts: tuple[Proof, ...]
    people: tuple[TeamMemberRow, ...]
    save_url: str = ""
    remove_url: str = ""


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """A line of an access review."""

    line_id: str
    kind: str
    label: str
    url: str
    roles: str
    may: str
    may_all: str
    dangers: int
    facts: str
    facts_all: str
    mark: Mark | None
    said: str
    keep_url: str
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """An access review in the list."""

    review_id: str
    url: str
    state: Mark
    words: str
    started: Moment
    started_by: str
    signed: str
    sha256: str


@dataclass(frozen=True, slots=True)
class AccessReviewsPage:
    tabs: tuple[Chip, ...]
    rows: tuple[ReviewRow, ...]
    due: str
    is_due: bool
    start_url: str
    open_url: str


@dataclass(frozen=True, slots=True)
class AccessReviewPage:
    tabs: tuple[Chip, ...]
    row: ReviewRow
    facts: tuple[Proof, ...]
    kinds: tuple[Chip, ...]
    fields: tuple[Field, ...]
    lines: tuple[ReviewLine, ...]
    left: int
    version: int
    csv_url: str
    mark_url: str = ""
    rest_url: str = ""
    sign_url: str = ""
    abandon_url: str = ""
