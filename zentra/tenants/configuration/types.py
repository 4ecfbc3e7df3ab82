"""What configuration hands out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from zentra.core.rates import Policy

Posture = Literal["review", "decline"]
Kind = Literal["whole", "switch", "choice", "zone", "roles", "domains", "rates"]
"""How a setting is typed: a whole number, on or off, one of some words, a time zone, role keys, mail domains, rates."""


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """All settings of a workspace as they stand, defaults filled in. Names are those of ``table.SETTINGS``."""

    time_zone: str
    review_hours_operations: int
    review_hours_compliance: int
    review_lease_minutes: int
    policy_failure: Posture
    sync_deadline_seconds: int
    webhook_history_days: int
    verify_webhook_endpoints: bool
    idle_minutes: int
    session_hours: int
    second_factor_roles: frozenset[str]
    allowed_email_domains: frozenset[str]
    denial_burst: int
    rate_policies: Mapping[str, Policy]
    exception_hours: int
    match_approval_minor: int
    write_off_limit_minor: int
    undo_approval_minor: int
    explain_approval_minor: int
    cut_off_hour: int
    deletion_days: int


@dataclass(frozen=True, slots=True)
class SettingDifference:
    """One setting that differs: as it is stored, None for the default."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """What a change did. ``changes`` is empty when everything stood so already."""

    version: int
    changes: tuple[SettingDifference, ...]


@dataclass(frozen=True, slots=True)
class SettingView:
    """One setting for a page or an answer: as stored (None for the default), and as it counts, JSON-able."""

    name: str
    group: str
    title: str
    words: str
    kind: Kind
    unit: str
    least: int | None
    most: int | None
    choices: tuple[str, ...]
    stored: Any
    value: Any
    default: Any
    said: str
    """The value in words."""


@dataclass(frozen=True, slots=True)
class SettingChangeRecord:
    """One row of the history. ``by`` is ``usr_…``, ``key_…`` or a service."""

    id: str
    version: int
    name: str
    title: str
    before: Any
    after: Any
    before_said: str
    after_said: str
    by: str
    reason: str
    at: datetime
