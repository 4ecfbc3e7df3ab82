"""What a member sees of a workspace that nobody enters now: that it is so, why, and what goes on. Nobody's data."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from console.presenters.words import dated
from console.types.workspaces import ClosedPage
from zentra.tenants.types import ClosedWorkspace

REASONS: Final = {
    "billing": "a bill is open",
    "security": "something has to be made safe first",
    "request": "somebody of the workspace asked for it",
    "terms": "the terms of use were broken",
    "investigation": "something is being looked into",
    "archived": "it is not used any more",
}


def closed_page(request: HttpRequest, closed: ClosedWorkspace) -> HttpResponse:
    """The page, and 403: the workspace is there, and this person may not enter it now."""
    page = ClosedPage(
        name=closed.name,
        mode=closed.mode,
        is_archived=closed.state == "archived",
        since=dated(closed.since),
        by="the platform's staff" if closed.by else "the platform",
        code=closed.reason,
        reason=REASONS.get(closed.reason, ""),
        deleted_after=dated(closed.delete_after) if closed.delete_after else "",
    )
    return render(request, "console/closed.html", {"page": page}, status=403)
