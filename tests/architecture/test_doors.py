"""A door without a permission fails the build: pages, API operations, sockets, work of the queue, wake-ups."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from ninja.operation import PathView

from console.live.routing import websocket_urlpatterns
from zentra.api.v1 import build_api
from zentra.core import marks
from zentra.core.queue import registry
from zentra.core.queue.broker import app
from zentra.tenants.access import PUBLIC, SIGNED_IN, require, required_permission
from zentra.tenants.permissions import (
    API_SCOPES,
    DANGEROUS,
    PERMISSIONS,
    PLATFORM_PERMISSIONS,
    PLATFORM_SCOPES,
    Permission,
)

# Open to everybody, each for a reason; another one is a decision and is written here.
OPEN_PAGES = {
    "healthz",
    "readyz",
    "sign-in/",
    "sign-in/second-step/",
    # Who forgot the password is nobody yet: the answer tells nothing, and the link that is mailed works once.
    "sign-in/forgotten/",
    # A passkey instead of a password: what the browser is asked, and its answer, which proves itself.
    "passkey/options/",
    "sign-in/passkey/",
    "sign-in/reset/<str:user_id>/<str:token>/",
    "sign-out/",
    # A new person sets the first password, by a signed link that works once.
    "welcome/<str:user_id>/<str:token>/",
    # The first admin of an installation sets the password, by a link that works once; what is typed is weighed.
    "setup/<str:token>/",
    "setup/<str:token>/strength/",
    "v1/^.*$",
    # Whoever verifies our tokens, or sets up a client: public keys and addresses.
    ".well-known/jwks.json",
    ".well-known/oauth-authorization-server",
}
OPEN_OPERATIONS = {
    "callbacks.receive",
    "contract.get_contract",
    "event_types.get",
    "event_types.list_all",
    # The client proves itself in the request, by a secret or a certificate.
    "oauth.revoke",
    "oauth.token",
    "webhook_keys.get",
}
UNASKED = {
    # They ask where they write: trying, previewing and adding lines change nothing.
    "post.post": "_preview_or_write",
    "post.correct": "_preview_or_write",
    # What stops, or holds for longer, lets no money go.
    "holds.extend": "what is held stays held",
    "imports.cancel": "what was not written yet is not",
    "watchlists.cancel": "the live version stays",
    "watchlists.discard": "the live version stays",
    "staff.end_theirs": "an admin sends somebody away at once",
    # Words, and work that is asked for; nothing is decided by them.
    "holds.review": "a note",
    "rails.poll": "the rail is asked for what we missed",
    "party_acts.screen": "the party is compared anew",
    "screenings.start": "all parties are compared anew",
    "watchlists.add": "a list without an active version names nobody",
    "watchlists.start": "a version counts once it is activated, with a code",
    # The desk: who works on a case. Deciding it asks.
    "review.claim": "who works on it",
    "review.renew": "who works on it",
    "review.release": "who works on it",
    "review.escalate": "who works on it",
    "review.snooze": "who works on it",
    "reviews.take_next": "who works on it",
    "teams.add": "who works on it: a team gives no permission",
    "teams.save": "who works on it: a team gives no permission",
    "teams.remove": "who works on it: a team gives no permission",
    # What a hit is; nobody clears one of a party that they wrote down, and taking a confirmed one back asks.
    "review.settle": "deciding the case asks",
    "party_acts.resolve": "the same word, where there is no case",
    # A review counts once it is signed, with a code.
    "access_review.start": "signing asks",
    "access_review.mark_one": "signing asks",
    "access_review.mark_rest": "signing asks",
    "access_review.abandon": "signing asks",
    # Reconciliation moves no money: what posts an adjustment, forces a match, or signs, asks.
    "recon_account_forms.open_one": "files are compared with the ledger from now on",
    "recon_account_forms.change": "how files name the account",
    "recon_account_forms.run": "the rules are run anew",
    "recon_matches.decline": "what was proposed is open again",
    "exceptions.assign_several": "who works on it",
    "exception_acts.take": "who works on it",
    "exception_acts.assign": "who works on it",
    "exception_acts.note": "a note",
    "exception_acts.attach": "a file",
    "exception_acts.match": "both sides agree to the minor unit",
    "exception_acts.decline_explanation": "it is open again",
    "recon_matches.keep": "what is matched stays",
    "exception_acts.reopen": "it is worked on again",
    "exception_acts.dispute": "the provider is asked",
    "exception_acts.adjust": "letting it through asks, of somebody else",
    "exception_acts.write_off": "letting it through asks, of somebody else",
    "exception_acts.decline_adjustment": "nothing is posted",
    "closeout_periods.refresh": "figures are computed anew",
    "closeout_tasks.assign_task": "who does it",
    "closeout_tasks.finish_task": "locking asks",
    "closeout_tasks.undo_task": "locking asks",
    "closeout_periods.decline_reopen": "it stays locked",
    "closeout_packets.seal_packet": "what is there is sealed",
    "closeout_books.save_gl_account": "a name in an export",
}
"""Forms of a dangerous permission without ``step_up=True``, and why."""
NOBODY_S = {"api-root"}
"""django-ninja's own address of the API's root, which only ever answers 404."""


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every address, included ones too."""
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from patterns(each, prefix + str(each.pattern))
        else:
            yield prefix + str(each.pattern), each


def doors_behind(pattern: URLPattern) -> list[Callable[..., Any]]:
    """What answers an address: one view, or each operation of a django-ninja path."""
    view = pattern.callback
    owner = getattr(view, "__self__", None) or next(
        (cell.cell_contents for cell in getattr(view, "__closure__", None) or () if _is_path_view(cell)), None
    )
    if isinstance(owner, PathView):
        return [operation.view_func for operation in owner.operations]
    return [view]


def _is_path_view(cell: Any) -> bool:
    return isinstance(cell.cell_contents, PathView)


ADDRESSES = sorted(
    (found for found in patterns(get_resolver()) if found[1].name not in NOBODY_S), key=lambda found: found[0]
)
OPERATIONS = [
    (operation.operation_id or operation.view_func.__name__, operation)
    for _, router in build_api()._routers
    for path_view in router.path_operations.values()
    for operation in path_view.operations
]


@pytest.mark.parametrize(("address", "pattern"), ADDRESSES, ids=[address for address, _ in ADDRESSES])
def test_every_address_carries_a_permission(address: str, pattern: URLPattern) -> None:
    for door in doors_behind(pattern):
        mark = required_permission(door)
        assert mark is not None, f"{door} has no mark: say @require(…)"
        assert mark in (PUBLIC, SIGNED_IN) or isinstance(mark, Permission)


def test_the_pages_open_to_everybody_are_those_that_were_decided() -> None:
    opened = {address for address, pattern in ADDRESSES for door in doors_behind(pattern)
              if required_permission(door) == PUBLIC}  # fmt: skip

    assert {address for address in opened if not address.startswith("v1/")} == {
        address for address in OPEN_PAGES if not address.startswith("v1/")
    }


@pytest.mark.parametrize(("name", "operation"), OPERATIONS, ids=[name for name, _ in OPERATIONS])
def test_every_operation_of_the_api_carries_a_permission_and_its_key_checks_the_same(name: str, operation: Any) -> None:
    mark = required_permission(operation.view_func)

    assert mark is not None
    checks = [getattr(callback, "permission", None) for callback in operation.auth_callbacks]
    if mark == PUBLIC:
        assert name in OPEN_OPERATIONS
        assert checks == []
    else:
        assert checks == [mark]
        # What a key can be given: one of a workspace, or one of the platform's own.
        assert mark in API_SCOPES | PLATFORM_SCOPES


def test_there_are_addresses_and_operations_to_look_at() -> None:
    assert len(ADDRESSES) > 30
    assert len(OPERATIONS) > 15


@pytest.mark.parametrize("pattern", websocket_urlpatterns, ids=[str(p.pattern) for p in websocket_urlpatterns])
def test_every_socket_carries_a_permission(pattern: URLPattern) -> None:
    consumer = getattr(pattern.callback, "consumer_class", pattern.callback)

    assert isinstance(required_permission(consumer), Permission)


def test_all_work_of_the_queue_is_the_system_s_own() -> None:
    assert {required_permission(registry.handler_of(kind)) for kind in registry.kinds()} == {marks.SYSTEM}
    assert {required_permission(work.run) for work in registry.periodics()} == {marks.SYSTEM}
    assert len(registry.kinds()) > 5


def test_every_celery_task_is_the_system_s_own() -> None:
    app.loader.import_default_modules()
    ours = {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}

    assert set(ours) == {"zentra.core.queue.drain", "zentra.core.queue.tick"}
    assert {required_permission(task.run) for task in ours.values()} == {marks.SYSTEM}


def test_every_form_of_a_dangerous_permission_asks_for_a_fresh_second_factor_or_is_listed_with_a_reason() -> None:
    silent = set()
    for address, pattern in ADDRESSES:
        for door in doors_behind(pattern):
            view = inspect.unwrap(door)
            if required_permission(door) in DANGEROUS and takes_posts(pattern) and not address.startswith("v1/"):
                said = inspect.getsource(view)
                if "step_up=True" not in said and "require_step_up(" not in said:
                    silent.add(f"{view.__module__.removeprefix('console.views.')}.{view.__name__}")

    assert silent == set(UNASKED)


def takes_posts(pattern: URLPattern) -> bool:
    """What ``require_http_methods`` and its kin let through; a view without one takes everything."""
    cells = [cell.cell_contents for cell in getattr(pattern.callback, "__closure__", None) or ()]
    said = next((each for each in cells if isinstance(each, list) and set(each) <= {"GET", "HEAD", "POST"}), None)
    return said is None or "POST" in said


def test_a_door_without_a_mark_is_found() -> None:
    def door() -> None:
        """Nobody said who may."""

    assert required_permission(door) is None
    assert required_permission(require(Permission.ROOM_READ)(door)) is Permission.ROOM_READ


def test_every_permission_is_somebody_s_and_every_role_only_has_known_ones() -> None:
    tenants, platforms = set().union(*PERMISSIONS.values()), set().union(*PLATFORM_PERMISSIONS.values())

    assert tenants | platforms == set(Permission)
    assert tenants & platforms == set()
    assert set(Permission) >= API_SCOPES | PLATFORM_SCOPES
    assert API_SCOPES.isdisjoint(PLATFORM_SCOPES)
