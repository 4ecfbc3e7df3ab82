"""The first run of a real installation: its first admin sets a password by a link that works once, and goes on.

After the password come the authenticator, which the platform's rooms ask for, and the first workspace.
"""

from typing import Final
from urllib.parse import urlencode

from allauth.account.internal.flows.login import record_authentication
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from console.doors import public
from console.types.workspaces import SetupPage
from zentra.core.clock import now as clock_now
from zentra.tenants.members.errors import UnusablePassword
from zentra.tenants.models import User
from zentra.tenants.passwords.operations import check_new_password
from zentra.tenants.provisioning.first_run import SetupEnded, check_setup_token, finish_setup

_BACKEND: Final = "allauth.account.auth_backends.AuthenticationBackend"
NEXT: Final = "/platform/new-workspace/"


@public
def set_up(request: HttpRequest, token: str) -> HttpResponse:
    """The password of the first admin; then their authenticator, then the first workspace."""
    person = check_setup_token(token=token, now=clock_now())
    if person is None:
        return _page(request, None, status=SetupEnded.status)
    page = SetupPage(person.email, person.name, f"/setup/{token}/strength/")
    if request.method != "POST":
        return _page(request, page)
    first, again = request.POST.get("password", ""), request.POST.get("again", "")
    if first != again:
        return _page(request, page, error="The two are not the same.", status=422)
    try:
        user_id = finish_setup(token=token, password=first, now=clock_now())
    except UnusablePassword as refusal:
        return _page(request, page, error=refusal.detail, status=refusal.status)
    except SetupEnded as ended:
        return _page(request, None, status=ended.status)
    _sign_in(request, User.objects.get(id=user_id))
    return HttpResponseRedirect(f"{reverse('mfa_activate_totp')}?{urlencode({'next': NEXT})}")


def _sign_in(request: HttpRequest, user: User) -> None:
    """They just chose the password, so it need not be typed again: the authenticator is set up right after."""
    login(request, user, backend=_BACKEND)
    record_authentication(request, user, method="password", email=user.email)


@public
def weigh(request: HttpRequest, token: str) -> HttpResponse:
    """What a password is worth while it is typed, for who has the link. It is kept nowhere."""
    person = check_setup_token(token=token, now=clock_now())
    if person is None:
        return _part(request, "This link does not work any more.", is_good=False)
    typed = request.POST.get("password", "")
    if not typed:
        return _part(request, "", is_good=False)
    try:
        check_new_password(password=typed, user=User.objects.get(id=person.user_id))
    except UnusablePassword as refusal:
        return _part(request, refusal.detail, is_good=False)
    return _part(request, "Good: long enough, hard to guess, on no list of leaked ones.", is_good=True)


def _part(request: HttpRequest, said: str, *, is_good: bool) -> HttpResponse:
    return render(request, "account/strength.html", {"said": said, "is_good": is_good})


def _page(request: HttpRequest, page: SetupPage | None, *, error: str = "", status: int = 200) -> HttpResponse:
    answer = render(request, "account/setup.html", {"page": page, "error": error}, status=status)
    answer.headers["Cache-Control"] = "no-store"  # the address is the way in
    return answer
