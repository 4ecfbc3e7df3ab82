"""Every door of Zentra, as the tests of the architecture enumerate them, with addresses that can be asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from tests.architecture.test_doors import ADDRESSES, OPERATIONS, doors_behind
from zentra.core import ids
from zentra.tenants.access import PUBLIC, SIGNED_IN, required_permission
from zentra.tenants.permissions import Permission

_PARAMETER: Final = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
# What a parameter is called, and the prefix of its ids. Anything else is a word that is nobody's.
_PREFIXES: Final = {
    "account_id": "acct", "account": "acct", "event_id": "evt", "endpoint_id": "whe", "delivery_id": "dlv",
    "posting_id": "posting", "entry_id": "entry", "hold_id": "hold", "alarm_id": "alm", "channel_id": "ach",
    "user_id": "usr", "import_id": "imp", "export_id": "exp", "callback_id": "cb", "rail_id": "rail",
    "replay_id": "rpl", "decision_id": "dec", "draft_id": "rsd", "list_id": "wls", "party_id": "pty", "hit_id": "hit",
    "key_id": "key", "client_id": "cli", "grant_id": "stf", "change_id": "rch", "team_id": "team", "review_id": "arv",
    "job_id": "job", "mail_id": "mail", "backtest_id": "bkt", "version_id": "wlv", "run_id": "run",
    "verification_id": "ver", "document_id": "doc", "attempt_id": "att", "recon_id": "rca", "intake_id": "sti",
    "statement_id": "stm", "line_id": "lin", "match_id": "mat", "exception_id": "exc", "adjustment_id": "adj",
    "note_id": "nte", "packet_id": "pkt", "statement_import_id": "sti",
    "reconciled_account_id": "rca",
}  # fmt: skip


@dataclass(frozen=True)
class Page:
    """An address of the console and what it needs: a permission, or that somebody is signed in, or nothing."""

    route: str
    mark: Permission | str
    methods: tuple[str, ...] = ("GET", "POST")

    @property
    def is_tenant_s(self) -> bool:
        return "<slug:slug>" in self.route

    def url(self, slug: str) -> str:
        """The address in a workspace, with ids of nobody."""
        return "/" + _filled(self.route, slug)


@dataclass(frozen=True)
class Operation:
    """An operation of the API and the scope that it needs."""

    name: str
    method: str
    route: str
    permission: Permission
    end_user: bool

    def url(self) -> str:
        """The address, with ids of nobody."""
        return "/v1" + _filled(self.route, "")


def _filled(route: str, slug: str) -> str:
    def value(found: re.Match[str]) -> str:
        name, kind = found["name"], found["kind"]
        if name == "slug":
            return slug
        if name in _PREFIXES:
            return ids.new_id(_PREFIXES[name])
        return {"int": "1", "uuid": str(ids.new_uuid())}.get(kind or "", "nobody-s")

    return _PARAMETER.sub(value, route.replace("{", "<").replace("}", ">")).replace("\\Z", "")


def _marks(pattern: Any) -> Iterator[Permission | str]:
    for door in doors_behind(pattern):
        mark = required_permission(door)
        if mark is not None:
            yield mark


def _methods(pattern: Any) -> tuple[str, ...]:
    """What ``require_http_methods`` and its kin let through; every view has one of them."""
    cells = [cell.cell_contents for cell in getattr(pattern.callback, "__closure__", None) or ()]
    said = next((each for each in cells if isinstance(each, list) and set(each) <= {"GET", "HEAD", "POST"}), None)
    return ("GET", "POST") if said is None else tuple(sorted(set(said) - {"HEAD"}))


PAGES: Final = tuple(
    Page(address, mark, _methods(pattern))
    for address, pattern in ADDRESSES
    if not address.startswith("v1/")
    for mark in _marks(pattern)
)
TENANT_PAGES: Final = tuple(page for page in PAGES if page.is_tenant_s and isinstance(page.mark, Permission))
PLATFORM_PAGES: Final = tuple(
    page for page in PAGES if page.route.startswith("platform/") and isinstance(page.mark, Permission)
)
SIGNED_IN_PAGES: Final = tuple(page for page in PAGES if page.mark == SIGNED_IN)


def _operations() -> Iterator[Operation]:
    from zentra.api.v1 import build_api

    for prefix, router in build_api()._routers:
        for path, view in router.path_operations.items():
            for operation in view.operations:
                mark = required_permission(operation.view_func)
                if mark == PUBLIC:
                    continue
                assert isinstance(mark, Permission)
                [check] = operation.auth_callbacks
                for method in operation.methods:
                    name = operation.operation_id or operation.view_func.__name__
                    yield Operation(name, method, f"/{prefix.strip('/')}{path}".replace("//", "/"), mark,
                                    bool(getattr(check, "end_user", False)))  # fmt: skip


API_OPERATIONS: Final = tuple(_operations())
assert {operation.name for operation in API_OPERATIONS} <= {name for name, _ in OPERATIONS}
Ask = Callable[[str, str], Any]
