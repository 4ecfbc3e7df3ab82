"""View-models of the People room and of the page where a new person sets the password."""

from dataclasses import dataclass

from console.types import Chip, Mark, Moment, Proof
from console.types.ledger import Option
from console.types.roles import ChangeRow
from console.types.step_up import SessionRow


@dataclass(frozen=True, slots=True)
class MemberRow:
    user_id: str
    url: str
    name: str
    email: str
    is_me: bool
    role: str
    also: str
    shift: Mark
    factor: Mark
    seen: Moment | None
    note: str
    shift_url: str
    shift_to: str
    shift_says: str


@dataclass(frozen=True, slots=True)
class RoleOption:
    """A role as it is chosen: what its people do."""

    value: str
    words: str
    chosen: bool = False
    also: bool = False
    name: str = ""
    is_dangerous: bool = False
    apart: str = ""


@dataclass(frozen=True, slots=True)
class PeoplePage:
    tabs: tuple[Chip, ...]
    roles: tuple[Chip, ...]
    rows: tuple[MemberRow, ...]
    add_url: str
    options: tuple[RoleOption, ...]


@dataclass(frozen=True, slots=True)
class MemberPage:
    row: MemberRow
    facts: tuple[Proof, ...]
    may: tuple[Option, ...]
    version: int
    options: tuple[RoleOption, ...]
    waiting: tuple[ChangeRow, ...]
    conflicts: tuple[str, ...]
    roles_words: str
    role_url: str
    remove_url: str
    link_url: str
    why_not: str
    sessions: tuple[SessionRow, ...] = ()
    sessions_url: str = ""


@dataclass(frozen=True, slots=True)
class InvitationPage:
    """The link of a new person, shown once."""

    name: str
    email: str
    link: str
    days: int
    people_url: str


@dataclass(frozen=True, slots=True)
class WelcomePage:
    """Where a new person sets the password."""

    email: str
    error: str = ""
