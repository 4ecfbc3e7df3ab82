"""View-models of the platform's rooms, of a workspace's settings, and of staff who look in."""

from dataclasses import dataclass

from console.types import Chip, Mark, Moment, Proof


@dataclass(frozen=True, slots=True)
class ClosedPage:
    """A workspace that nobody enters now."""

    name: str
    mode: str
    is_archived: bool
    since: str
    by: str
    code: str
    reason: str
    deleted_after: str


@dataclass(frozen=True, slots=True)
class GrantRow:
    """One access of the platform's staff to a workspace."""

    grant_id: str
    name: str
    email: str
    role: str
    reason: str
    reference: str
    workspace: str
    workspace_url: str
    state: Mark
    starts: Moment
    ends: str
    left: str
    ended: str
    acts: str
    acts_url: str
    end_url: str


@dataclass(frozen=True, slots=True)
class StaffPage:
    """Who of the platform's staff is or was here."""

    rows: tuple[GrantRow, ...]
    inside: int
    next_url: str
    first_url: str
    may_end: bool = False
    tabs: tuple[Chip, ...] = ()
    facts: tuple[Proof, ...] = ()
