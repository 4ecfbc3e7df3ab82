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
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from console.doors import signed_in
from console.presenters import security as present
from console.presenters.words import stamp
from console.types.step_up import CodesPage, ConfirmPage, EnrolPage, SecondFactorPage
from console.views.doorway import record_failure
from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core.actors import Actor
from zentra.core.clock import now
from zentra.core.tenancy import tenant_work
from zentra.tenants.mail.notices import tell_second_factor_changed
from zentra.tenants.passkeys import ceremony
from zentra.tenants.passkeys.queries import has_passkey, list_passkeys
from zentra.tenants.queries import platform_ref
from zentra.tenants.second_factor.forms import EnrolForm
from zentra.tenants.second_factor.queries import count_recovery_codes, has_totp
from zentra.tenants.sessions.operations import UnknownSession, end_session, end_sessions
from zentra.tenants.sessions.queries import list_sessions
from zentra.tenants.sessions.requests import rotate_key, session_of
from zentra.tenants.step_up import StepUpRequired, has_second_factor, is_stepped_up, require_step_up

View = Callable[[HttpRequest], HttpResponse]
_HERE: Final = "/second-factor/"
_ROOMS: Final = ("/w/", "/platform/")


def confirmed(view: View) -> View:
    """Only shortly after the second factor was proved, or the password where there is none yet."""

    @wraps(view)
    def enter(request: HttpRequest) -> HttpResponse:
        if is_confirmed(request):
            return view(request)
        target = request.get_full_path() if request.method == "GET" else _HERE
        return HttpResponseRedirect(f"{reverse('mfa_reauthenticate')}?{urlencode({'next': target})}")

    return enter


def is_confirmed(request: HttpRequest) -> bool:
    """Whether this session has lately proved the second factor, or the password where there is none yet."""
    if has_second_factor(request.user):
        return is_stepped_up(request, now())
    since = now().timestamp() - settings.ZENTRA_STEP_UP_SECONDS
    records = get_authentication_records(request, request.user)
    return any(each.get("method") == "password" and float(each["at"]) > since for each in records)


@signed_in
def show(request: HttpRequest) -> HttpResponse:
    """One's own security: password, authenticator, passkeys, recovery codes, sessions."""
    user_id = str(request.user.pk)
    found = Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.TOTP).first()
    page = SecondFactorPage(
        email=str(getattr(request.user, "email", "")),
        is_enrolled=found is not None,
        has_factor=has_second_factor(request.user),
        codes_left=count_recovery_codes(user_id=user_id),
        since=stamp(found.created_at) if found else "",
        offers_passkeys=ceremony.is_offered(),
        passkeys=tuple(present.passkey_row(each) for each in list_passkeys(user_id=user_id)),
        sessions=tuple(present.session_row(each, mine=session_of(request)) for each in list_sessions(user_id=user_id)),
    )
    return page_of(request, "mfa/index.html", page)


@signed_in
@confirmed
def set_up(request: HttpRequest) -> HttpResponse:
    """The QR code of a new authenticator, and its first code; the answer shows the recovery codes, once."""
    if has_totp(user_id=str(request.user.pk)):
        return HttpResponseRedirect(leads_to(request) or _HERE)
    form = EnrolForm(request.POST if request.method == "POST" else None, user=request.user)
    if request.method == "POST" and form.is_valid():
        authenticator, codes = activate_totp(request, form)
        post_authentication(request, authenticator, reauthenticated=True)
        _record(request, "second_factor.enrolled")
        factor_changed(request, "an authenticator was set up")
        return codes_page(request, codes) if codes else HttpResponseRedirect(leads_to(request) or _HERE)
    return _enrol_page(request, form)


@signed_in
@confirmed
def renew_codes(request: HttpRequest) -> HttpResponse:
    """New recovery codes instead of the old ones; the answer shows them, once."""
    if not has_second_factor(request.user):
        return HttpResponseRedirect(_HERE)
    codes = generate_recovery_codes(request)
    _record(request, "second_factor.codes_renewed")
    factor_changed(request, "there are new recovery codes", ends_sessions=False)
    return codes_page(request, codes)


@signed_in
@confirmed
def remove(request: HttpRequest) -> HttpResponse:
    """End it, with its recovery codes."""
    found = Authenticator.objects.filter(user_id=request.user.pk, type=Authenticator.Type.TOTP).first()
    if found is not None:
        deactivate_totp(request, found)
        _record(request, "second_factor.removed")
        factor_changed(request, "the authenticator was removed")
    return HttpResponseRedirect(_HERE)


@signed_in
@confirmed
def end_sessions_of_mine(request: HttpRequest) -> HttpResponse:
    """End one session of mine, or all but this one."""
    user_id, wanted = str(request.user.pk), request.POST.get("session_id", "")
    actor = Actor(kind="user", id=user_id, role="none")
    if wanted == "others":
        ended = end_sessions(user_id=user_id, but=session_of(request), reason="ended", actor=actor, now=now())
        messages.success(request, f"{ended} other {'session has' if ended == 1 else 'sessions have'} ended.")
        return HttpResponseRedirect(_HERE)
    try:
        end_session(user_id=user_id, session_id=wanted, reason="ended", actor=actor, now=now())
    except UnknownSession:
        messages.warning(request, "That session had ended already.")
    else:
        messages.success(request, "That session has ended.")
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
        has_passkey=has_passkey(user_id=str(request.user.pk)),
        next_url=target,
        is_enrolled=has_second_factor(request.user),
        minutes=max(1, settings.ZENTRA_STEP_UP_SECONDS // 60),
        error=error,
    )
    return page_of(request, "mfa/reauthenticate.html", page, status=403 if error else 200)


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
        is_needed=bool(leads_to(request)),
        passkey_url=_passkey_url(request),
    )
    return page_of(request, "mfa/enrol.html", page, status=403 if error else 200)


def _passkey_url(request: HttpRequest) -> str:
    """The other way to a second factor, where browsers give passkeys."""
    if not ceremony.is_offered():
        return ""
    there = leads_to(request)
    return reverse("passkey_add") + (f"?{urlencode({'next': there})}" if there else "")


def codes_page(request: HttpRequest, codes: Authenticator | None) -> HttpResponse:
    """Recovery codes, once."""
    shown = RecoveryCodes(codes) if codes is not None else None
    if shown is not None:
        shown.mark_as_viewed()
    page = CodesPage(codes=tuple(shown.get_unused_codes()) if shown else (), next_url=leads_to(request) or "/")
    return page_of(request, "mfa/recovery_codes.html", page)


def leads_to(request: HttpRequest) -> str:
    """The room that sent the person here because it is entered with a second factor only; empty for any other."""
    wanted = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    return wanted if is_ours and wanted.startswith(_ROOMS) else ""


def page_of(request: HttpRequest, template: str, page: object, *, status: int = 200) -> HttpResponse:
    """A page that no cache keeps."""
    answer = render(request, template, {"page": page}, status=status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def factor_changed(request: HttpRequest, what: str, *, ends_sessions: bool = True) -> None:
    """Tell the person by mail, end their other sessions, which proved another factor or none, and change the key."""
    user_id, moment = str(request.user.pk), now()
    with transaction.atomic():
        tell_second_factor_changed(email=str(getattr(request.user, "email", "")), what=what, now=moment)
    if ends_sessions:
        actor = Actor(kind="user", id=user_id, role="none")
        end_sessions(user_id=user_id, but=session_of(request), reason="second_factor", actor=actor, now=moment)
    rotate_key(request)


def _record(request: HttpRequest, event: str) -> None:
    """A second factor belongs to a person and no workspace: what happens to it is kept in ``platform``."""
    actor = Actor(kind="user", id=str(request.user.pk), role="none")
    with tenant_work(platform_ref()):
        record_events(events=[NewEvent(type=event, actor=actor, data={"user_id": actor.id})], now=now())
