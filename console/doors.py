"""How a person gets into a workspace's pages: membership, permission, tenant, in this order, in one place.

A view says ``@room(Permission.X)`` and is called inside the workspace's transaction with a ``Visit``. What is refused
is recorded as ``access.denied`` before an answer is given, in the workspace that was asked for, and never says whether
that workspace exists.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import Concatenate, Final, ParamSpec
from urllib.parse import urlencode

import structlog
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from console.refusals import Refusal, explain
from zentra.core.actors import Actor
from zentra.core.clock import now as clock_now
from zentra.core.errors import DomainError
from zentra.core.tenancy import PLATFORM_SCHEMA, TenantRef, tenant_work
from zentra.tenants.access import PUBLIC, SIGNED_IN, MembershipRequired, require
from zentra.tenants.denials import Surface, note_miss, record_denial
from zentra.tenants.denials.queries import find_named, home_of_user
from zentra.tenants.operations import hold_membership, remember_visit, remember_workspace
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import find_closed_workspace, find_membership
from zentra.tenants.step_up import StepUpRequired, attempt_step_up, require_step_up
from zentra.tenants.types import Member

log = structlog.get_logger(__name__)
P = ParamSpec("P")
IDEMPOTENCY_FIELD: Final = "idempotency_key"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of one member of one workspace."""

    request: HttpRequest
    member: Member
    now: datetime
    url: str = field(default="")

    @property
    def workspace(self) -> TenantRef:
        return self.member.workspace

    @property
    def base(self) -> str:
        """The workspace's address, ``/w/northwind/``; of the platform's own, ``/platform/``."""
        return address_of(self.workspace.slug)

    @property
    def is_platform(self) -> bool:
        """Whether this is the platform's own place and no tenant's."""
        return self.workspace.slug == PLATFORM_SCHEMA

    def may(self, permission: Permission) -> bool:
        """Whether this person may."""
        return self.member.may(permission)

    def actor(self) -> Actor:
        """This person, for events and decisions."""
        return self.member.actor()

    @property
    def is_partial(self) -> bool:
        """Whether only a part of the page was asked for, by our own script."""
        return self.request.headers.get("HX-Request") == "true"


View = Callable[Concatenate[Visit, P], HttpResponseBase]


def room(
    permission: Permission, *, in_transaction: bool = True, step_up: bool = False, holds_membership: bool = True
) -> Callable[[View[P]], Callable[..., HttpResponseBase]]:
    """A page or form of a workspace, for members with this permission.

    A view that talks to the network says ``in_transaction=False`` and enters the workspace by itself where it reads.
    With ``step_up=True`` what is posted needs a fresh second factor: who has none is asked on a page that keeps what
    was typed. A view that asks in its own form calls ``require_step_up(visit.request, visit.now)`` itself; the code
    was taken here, before its transaction.

    Whoever posts is held as a member until the transaction ends, so that a role that is taken away lets nothing through
    afterwards; what changes memberships itself says ``holds_membership=False`` and looks under its own lock.
    """

    def dress(view: View[P]) -> Callable[..., HttpResponseBase]:
        @require(permission)
        @wraps(view)
        def enter(request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            member = find_membership(user_id=str(request.user.pk), slug=slug)
            if member is None:
                return _turn_away(request, slug, permission)
            if is_second_factor_missing(member):
                return to_second_factor(request)
            visit = Visit(request=request, member=member, now=clock_now())
            if not member.may(permission):
                deny(slug=slug, actor=member.actor(), action=permission, reason="role")
                return refused_page(visit, Refusal.of_role(member.role, permission), status=403)
            if _holds_nul(request):
                return refused_page(visit, Refusal.of_nul(), status=400)
            _take_code(visit, permission)
            inside = _inside(view, holds_membership) if in_transaction else view
            return _visit(visit, _stepped_up(inside) if step_up else inside, *args, **kwargs)

        return enter

    return dress


def platform_room(
    permission: Permission, *, in_transaction: bool = True, step_up: bool = False, holds_membership: bool = True
) -> Callable[[View[P]], Callable[..., HttpResponseBase]]:
    """A page or form of the platform's own staff, at ``/platform/…``: a room of the ``platform`` workspace.

    A form that acts on another workspace says ``in_transaction=False`` and goes through ``console.platform``.
    """

    def dress(view: View[P]) -> Callable[..., HttpResponseBase]:
        enter_as = room(permission, in_transaction=in_transaction, step_up=step_up, holds_membership=holds_membership)
        inside = enter_as(view)

        @require(permission)
        @wraps(view)
        def enter(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            return inside(request, PLATFORM_SCHEMA, *args, **kwargs)

        return enter

    return dress


def address_of(slug: str) -> str:
    """Where a workspace's pages are."""
    return f"/{PLATFORM_SCHEMA}/" if slug == PLATFORM_SCHEMA else f"/w/{slug}/"


def _turn_away(request: HttpRequest, slug: str, permission: Permission) -> HttpResponse:
    """Nobody's workspace, or one that nobody enters now: its members are told so, others that nothing is here."""
    closed = find_closed_workspace(user_id=str(request.user.pk), slug=slug)
    reason = f"workspace {closed.state}" if closed else "no membership"
    deny(
        slug=slug,
        actor=Actor("user", str(request.user.pk), closed.role if closed else "none"),
        action=permission,
        reason=reason,
    )
    if closed is None:
        return render(request, "404.html", status=404)
    from console.views.closed import closed_page  # it says times and marks, and those modules need this one

    return closed_page(request, closed)


def is_second_factor_missing(member: Member) -> bool:
    """Whether a role of theirs is entered with a second factor only, and they have none."""
    return member.needs_second_factor and not member.has_second_factor


def to_second_factor(request: HttpRequest) -> HttpResponse:
    """To the page where one is set up, which says why and leads back here."""
    here = request.get_full_path() if request.method == "GET" else request.path
    return HttpResponseRedirect(f"{reverse('mfa_activate_totp')}?{urlencode({'next': here})}")


def _holds_nul(request: HttpRequest) -> bool:
    """Whether the address or a field holds a NUL. Nobody types one, and PostgreSQL takes none."""
    said = (value for fields in (request.GET, request.POST) for _, values in fields.lists() for value in values)
    return "\0" in request.path or any("\0" in value for value in said)


def _take_code(visit: Visit, permission: Permission) -> None:
    """Use up the code that came with the form, and record it when it was refused."""
    refusal = attempt_step_up(visit.request, visit.now)
    if refusal is not None:
        deny(slug=visit.workspace.slug, actor=visit.actor(), action=permission, reason="step_up")


def _stepped_up(view: View[P]) -> View[P]:
    def enter(visit: Visit, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if visit.request.method == "POST":
            require_step_up(visit.request, visit.now)
        return view(visit, *args, **kwargs)

    return enter


def _inside(view: View[P], holds_membership: bool) -> View[P]:
    def enter(visit: Visit, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        with tenant_work(visit.workspace):
            if holds_membership and visit.request.method == "POST":
                hold_membership(member=visit.member)
            return view(visit, *args, **kwargs)

    return enter


def _visit(visit: Visit, view: View[P], *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
    try:
        answer = view(visit, *args, **kwargs)
    except StepUpRequired as asked:
        return _ask_step_up(visit, asked)
    except MembershipRequired:
        deny(slug=visit.workspace.slug, actor=visit.actor(), action="a form", reason="role")
        return render(visit.request, "404.html", status=404)
    except DomainError as error:
        if error.status == 404:
            note_miss(
                actor=visit.actor(), action=_route(visit.request), surface="console", tenant=visit.workspace,
                now=visit.now,
            )  # fmt: skip
        return _refuse(visit, error)
    remember_visit(member=visit.member, now=visit.now)
    last = getattr(visit.request.user, "last_workspace", "")
    if visit.request.method == "GET" and not visit.is_partial and last != visit.workspace.slug:
        remember_workspace(user_id=visit.member.user_id, slug=visit.workspace.slug)
    return answer


def _route(request: HttpRequest) -> str:
    """The address with the names of its parts and not their values."""
    match = request.resolver_match
    return f"{request.method} /{match.route}" if match else f"{request.method} a page"


def _refuse(visit: Visit, error: DomainError) -> HttpResponse:
    """A refusal of the domain as one sentence and a next step; the transaction is gone, so nothing was changed."""
    refusal = explain(error, workspace_id=visit.workspace.id)
    if visit.request.method != "POST":
        return refused_page(visit, refusal, status=error.status)
    messages.add_message(visit.request, messages.WARNING, f"{refusal.title}. {refusal.why} {refusal.next}".strip())
    return HttpResponseRedirect(back(visit))


def _ask_step_up(visit: Visit, asked: StepUpRequired) -> HttpResponse:
    """The same form with all that was typed, and a field for the code."""
    from console.views.step_up import ask_step_up  # the page is built with the shell, which needs this module

    with tenant_work(visit.workspace):
        return ask_step_up(visit, asked)


def refused_page(visit: Visit, refusal: Refusal, *, status: int) -> HttpResponse:
    """A designed refusal inside the workspace's frame."""
    from console.shell import build_shell  # the shell reads through other rooms' queries

    with tenant_work(visit.workspace):
        shell = build_shell(visit, room="", live=False)
        return render(visit.request, "console/refused.html", {"shell": shell, "refusal": refusal}, status=status)


def back(visit: Visit) -> str:
    """Where a form returns to: its own ``next`` or the page it was on, if that is ours; else the room."""
    for wanted in (visit.request.POST.get("next", ""), visit.request.headers.get("Referer", "")):
        if wanted and url_has_allowed_host_and_scheme(wanted, allowed_hosts={visit.request.get_host()}):
            return wanted
    return visit.base


def deny(*, slug: str, actor: Actor, action: str, reason: str, surface: Surface = "console") -> None:
    """Record a refused access in the workspace that was asked for, and in the one that the person belongs to."""
    try:
        target = find_named(name=slug)
        home = home_of_user(user_id=actor.id) if actor.role == "none" else target
    except Exception:  # the refusal stands whether or not it could be written down
        log.exception("access_denied.not_recorded", slug=slug, action=str(action))
        return
    record_denial(
        actor=actor, action=str(action), reason=reason, surface=surface, target=target, named=slug[:80], home=home,
        now=clock_now(),
    )  # fmt: skip


def signed_in(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A page for any signed-in person, outside a workspace."""

    @require(SIGNED_IN)
    @wraps(view)
    def enter(request: HttpRequest) -> HttpResponse:
        return view(request) if request.user.is_authenticated else redirect_to_login(request.get_full_path())

    return enter


def public(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page for everybody."""
    return require(PUBLIC)(view)
