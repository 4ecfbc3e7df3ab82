"""One's own second factor: set it up, renew its recovery codes, remove it. Codes and QR are django-allauth's.

Setting it up takes the password, changing it takes the second factor itself: who finds a session open can do neither.
"""

import base64
from collections.abc import Callable
from functools import wraps
from typing import Any, Final
from urllib.parse import urlencode

from allauth.account.forms import ReauthenticateForm
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.core import ratelimit
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.recovery_codes.internal.flows import generate_recovery_codes
from allauth.mfa.totp.internal.flows import activate_totp, deactivate_totp
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from console.doors import signed_in
from console.presenters.words import stamp
from console.types.step_up import CodesPage, ConfirmPage, EnrolPage, SecondFactorPage
from console.views.doorway import record_failure
from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core.actors import Actor
from zentra.core.clock import now
from zentra.core.tenancy import tenant_work
from zentra.tenants.queries import platform_ref
from zentra.tenants.second_factor.forms import EnrolForm
from zentra.tenants.second_factor.queries import count_recovery_codes
from zentra.tenants.step_up import StepUpRequired, has_second_factor, is_stepped_up, require_step_up

View = Callable[[HttpRequest], HttpResponse]
_HERE: Final = "/second-factor/"
_ROOMS: Final = ("/w/", "/platform/")


def confirmed(view: View) -> View:
    """Only shortly after the second factor was proved, or the password where there is none yet."""

    @wraps(view)
    def enter(request: HttpRequest) -> HttpResponse:
        if _is_confirmed(request):
            return view(request)
        target = request.get_full_path() if request.method == "GET" else _HERE
        return HttpResponseRedirect(f"{reverse('mfa_reauthenticate')}?{urlencode({'next': target})}")

    return enter


def _is_confirmed(request: HttpRequest) -> bool:
    if has_second_factor(request.user):
        return is_stepped_up(request, now())
    since = now().timestamp() - settings.ZENTRA_STEP_UP_SECONDS
    records = get_authentication_records(request, request.user)
    return any(each.get("method") == "password" and float(each["at"]) > since for each in records)


@signed_in
def show(request: HttpRequest) -> HttpResponse:
    """Whether there is one, and how many recovery codes are left."""
    found = Authenticator.objects.filter(user_id=request.user.pk, type=Authenticator.Type.TOTP).first()
    page = SecondFactorPage(
        email=str(getattr(request.user, "email", "")),
        is_enrolled=found is not None,
        codes_left=count_recovery_codes(user_id=str(request.user.pk)),
        since=stamp(found.created_at) if found else "",
    )
    return _page(request, "mfa/index.html", page)


@signed_in
@confirmed
def set_up(request: HttpRequest) -> HttpResponse:
    """The QR code of a new authenticator, and its first code; the answer shows the recovery codes, once."""
    if has_second_factor(request.user):
        return HttpResponseRedirect(_leads_to(request) or _HERE)
    form = EnrolForm(request.POST if request.method == "POST" else None, user=request.user)
    if request.method == "POST" and form.is_valid():
        authenticator, codes = activate_totp(request, form)
        post_authentication(request, authenticator, reauthenticated=True)
        _record(request, "second_factor.enrolled")
        return _codes_page(request, codes)
    return _enrol_page(request, form)


@signed_in
@confirmed
def renew_codes(request: HttpRequest) -> HttpResponse:
    """New recovery codes instead of the old ones; the answer shows them, once."""
    if not has_second_factor(request.user):
        return HttpResponseRedirect(_HERE)
    codes = generate_recovery_codes(request)
    _record(request, "second_factor.codes_renewed")
    return _codes_page(request, codes)


@signed_in
@confirmed
def remove(request: HttpRequest) -> HttpResponse:
    """End it, with its recovery codes."""
    found = Authenticator.objects.filter(user_id=request.user.pk, type=Authenticator.Type.TOTP).first()
    if found is not None:
        deactivate_totp(request, found)
        _record(request, "second_factor.removed")
    return HttpResponseRedirect(_HERE)


@signed_in
def confirm(request: HttpRequest) -> HttpResponse:
    """Who am I, once more: the code, or the password where there is no second factor yet."""
    target = request.GET.get("next", "")
    target = target if target.startswith(_HERE) else _HERE
    error = ""
    if request.method == "POST":
        error = _error_of_proof(request)
        if not error:
            return HttpResponseRedirect(target)
    page = ConfirmPage(
        next_url=target,
        is_enrolled=has_second_factor(request.user),
        minutes=max(1, settings.ZENTRA_STEP_UP_SECONDS // 60),
        error=error,
    )
    return _page(request, "mfa/reauthenticate.html", page, status=403 if error else 200)


def _error_of_proof(request: HttpRequest) -> str:
    """What is wrong with the code or password that was sent; empty when it was right."""
    if has_second_factor(request.user):
        try:
            require_step_up(request, now())
        except StepUpRequired as refusal:
            record_failure("confirmation")
            return refusal.detail
        return ""
    if not ratelimit.consume(request, action="reauthenticate", user=request.user):
        return "Too many tries. Wait a minute."
    form = ReauthenticateForm(request.POST, user=request.user)
    if not form.is_valid():
        record_failure("confirmation")
        return "That is not your password."
    reauthenticate_by_password(request)
    return ""


def _enrol_page(request: HttpRequest, form: Any) -> HttpResponse:
    adapter = get_adapter()
    address = adapter.build_totp_url(request.user, form.secret)
    drawn = base64.b64encode(adapter.build_totp_svg(address).encode()).decode()
    secret = " ".join(form.secret[place : place + 4] for place in range(0, len(form.secret), 4))
    error = " ".join(form.errors.get("code", []))
    page = EnrolPage(
        qr=f"data:image/svg+xml;base64,{drawn}",
        secret=secret,
        address=address,
        error=error,
        is_needed=bool(_leads_to(request)),
    )
    return _page(request, "mfa/enrol.html", page, status=403 if error else 200)


def _codes_page(request: HttpRequest, codes: Authenticator | None) -> HttpResponse:
    shown = RecoveryCodes(codes) if codes is not None else None
    if shown is not None:
        shown.mark_as_viewed()
    page = CodesPage(codes=tuple(shown.get_unused_codes()) if shown else (), next_url=_leads_to(request) or "/")
    return _page(request, "mfa/recovery_codes.html", page)


def _leads_to(request: HttpRequest) -> str:
    """The room that sent the person here because it is entered with a second factor only; empty for any other."""
    wanted = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    return wanted if is_ours and wanted.startswith(_ROOMS) else ""


def _page(request: HttpRequest, template: str, page: object, *, status: int = 200) -> HttpResponse:
    answer = render(request, template, {"page": page}, status=status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _record(request: HttpRequest, event: str) -> None:
    """A second factor belongs to a person and no workspace: what happens to it is kept in ``platform``."""
    actor = Actor(kind="user", id=str(request.user.pk), role="none")
    with tenant_work(platform_ref()):
        record_events(events=[NewEvent(type=event, actor=actor, data={"user_id": actor.id})], now=now())
