"""``manage.py alarms``: what is open, and taking one, from a terminal: also while no page answers."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from zentra.alarms.operations import acknowledge_alarm
from zentra.alarms.queries import list_alarms
from zentra.alarms.types import AlarmRecord
from zentra.core.actors import Actor
from zentra.core.clock import iso, now
from zentra.core.errors import DomainError
from zentra.core.tenancy import TenantRef, list_active, tenant_work
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import find_member, find_workspace


class Command(BaseCommand):
    """Lists every workspace, ``platform`` among them, unless one is named."""

    help = "List open alarms; with --acknowledge, take one in the name of a member."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", metavar="SLUG", help="only this one; platform is the installation's")
        parser.add_argument(
            "--acknowledge", metavar="ALARM", help="the alarm to take, alm_…; needs --workspace and --by"
        )
        parser.add_argument("--by", metavar="EMAIL", help="who takes it: a member who may")
        parser.add_argument("--note", default="", help="what they say")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["acknowledge"]:
            self._acknowledge(options)
            return
        workspaces = [_workspace(options["workspace"])] if options["workspace"] else list_active()
        found = [(ws, alarm) for ws in workspaces for alarm in _open(ws)]
        for ws, alarm in found:
            self.stdout.write(_line(ws, alarm))
        if not found:
            self.stdout.write("No alarm is open.")

    def _acknowledge(self, options: dict[str, Any]) -> None:
        if not options["workspace"] or not options["by"]:
            raise CommandError("--acknowledge needs --workspace and --by.")
        ws = _workspace(options["workspace"])
        try:
            with tenant_work(ws):
                alarm = acknowledge_alarm(
                    alarm_id=options["acknowledge"], actor=_actor(ws, options["by"]), note=options["note"], now=now()
                )
        except DomainError as refused:
            raise CommandError(refused.detail) from refused
        self.stdout.write(_line(ws, alarm))


def _open(ws: TenantRef) -> list[AlarmRecord]:
    with tenant_work(ws):
        return list(list_alarms(state="open", limit=500).rows)


def _workspace(slug: str) -> TenantRef:
    found = find_workspace(slug=slug)
    if found is None:
        raise CommandError(f"There is no workspace {slug!r}.")
    return found


def _actor(ws: TenantRef, email: str) -> Actor:
    """The member as an actor. Whoever may run this command on the machine answers for the name that they give."""
    member = find_member(email=email, slug=ws.slug)
    if member is None or not member.may(Permission.ALARMS_ACKNOWLEDGE):
        raise CommandError(f"{email} is no member of {ws.slug} who may acknowledge alarms.")
    return Actor(kind="user", id=member.user_id, role=member.role)


def _line(ws: TenantRef, alarm: AlarmRecord) -> str:
    by = f" by {alarm.acknowledged_by['id']}" if alarm.acknowledged_by else ""
    return f"{alarm.id}  {ws.slug}  {alarm.state}{by}  since {iso(alarm.bad_since)}  {alarm.headline}: {alarm.words}"
