"""Passkeys: what a browser is asked, signing in by one, adding and removing one's own."""

from typing import Any, Final

from allauth.account.models import Login
from allauth.account.stages import LoginStageController
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.recovery_codes.internal.flows import auto_generate_recovery_codes
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.webauthn.internal.flows import perform_passwordless_login
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from console.doors import public, signed_in
from console.types.step_up import PasskeyPage
from console.views.doorway import record_failure
from console.views.second_factor import codes_page, confirmed, factor_changed, is_confirmed, leads_to, page_of
from zentra.core.addresses import client_address
from zentra.core.clock import now
from zentra.core.errors import DomainError
from zentra.core.rates import Rate, limiter
from zentra.tenants.passkeys import ceremony, requests
from zentra.tenants.passkeys.errors import PasskeyRefused, TooManyPasskeys, UnknownPasskey
from zentra.tenants.passkeys.operations import remove_passkey
from zentra.tenants.passkeys.types import Purpose

ASKED: Final = Rate(per_second=2, burst=60)
"""Ceremonies begun from one address. Each keeps a challenge in a session."""


class _NotNow(DomainError):
    code = "passkey_not_now"
    status = 403
    title = "Open the page again"


@public
def options(request: HttpRequest) -> HttpResponse:
    """What to ask the browser for, as JSON; the challenge waits in the session."""
    if limiter().admit(key=f"passkey:{client_address(request)}", rate=ASKED) > 0:
        return JsonResponse({"detail": "Too many tries from here. Wait a minute."}, status=429)
    try:
        purpose, user_id = _asked_by(request)
        return JsonResponse(requests.ask(request, purpose=purpose, user_id=user_id, now=now()))
    except (TooManyPasskeys, _NotNow) as refusal:
        return JsonResponse({"detail": refusal.detail}, status=refusal.status)


def _asked_by(request: HttpRequest) -> tuple[Purpose, str]:
    """For what, and whose passkey; raises _NotNow when that is not where the person is."""
    wanted = request.POST.get("purpose", "")
    is_in = request.user.is_authenticated
    if wanted == "sign_in" and not is_in:
        return "sign_in", ""
    if wanted == "step_up" and is_in:
        return "step_up", str(request.user.pk)
    if wanted == "add" and is_in and is_confirmed(request):
        return "add", str(request.user.pk)
    stage = (
        LoginStageController.enter(request, AuthenticateStage.key) if wanted == "second_step" and not is_in else None
    )
    if stage is not None:
        return "second_step", str(stage.login.user.pk)
    raise _NotNow


@public
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in by a passkey alone: it is both factors, since it verified who holds it."""
    if request.user.is_authenticated:
        return HttpResponseRedirect("/")
    try:
        passkey = requests.use_answered(request, purpose="sign_in", user_id="", now=now())
    except PasskeyRefused as refusal:
        record_failure("passkey")
        messages.warning(request, _said(refusal))
        return HttpResponseRedirect(reverse("account_login"))
    wanted = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    login = Login(user=passkey.user, redirect_url=wanted if is_ours else None)
    answer: HttpResponse = perform_passwordless_login(request, passkey, login)
    return answer


@signed_in
@confirmed
def add(request: HttpRequest) -> HttpResponse:
    """A name and a button; what the browser answers is kept. The first factor comes with recovery codes."""
    if not ceremony.is_offered():
        return HttpResponseRedirect(reverse("mfa_index"))
    if request.method != "POST":
        return _add_page(request)
    try:
        made = requests.add_answered(request, name=request.POST.get("name", ""), now=now())
    except (PasskeyRefused, TooManyPasskeys) as refusal:
        return _add_page(request, _said(refusal), status=refusal.status)
    codes = auto_generate_recovery_codes(request)
    post_authentication(request, made, reauthenticated=True)
    factor_changed(request, f"the passkey “{made.data['name']}” was set up")
    if codes is not None:
        return codes_page(request, codes)
    return HttpResponseRedirect(leads_to(request) or reverse("mfa_index"))


@signed_in
@confirmed
def remove(request: HttpRequest) -> HttpResponse:
    """End one; whoever removed the last factor sets up another before they enter again."""
    text = request.POST.get("passkey_id", "")
    try:
        if not (text.isascii() and text.isdigit()) or len(text) > 9:
            raise UnknownPasskey
        remove_passkey(user_id=str(request.user.pk), passkey_id=int(text), now=now())
    except UnknownPasskey:
        return HttpResponseRedirect(reverse("mfa_index"))
    factor_changed(request, "a passkey was removed")
    return HttpResponseRedirect(reverse("mfa_index"))


def _add_page(request: HttpRequest, error: str = "", *, status: int = 200) -> HttpResponse:
    page = PasskeyPage(name=request.POST.get("name", ""), error=error, is_needed=bool(leads_to(request)))
    return page_of(request, "mfa/passkey.html", page, status=status)


def _said(refusal: DomainError) -> str:
    detail: Any = refusal.detail
    return refusal.title + "." if detail == refusal.title else f"{refusal.title}. {detail}"
