"""Sign-in, sign-out, and the way to the last workspace."""

from typing import Any

import structlog
from allauth.account.views import LoginView
from allauth.mfa.base.views import AuthenticateView
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_POST

from console.doors import public, signed_in
from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core.actors import ANONYMOUS
from zentra.core.clock import now
from zentra.core.tenancy import tenant_work
from zentra.tenants.queries import list_workspaces_of, platform_ref

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
    """A failed sign-in belongs to no workspace; what was typed is never kept."""
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
    """End the session."""
    logout(request)
    return HttpResponseRedirect("/sign-in/")


@signed_in
def home(request: HttpRequest) -> HttpResponse:
    """The last workspace, else the first one."""
    workspaces = list_workspaces_of(user_id=str(request.user.pk))
    if not workspaces:
        return render(request, "console/no_workspace.html")
    slugs = [workspace.slug for workspace in workspaces]
    last = getattr(request.user, "last_workspace", "")
    return HttpResponseRedirect(f"/w/{last if last in slugs else slugs[0]}/")
