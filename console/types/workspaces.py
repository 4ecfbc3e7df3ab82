"""View-models of the platform's rooms, of a workspace's settings, and of staff who look in."""

from dataclasses import dataclass

from console.types import Chip, Mark, Moment, Proof, Tone
from console.types.exports import WholeExports


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


@dataclass(frozen=True, slots=True)
class RateInput:
    """One pair of inputs: how many a second and how many at once, and what is usual where nothing is typed."""

    name: str
    title: str
    per_second: str
    burst: str
    usual_per_second: str
    usual_burst: str


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    title: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class SettingField:
    """A setting as it is typed. ``was`` is what stood when the form was opened; ``now`` what others made of it."""

    name: str
    title: str
    words: str
    kind: str
    unit: str
    bounds: str
    value: str
    was: str
    usual: str
    is_own: bool
    choices: tuple[Choice, ...] = ()
    rates: tuple[RateInput, ...] = ()
    error: str = ""
    now: str = ""


@dataclass(frozen=True, slots=True)
class SettingGroup:
    title: str
    fields: tuple[SettingField, ...]


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What somebody else changed while a form was open."""

    title: str
    before: str
    after: str
    who: str
    moment: Moment


@dataclass(frozen=True, slots=True)
class SettingsPage:
    tabs: tuple[Chip, ...]
    facts: tuple[Proof, ...]
    groups: tuple[SettingGroup, ...]
    version: int
    save_url: str
    reason: str = ""
    problem: str = ""
    meanwhile: tuple[Meanwhile, ...] = ()
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SettingTurn:
    """One version of the settings: what changed in it, who did it, and why."""

    version: int
    who: str
    reason: str
    moment: Moment
    rows: tuple[Meanwhile, ...]


@dataclass(frozen=True, slots=True)
class SettingHistoryPage:
    tabs: tuple[Chip, ...]
    turns: tuple[SettingTurn, ...]
    names: tuple[Choice, ...]
    next_url: str
    first_url: str


@dataclass(frozen=True, slots=True)
class WorkspaceRow:
    """A workspace in the platform's list: what it is, how many use it, how it runs."""

    slug: str
    url: str
    name: str
    mode: str
    state: Mark
    twin: str
    twin_url: str
    people: str
    keys: str
    schema: Mark | None
    queue: str
    queue_late: bool
    drift: str
    drift_bad: bool
    sealed: str
    sealed_note: str
    sealed_late: bool
    made: Moment


@dataclass(frozen=True, slots=True)
class JobView:
    """A workspace that is being made or ended: its steps, and what went wrong."""

    job_id: str
    url: str
    title: str
    slug: str
    state: Mark
    percent: int
    steps: tuple[tuple[str, str], ...]
    now: str
    error: str
    is_open: bool
    is_done: bool
    moment: Moment
    workspace_url: str
    retry_url: str = ""
    room_url: str = ""


@dataclass(frozen=True, slots=True)
class WorkspacesPage:
    states: tuple[Chip, ...]
    rows: tuple[WorkspaceRow, ...]
    jobs: tuple[JobView, ...]
    search: str
    state: str
    new_url: str
    next_url: str
    first_url: str


@dataclass(frozen=True, slots=True)
class NewWorkspacePage:
    """What is asked for, as it was typed, with what is wrong at which field."""

    slug: str
    name: str
    mode: str
    currency: str
    admin_email: str
    currencies: tuple[str, ...]
    errors: dict[str, str]
    action: str
    back_url: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A change of state that this person may make now."""

    verb: str
    words: str
    url: str
    is_primary: bool = False
    needs_reason: bool = False
    needs_slug: bool = False


@dataclass(frozen=True, slots=True)
class PlatformEvent:
    """A fact of the platform's own log: of a workspace as a whole, of staff, of sign-in."""

    event_id: str
    type: str
    title: str
    tone: Tone
    who: str
    detail: str
    time: str
    iso: str


@dataclass(frozen=True, slots=True)
class WorkspacePage:
    row: WorkspaceRow
    facts: tuple[Proof, ...]
    version: int
    turns: tuple[Turn, ...]
    reasons: tuple[Choice, ...]
    enter_url: str
    twin_post_url: str
    history: tuple[PlatformEvent, ...]
    grants: tuple[GrantRow, ...]
    jobs: tuple[JobView, ...]
    exports: WholeExports | None = None


@dataclass(frozen=True, slots=True)
class MailRow:
    """An outgoing mail: never what it says, which may hold a link that is a way in."""

    mail_id: str
    to: str
    title: str
    state: Mark
    workspace: str
    attempts: str
    error: str
    moment: Moment
    sent: str
    again_url: str


@dataclass(frozen=True, slots=True)
class MailPage:
    rows: tuple[MailRow, ...]
    counts: tuple[tuple[str, str], ...]
    is_sent: bool
    next_url: str
    first_url: str


@dataclass(frozen=True, slots=True)
class SignInsPage:
    """What the platform's log says of sign-in and of refused attempts that belong to no workspace."""

    chips: tuple[Chip, ...]
    rows: tuple[PlatformEvent, ...]
    next_url: str
    first_url: str


@dataclass(frozen=True, slots=True)
class SetupPage:
    """Whose password a set-up link sets."""

    email: str
    name: str
    weigh_url: str
