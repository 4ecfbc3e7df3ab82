"""Where a new person sets the password, by a link that works once."""

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from console.doors import public
from console.types.people import WelcomePage
from zentra.core.clock import now as clock_now
from zentra.tenants.members.errors import InvitationEnded, UnusablePassword
from zentra.tenants.members.invitations import accept_invitation, check_invitation


@public
def set_password(request: HttpRequest, user_id: str, token: str) -> HttpResponse:
    """The form, and what it sets; then sign-in."""
    try:
        page = WelcomePage(email=check_invitation(user_id=user_id, token=token, now=clock_now()))
        if request.method == "POST":
            first, again = request.POST.get("password", ""), request.POST.get("again", "")
            if first != again:
                return _page(request, WelcomePage(page.email, "The two are not the same."), status=422)
            accept_invitation(user_id=user_id, token=token, password=first, now=clock_now())
            logout(request)  # whoever was signed in in this browser is not the new person
            return HttpResponseRedirect("/sign-in/")
    except UnusablePassword as refusal:
        return _page(request, WelcomePage(page.email, refusal.detail), status=refusal.status)
    except InvitationEnded as ended:
        return _page(request, None, status=ended.status)
    return _page(request, page)


def _page(request: HttpRequest, page: WelcomePage | None, *, status: int = 200) -> HttpResponse:
    answer = render(request, "account/welcome.html", {"page": page}, status=status)
    # The address is the way in: it stays out of caches. By the policy of every page other sites are not told it either;
    # a stricter one here would have browsers send the form without an origin, which is refused.
    answer.headers["Cache-Control"] = "no-store"
    return answer
