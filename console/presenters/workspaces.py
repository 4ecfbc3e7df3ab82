"""Workspaces as the platform's staff see them: what they are, how they run, what is being made."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, cast

from console.marks import event_tone, mark
from console.presenters.events import ReadEvent
from console.presenters.words import NONE, age, clock, dated, grouped, moment
from console.types import Mark, Proof
from console.types.workspaces import Choice, JobView, PlatformEvent, Turn, WorkspaceRow
from console.views.closed import REASONS
from evidence.catalogue import CATALOGUE
from evidence.types import RecordedEvent
from zentra.core.clock import iso
from zentra.tenants.health import WorkspaceHealth
from zentra.tenants.provisioning.jobs import DELETING_STEPS
from zentra.tenants.provisioning.operations import MAKING_STEPS
from zentra.tenants.provisioning.types import JobRecord, WorkspaceRecord

HERE: Final = "/platform/workspaces/"
JOBS: Final = "/platform/jobs/"
LATE_SECONDS: Final = 60
_STATES: Final = {"active": "live", "suspended": "held", "archived": "pending", "deleted": "canceled"}
_JOB_STATES: Final = {"waiting": "queued", "running": "importing", "done": "finished", "failed": "failed"}


def state_mark(state: str) -> Mark:
    """How a workspace stands."""
    return mark(_STATES.get(state, "pending"), says=state)


def workspace_row(record: WorkspaceRecord, *, health: WorkspaceHealth | None, now: datetime) -> WorkspaceRow:
    """One workspace, and how it runs where that is known."""
    due = health.oldest_due_seconds if health else None
    lag = health.sealed_lag_seconds if health else None
    return WorkspaceRow(
        slug=record.slug,
        url=f"{HERE}{record.slug}/",
        name=record.name,
        mode=record.mode,
        state=state_mark(record.state),
        twin=record.twin_slug,
        twin_url=f"{HERE}{record.twin_slug}/" if record.twin_slug else "",
        people=grouped(record.people),
        keys=grouped(record.keys),
        schema=_schema(health),
        queue=NONE if health is None else _seconds(due) if due else "0",
        queue_late=bool(due and due > LATE_SECONDS),
        drift=NONE if health is None else ", ".join(health.drift) or "0",
        drift_bad=bool(health and health.drift),
        sealed=NONE if health is None else f"#{grouped(health.sealed_size)}",
        sealed_note=f"{_seconds(lag)} behind" if lag else "nothing waits" if health else "",
        sealed_late=bool(lag and lag > LATE_SECONDS),
        made=moment(record.created_at, now),
    )


def _schema(health: WorkspaceHealth | None) -> Mark | None:
    if health is None:
        return None
    return mark("passed", says="at head") if health.schema_at_head else mark("failed", says="behind")


def _seconds(seconds: float | None) -> str:
    return age(timedelta(seconds=seconds or 0))


def workspace_facts(record: WorkspaceRecord, *, by: str) -> tuple[Proof, ...]:
    """What a workspace is; why it is closed, where it is."""
    facts = [
        Proof("id", record.public_id, record.public_id),
        Proof("short name", record.slug, record.slug),
        Proof("mode", record.mode),
        Proof("ledger currency", record.ledger_currency),
        Proof("made", f"{dated(record.created_at)} UTC"),
        Proof("people", grouped(record.people)),
        Proof("keys in use", grouped(record.keys)),
    ]
    if record.suspended_at and record.state in ("suspended", "archived"):
        reason = record.suspension_reason
        facts.append(Proof("suspended", f"{dated(record.suspended_at)} UTC by {by or NONE}"))
        facts.append(Proof("reason", f"{reason} · {REASONS[reason]}" if reason in REASONS else reason or NONE))
    if record.archived_at:
        facts.append(Proof("archived", f"{dated(record.archived_at)} UTC"))
    if record.delete_after and record.state == "archived":
        facts.append(Proof("deleted after", f"{dated(record.delete_after)} UTC"))
    if record.deleted_at:
        facts.append(Proof("deleted", f"{dated(record.deleted_at)} UTC"))
    return tuple(facts)


def turns_of(record: WorkspaceRecord) -> tuple[Turn, ...]:
    """The changes of state that make sense now."""
    here = f"{HERE}{record.slug}/"
    suspend = Turn(
        "Suspend",
        "People and keys are refused at once. Callbacks and what is under way go on, so that no money hangs.",
        f"{here}suspend/",
        needs_reason=True,
    )
    archive = Turn(
        "Archive",
        "Nobody enters any more, and after the days of its settings all its data is deleted for good.",
        f"{here}archive/",
        needs_slug=True,
    )
    resume = Turn("Resume", "People and keys are let in again, at once.", f"{here}resume/", is_primary=True)
    restore = Turn(
        "Take out of the archive", "It is not deleted, and is suspended until it is resumed.", f"{here}restore/"
    )
    return {"active": (suspend, archive), "suspended": (resume, archive), "archived": (restore,)}.get(record.state, ())


def reasons() -> tuple[Choice, ...]:
    """Why a workspace is suspended; its members read it."""
    return tuple(Choice(code, f"{code}: {words}", code == "request") for code, words in REASONS.items())


def job_view(job: JobRecord, *, now: datetime) -> JobView:
    """A workspace that is being made or ended."""
    names = DELETING_STEPS if job.kind == "delete" else MAKING_STEPS
    done = len(names) if job.state == "done" else job.step
    states = [
        "done" if at < done else "now" if at == done and job.state == "running" else "todo" for at in range(len(names))
    ]
    what = {"create": "Making", "twin": "Making the live twin", "delete": "Deleting"}[job.kind]
    return JobView(
        job_id=job.id,
        url=f"{JOBS}{job.id}/",
        title=f"{what} {job.name or job.slug}",
        slug=job.slug,
        state=mark(_JOB_STATES[job.state], says=job.state),
        percent=100 * done // len(names),
        steps=tuple(zip(names, states, strict=True)),
        now=_job_words(job, names, done),
        error=job.error,
        is_open=job.is_open,
        is_done=job.state == "done",
        moment=moment(job.created_at, now),
        workspace_url=f"{HERE}{job.slug}/" if job.state == "done" else "",
        retry_url=f"{JOBS}{job.id}/retry/" if job.state == "failed" and job.kind != "delete" else "",
    )


def _job_words(job: JobRecord, names: Sequence[str], done: int) -> str:
    if job.state == "waiting":
        return "Waits for the provisioner" + (f"; tried {job.attempts} times" if job.attempts else "")
    if job.state == "running":
        return names[min(done, len(names) - 1)]
    took = (job.ended_at - (job.started_at or job.created_at)).total_seconds() if job.ended_at else 0.0
    return f"Done in {took:.1f} s" if job.state == "done" else "Failed; nothing of it is left"


def platform_event(event: RecordedEvent, *, names: Mapping[str, str]) -> PlatformEvent:
    """A fact of the platform's log."""
    read = ReadEvent(event)
    known = CATALOGUE.get(read.name)
    return PlatformEvent(
        event_id=event.id,
        type=read.name,
        title=known.title if known else read.name,
        tone=event_tone(read.name),
        who=names.get(read.actor_id, read.who),
        detail=_detail(read),
        time=f"{read.at:%d %b} {clock(read.at)}",
        iso=iso(read.at),
    )


def _detail(read: ReadEvent) -> str:
    data = cast("dict[str, object]", read.data)
    shown = ("reason", "action", "surface", "slug", "role", "minutes", "by", "delete_after", "mode")
    return " · ".join(f"{name} {data[name]}" for name in shown if data.get(name) not in (None, ""))
