"""Sign-in, sign-out, and the way to the last workspace."""

from typing import Any

import structlog
from allauth.account.views import LoginView
from allauth.mfa.base.internal.flows import post_authentication
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
from zentra.tenants.passkeys import ceremony
from zentra.tenants.passkeys import requests as passkeys
from zentra.tenants.passkeys.errors import PasskeyRefused
from zentra.tenants.passkeys.queries import has_passkey
from zentra.tenants.queries import find_closed_workspace, list_workspaces_of, platform_ref
from zentra.tenants.second_factor.queries import has_totp
from zentra.tenants.sessions.requests import sign_out as end_session_of

log = structlog.get_logger(__name__)


class SignInView(LoginView):  # type: ignore[misc]  # allauth ships no types
    """E-mail and password, with a second step for those who have one; or a passkey alone."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "offers_passkeys": ceremony.is_offered()}

    def form_invalid(self, form: Any) -> HttpResponse:
        record_failure("password")
        answer: HttpResponse = super().form_invalid(form)
        return answer


class SecondStepView(AuthenticateView):  # type: ignore[misc]  # allauth ships no types
    """The six digits of an authenticator, a recovery code, or a passkey."""

    def _build_forms(self) -> Any:
        """Only the form of a code: the answer of a passkey is taken by ``post``."""
        is_code = self.request.method == "POST" and "code" in self.request.POST
        self.webauthn_form = None
        self.auth_form = self.get_form_class()(user=self._person(), data=self.request.POST if is_code else None)
        return self.auth_form

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Take the answer of a passkey, or the code."""
        if not request.POST.get(passkeys.FIELD):
            answer: HttpResponse = super().post(request, *args, **kwargs)
            return answer
        try:
            found = passkeys.use_answered(request, purpose="second_step", user_id=str(self._person().pk), now=now())
        except PasskeyRefused as refusal:
            record_failure("second step")
            again: HttpResponse = self.render_to_response(self.get_context_data(passkey_error=refusal.title))
            return again
        post_authentication(request, found)
        left: HttpResponse = self.stage.exit()
        return left

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user_id = str(self._person().pk)
        mine = {"has_passkey": has_passkey(user_id=user_id), "has_totp": has_totp(user_id=user_id)}
        return {**super().get_context_data(**kwargs), **mine, **kwargs}

    def _person(self) -> Any:
        return self.stage.login.user

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
