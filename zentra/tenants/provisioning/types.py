"""What provisioning hands out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from zentra.core import ids
from zentra.core.tenancy import Mode, TenantRef

JobKind = Literal["create", "twin", "delete"]
JobState = Literal["waiting", "running", "done", "failed"]
WorkspaceState = Literal["active", "suspended", "archived", "deleted"]


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A workspace to make or to end. ``step`` of ``steps`` are done; ``error`` is a sentence for people.

    ``workspace_id`` is the id that the workspace has once it is there.
    """

    id: str
    kind: JobKind
    slug: str
    name: str
    mode: Mode
    ledger_currency: str
    workspace_id: UUID
    twin_of: UUID | None
    admin_id: str
    requested_by: str
    state: JobState
    step: int
    steps: int
    step_name: str
    error: str
    attempts: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it still waits or runs."""
        return self.state in ("waiting", "running")


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that this process has taken. Every step it reports is refused once somebody else has it."""

    job: JobRecord
    claim_id: UUID


@dataclass(frozen=True, slots=True)
class WorkspaceRecord:
    """A workspace as the platform's staff see it: no content of its own, only what it is and how many use it."""

    id: UUID
    slug: str
    name: str
    schema: str
    mode: Mode | Literal["platform"]
    state: WorkspaceState
    ledger_currency: str
    version: int
    created_at: datetime
    twin_of: UUID | None
    twin_slug: str
    """Of a sandbox: the short name of its live twin; of a live twin: its sandbox's; else empty."""
    suspended_at: datetime | None
    suspended_by: str
    suspension_reason: str
    archived_at: datetime | None
    delete_after: datetime | None
    deleted_at: datetime | None
    people: int
    keys: int

    @property
    def public_id(self) -> str:
        """``ws_…``."""
        return ids.to_public("ws", self.id)

    @property
    def ref(self) -> TenantRef:
        """The workspace as the switch wants it."""
        mode: Mode = "live" if self.mode == "live" else "sandbox"
        return TenantRef(self.id, self.slug, self.schema, mode, self.ledger_currency)
