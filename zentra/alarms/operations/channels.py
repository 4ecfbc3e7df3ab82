"""Who is told: channels are added, tried and removed by people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from webhooks import signing
from webhooks.queries import allows_local, check_url
from zentra.alarms import store
from zentra.alarms.kinds import EVERY_KIND, find_kind
from zentra.alarms.models import Channel, Notice
from zentra.alarms.operations.telling import queue_test
from zentra.alarms.types import ChannelKind, ChannelRecord, CreatedChannel, NoticeRecord
from zentra.core import crypto, ids
from zentra.core.actors import Actor
from zentra.core.errors import DomainError

LONGEST_ADDRESS: Final = 254
LONGEST_WHO: Final = 120


class InvalidMailAddress(DomainError):
    """The target of a mail channel is not one plain mail address."""

    code = "invalid_mail_address"
    status = 422
    title = "This is not a mail address"


class ChannelExists(DomainError):
    """An active channel has this target already; change it by removing it first."""

    code = "channel_exists"
    status = 409
    title = "This target is told already"


def add_channel(
    *,
    kind: ChannelKind,
    target: str,
    kinds: Sequence[str],
    actor: Actor,
    now: datetime,
    who: str = "",
    secret: str | None = None,
) -> CreatedChannel:
    """Have alarms of these kinds (``*``: all) told to a mail address or a URL, from the next alarm on.

    ``who`` is whose it is, in words. ``secret`` is for those who bring their own ``whsec_``; else a webhook gets a new
    one, which is shown once.

    Raises:
        InvalidMailAddress: not one plain address.
        InvalidEndpointUrl, AddressRefused: the URL cannot be called.
        UnknownAlarmKind: a kind that there is not, or none at all.
        UnusableSecret: the caller's secret is malformed.
        ChannelExists: an active channel has this target.
    """
    wanted = _check_kinds(kinds)
    checked = _check_target(kind, target)
    whsec = None if kind == "mail" else signing.check_secret(secret) if secret else signing.new_secret()
    row = Channel(
        id=ids.new_id("chn"), kind=kind, target=checked, who=who.strip()[:LONGEST_WHO], kinds=wanted,
        secret=crypto.encrypt(whsec.encode()) if whsec else b"", created_by=actor.as_dict(), created_at=now,
    )  # fmt: skip
    with transaction.atomic(savepoint=False):
        _insert(row)
        _record("alarm.channel_added", row, actor, now)
    return CreatedChannel(channel=store.channel_record(row), secret=whsec)


def remove_channel(*, channel_id: str, actor: Actor, now: datetime) -> ChannelRecord:
    """Tell this channel nothing more; what waits to be sent to it is dropped. Raises ChannelNotFound, BadId."""
    with transaction.atomic(savepoint=False):
        row = store.active_channel(channel_id)
        if Channel.objects.filter(id=row.id, state="active").update(state="removed", removed_at=now) != 1:
            raise store.ChannelNotFound(f"There is no channel {channel_id}.")
        Notice.objects.filter(channel=row, state="queued").update(
            state="dropped", error="the channel was removed", next_at=None, done_at=now, claim_id=None,
            claimed_until=None,
        )  # fmt: skip
        row.refresh_from_db()
        _record("alarm.channel_removed", row, actor, now)
    return store.channel_record(row)


def test_channel(*, channel_id: str, actor: Actor, now: datetime) -> NoticeRecord:  # noqa: ARG001  # asked by name at every door
    """Queue a message that only shows that the channel works. Raises ChannelNotFound, BadId."""
    with transaction.atomic(savepoint=False):
        notice_id = queue_test(channel=store.active_channel(channel_id), now=now)
        row = Notice.objects.select_related("channel", "alarm").get(id=notice_id)
    return store.notice_record(row)


def _check_kinds(kinds: Sequence[str]) -> list[str]:
    if EVERY_KIND in kinds:
        return [EVERY_KIND]
    names = list(dict.fromkeys(kinds)) or [""]
    return [find_kind(name).name for name in names]


def _check_target(kind: ChannelKind, target: str) -> str:
    if kind == "webhook":
        return check_url(target, allow_local=allows_local())
    address = target.strip()
    if len(address) > LONGEST_ADDRESS or not address.isascii() or not address.isprintable():
        raise InvalidMailAddress("A mail address is at most 254 plain characters.")
    try:
        validate_email(address)
    except ValidationError:
        raise InvalidMailAddress(f"{address!r} is not a mail address.") from None
    return address


def _insert(row: Channel) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise ChannelExists("An active channel has this target.") from None


def _record(event: str, row: Channel, actor: Actor, now: datetime) -> None:
    # Never the target: an address is personal, and leaves are for ever.
    data: dict[str, object] = {"channel_id": row.id, "kind": row.kind, "kinds": list(row.kinds)}
    record_events(events=[NewEvent(type=event, actor=actor, data=data)], now=now)
