"""One's own password: forgotten and set anew by a link, or changed by somebody who knows it."""

from typing import Final

from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from console.doors import public, signed_in
from console.types.passwords import ChangePage, ForgottenPage, ResetPage
from console.views.doorway import record_failure
from console.views.second_factor import confirmed
from zentra.core.addresses import client_address
from zentra.core.clock import now
from zentra.core.mail import is_mail_sent
from zentra.core.rates import Rate, limiter
from zentra.tenants.lockout.devices import device_of
from zentra.tenants.lockout.operations import SignInLimited, begin_try, give_back
from zentra.tenants.passwords.errors import ResetEnded, UnusablePassword, WrongPassword
from zentra.tenants.passwords.operations import ask_for_reset, change_password, check_reset, reset_password
from zentra.tenants.sessions.requests import rotate_key, session_of

ASKED: Final = Rate(per_second=1 / 30, burst=20)
"""Links asked for from one address."""

UNEQUAL: Final = "The two are not the same."


@public
def forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for a link. The answer is the same whether or not the address is somebody's."""
    if request.method != "POST":
        return _page(request, "account/forgotten.html", ForgottenPage(sends_mail=is_mail_sent()))
    wait = limiter().admit(key=f"password_reset:from:{client_address(request)}", rate=ASKED)
    if wait > 0:
        page = ForgottenPage(sends_mail=is_mail_sent(), error="Too many tries from here. Wait a minute.")
        return _page(request, "account/forgotten.html", page, status=429)
    ask_for_reset(email=request.POST.get("email", ""), now=now())
    return _page(request, "account/forgotten.html", ForgottenPage(sends_mail=is_mail_sent(), is_asked=True))


@public
def reset(request: HttpRequest, user_id: str, token: str) -> HttpResponse:
    """The form of a link, and what it sets; then sign-in."""
    try:
        email = check_reset(user_id=user_id, token=token)
        if request.method != "POST":
            return _page(request, "account/reset.html", ResetPage(email))
        password = request.POST.get("password", "")
        if password != request.POST.get("again", ""):
            return _page(request, "account/reset.html", ResetPage(email, UNEQUAL), status=422)
        device = device_of(request, email=email)
        reset_password(user_id=user_id, token=token, password=password, now=now(), device=device)
    except UnusablePassword as refusal:
        return _page(request, "account/reset.html", ResetPage(email, refusal.detail), status=refusal.status)
    except ResetEnded as ended:
        return _page(request, "account/reset.html", None, status=ended.status)
    logout(request)  # whoever was signed in in this browser need not be the person
    messages.success(request, "Your password is set. Sign in with it.")
    return HttpResponseRedirect(reverse("account_login"))


@signed_in
@confirmed
def change(request: HttpRequest) -> HttpResponse:
    """Another password, for who knows the one they have and has just proved their second factor."""
    if request.method != "POST":
        return _page(request, "account/change_password.html", ChangePage(_email(request)))
    error, status = _change(request)
    if error:
        return _page(request, "account/change_password.html", ChangePage(_email(request), error), status=status)
    messages.success(request, "Your password is changed. Your other sessions have ended.")
    return HttpResponseRedirect(reverse("mfa_index"))


def _change(request: HttpRequest) -> tuple[str, int]:
    """What is wrong, and the status that says so; empty when the password was changed."""
    password, email = request.POST.get("password", ""), _email(request)
    if password != request.POST.get("again", ""):
        return UNEQUAL, 422
    try:
        # Counted for this session: who found it open may not try passwords through it without end.
        attempt = begin_try(email=email, address="", device=session_of(request) or "session", now=now())
        user = change_password(
            user_id=str(request.user.pk),
            current=request.POST.get("current", ""),
            password=password,
            session_id=session_of(request),
            now=now(),
        )
    except (SignInLimited, UnusablePassword) as refusal:
        return refusal.detail, refusal.status
    except WrongPassword as refusal:
        record_failure("password change")
        return f"{refusal.title}.", refusal.status
    give_back(attempt=attempt)
    update_session_auth_hash(request, user)
    rotate_key(request)
    return "", 200


def _email(request: HttpRequest) -> str:
    return str(getattr(request.user, "email", ""))


def _page(request: HttpRequest, template: str, page: object, *, status: int = 200) -> HttpResponse:
    answer = render(request, template, {"page": page}, status=status)
    answer.headers["Cache-Control"] = "no-store"
    return answer
