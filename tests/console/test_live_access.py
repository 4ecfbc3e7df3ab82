"""A role that is taken away or changed ends open sockets within a second, with the heartbeat as it is."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import redis
from asgiref.sync import sync_to_async
from django.conf import settings

from console.live.access import access_watch
from tests.console.test_live_socket import hear, socket
from tests.people import join, leave_without_factor
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.members import news
from zentra.tenants.members.operations import remove_member, set_roles, set_shift
from zentra.tenants.models import SignInSession
from zentra.tenants.roles.operations import change_role_definition, create_role
from zentra.tenants.sessions.operations import end_sessions

if TYPE_CHECKING:
    from channels.testing import WebsocketCommunicator

    from tests.people import Person

AT_ONCE = 1.0


@sync_to_async
def remove(workspace: TenantRef, by: Person, whom: Person) -> None:
    with tenant_work(workspace):
        remove_member(workspace=workspace, user_id=whom.id, version=None, actor=by.actor(), now=now())


@sync_to_async
def change(workspace: TenantRef, by: Person, whom: Person, role: str) -> None:
    with tenant_work(workspace):
        set_roles(workspace=workspace, user_id=whom.id, roles=[role], version=None, actor=by.actor(), now=now())


@sync_to_async
def go_off_shift(workspace: TenantRef, whom: Person) -> None:
    with tenant_work(workspace):
        set_shift(workspace=workspace, user_id=whom.id, on_shift=False, actor=whom.actor(), now=now())


async def listening(live: WebsocketCommunicator) -> None:
    connected, _ = await live.connect()
    assert connected
    await asyncio.wait_for(access_watch().is_listening.wait(), 5)


async def ended_within(live: WebsocketCommunicator, since: float) -> float:
    assert await hear(live, "ended") == {"t": "ended"}
    closed = await live.receive_output(timeout=1)
    assert (closed["type"], closed["code"]) == ("websocket.close", 4403)
    return time.monotonic() - since


async def test_a_socket_ends_at_once_when_the_role_is_taken_away(
    workspace: TenantRef, admin: Person, operator: Person
) -> None:
    async with socket(workspace, operator) as live, socket(workspace, operator) as second:
        await listening(live)
        await listening(second)
        since = time.monotonic()
        await remove(workspace, admin, operator)
        assert await ended_within(live, since) < AT_ONCE
        assert await ended_within(second, since) < AT_ONCE


async def test_a_socket_of_another_role_ends_at_once_and_the_next_one_has_the_new_role(
    workspace: TenantRef, admin: Person, operator: Person
) -> None:
    async with socket(workspace, operator) as live:
        await listening(live)
        since = time.monotonic()
        await change(workspace, admin, operator, "auditor")
        assert await ended_within(live, since) < AT_ONCE
    async with socket(workspace, operator) as again:
        await listening(again)


@sync_to_async
def own_role(workspace: TenantRef, by: Person, *may: str, version: int = 0) -> None:
    """Make the role ``night``, or with a version say anew what it includes."""
    said = {"workspace": workspace, "key": "night", "name": "Night", "permissions": may, "actor": by.actor()}
    with tenant_work(workspace):
        if version:
            change_role_definition(version=version, now=now(), **said)  # type: ignore[arg-type]  # the words of one role
        else:
            create_role(now=now(), **said)  # type: ignore[arg-type]  # the words of one role


async def test_a_permission_that_leaves_a_role_ends_the_sockets_of_all_who_have_it_at_once(
    workspace: TenantRef, admin: Person, operator: Person
) -> None:
    await own_role(workspace, admin, "alarms.read", "events.read")
    await change(workspace, admin, operator, "night")
    async with socket(workspace, operator) as live, socket(workspace, admin) as unconcerned:
        await listening(live)
        await listening(unconcerned)
        since = time.monotonic()
        await own_role(workspace, admin, "alarms.read", version=1)
        assert await ended_within(live, since) < AT_ONCE
        while not await unconcerned.receive_nothing(timeout=0.5):
            assert json.loads(await unconcerned.receive_from())["t"] != "ended"
    async with socket(workspace, operator) as again:
        await listening(again)


@sync_to_async
def sessions_of(person: Person, **values: object) -> None:
    """Change the person's sessions, or with nothing forget them."""
    found = SignInSession.objects.filter(user_id=person.id)
    if values:
        found.update(**values)
    else:
        found.delete()


async def test_no_socket_opens_for_a_session_that_is_idle_over_ended_or_not_known(
    workspace: TenantRef, operator: Person
) -> None:
    at = now()
    wrong: list[dict[str, object]] = [
        {"last_seen_at": at - timedelta(minutes=31)},
        {"created_at": at - timedelta(hours=13)},
        {"ended_at": at},
        {},
    ]
    for values in wrong:
        async with socket(workspace, operator) as live:
            await sessions_of(operator, **values)
            connected, _ = await live.connect()
            assert not connected, values


async def test_a_session_that_no_page_was_asked_with_ends_with_its_socket(
    workspace: TenantRef, operator: Person
) -> None:
    async with socket(workspace, operator) as live:
        await listening(live)
        since = time.monotonic()
        ended = sync_to_async(end_sessions)(user_id=operator.id, reason="ended", actor=operator.actor(), now=now())
        assert await ended == 1
        assert await ended_within(live, since) < AT_ONCE


async def test_a_socket_ends_when_the_second_factor_is_gone(workspace: TenantRef, operator: Person) -> None:
    async with socket(workspace, operator) as live:
        await listening(live)
        await sync_to_async(leave_without_factor)(operator.user)
        await sync_to_async(news.announce_person)(user_id=operator.id)
        await hear(live, "ended")


async def test_others_and_their_other_workspaces_stay_connected(
    workspace: TenantRef, other_workspace: TenantRef, admin: Person, operator: Person, finance: Person
) -> None:
    @sync_to_async
    def join_there() -> None:
        from zentra.tenants.operations import add_member

        add_member(workspace_id=other_workspace.id, user=operator.user, role="auditor")

    await join_there()
    async with socket(workspace, finance) as others, socket(other_workspace, operator) as elsewhere:
        await listening(others)
        await listening(elsewhere)
        await remove(workspace, admin, operator)
        await go_off_shift(workspace, finance)
        for live in (others, elsewhere):
            while not await live.receive_nothing(timeout=0.5):
                assert json.loads(await live.receive_from())["t"] != "ended"


async def test_a_message_that_nobody_of_us_sent_ends_nothing(workspace: TenantRef, operator: Person) -> None:
    def say(*messages: Any) -> None:
        client = redis.Redis.from_url(settings.ZENTRA_REDIS_URL)
        for message in messages:
            client.publish(news.CHANNEL, message)

    async with socket(workspace, operator) as live:
        await listening(live)
        true_id = json.dumps({"workspace": str(workspace.id), "user": operator.id})
        await sync_to_async(say)("{", "[]", "null", '{"user": 1}', true_id)
        while not await live.receive_nothing(timeout=0.5):
            assert json.loads(await live.receive_from())["t"] != "ended"


async def test_what_was_said_while_nobody_listened_is_caught_up_with(
    workspace: TenantRef, admin: Person, operator: Person
) -> None:
    def disconnect_everybody() -> None:
        redis.Redis.from_url(settings.ZENTRA_REDIS_URL).execute_command("CLIENT", "KILL", "TYPE", "pubsub")

    @sync_to_async
    def remove_unheard() -> None:
        operator.user.memberships.all().delete()

    async with socket(workspace, operator) as live:
        await listening(live)
        await remove_unheard()
        await sync_to_async(disconnect_everybody)()
        await hear(live, "ended")


@sync_to_async
def crowd(workspace: TenantRef, count: int) -> list[Person]:
    return [join(workspace, role="operator") for _ in range(count)]


async def test_many_who_go_at_once_are_all_cut_off(workspace: TenantRef, admin: Person) -> None:
    people = await crowd(workspace, 6)
    lives = [socket(workspace, person) for person in people]
    opened = [await live.__aenter__() for live in lives]
    for each in opened:
        await listening(each)
    since = time.monotonic()
    for person in people:
        await remove(workspace, admin, person)
    for each in opened:
        assert await ended_within(each, since) < 3 * AT_ONCE
    for live in lives:
        await live.__aexit__(None, None, None)
