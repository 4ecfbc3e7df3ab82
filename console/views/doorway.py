"""Sign-in, sign-out, and the way to the last workspace."""

from typing import Any

import structlog
from allauth.account.views import LoginView
from allauth.mfa.base.views import AuthenticateView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_POST

from console.doors import address_of, public, signed_in
from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core.actors import ANONYMOUS
from zentra.core.clock import now
from zentra.core.tenancy import PLATFORM_SCHEMA, tenant_work
from zentra.tenants.lockout.operations import may_record
from zentra.tenants.queries import find_closed_workspace, list_workspaces_of, platform_ref
from zentra.tenants.sessions.requests import sign_out as end_session_of

log = structlog.get_logger(__name__)


class SignInView(LoginView):  # type: ignore[misc]  # allauth ships no types
    """E-mail and password; a second step follows for those who have one."""

    def form_invalid(self, form: Any) -> HttpResponse:
        record_failure("password")
        answer: HttpResponse = super().form_invalid(form)
        return answer


class SecondStepView(AuthenticateView):  # type: ignore[misc]  # allauth ships no types
    """The six digits of an authenticator, or a recovery code."""

    def form_invalid(self, form: Any) -> HttpResponse:
        record_failure("second step")
        answer: HttpResponse = super().form_invalid(form)
        return answer


def record_failure(step: str) -> None:
    """A failed sign-in belongs to no workspace; what was typed is never kept, and floods are not written down."""
    if not may_record(kind="failed"):
        return
    try:
        with tenant_work(platform_ref()):
            record_events(events=[NewEvent(type="sign_in.failed", actor=ANONYMOUS, data={"reason": step})], now=now())
    except Exception:  # the refusal stands whether or not it could be written down
        log.exception("sign_in_failed.not_recorded")


sign_in = public(SignInView.as_view())
second_step = public(SecondStepView.as_view())


@public
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session, and its open pages with it."""
    end_session_of(request, now=now())
    return HttpResponseRedirect("/sign-in/")


@signed_in
def home(request: HttpRequest) -> HttpResponse:
    """The last workspace, else the first one."""
    user_id = str(request.user.pk)
    workspaces = list_workspaces_of(user_id=user_id)
    if not workspaces:
        closed = find_closed_workspace(user_id=user_id)
        return HttpResponseRedirect(f"/w/{closed.slug}/") if closed else render(request, "console/no_workspace.html")
    slugs = sorted((each.slug for each in workspaces), key=lambda slug: slug == PLATFORM_SCHEMA)
    last = getattr(request.user, "last_workspace", "")
    return HttpResponseRedirect(address_of(last if last in slugs else slugs[0]))
