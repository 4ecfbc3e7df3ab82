"""Runbooks: what to do about an alarm, from the pages of the tree that runs."""

from functools import cache

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from markdown_it import MarkdownIt

from console.doors import Visit, room
from console.shell import build_shell
from console.types import Chip
from console.types.alarms import RunbookPage
from zentra.alarms.queries import list_runbooks, read_runbook
from zentra.tenants.permissions import Permission


@room(Permission.ALARMS_READ)
def show_runbook(visit: Visit, slug_of: str) -> HttpResponse:
    """One runbook, with the others beside it."""
    text = read_runbook(slug=slug_of)
    runbooks = list_runbooks()
    page = RunbookPage(
        title=next(title for slug, title in runbooks if slug == slug_of),
        html=mark_safe(_to_html(text)),  # noqa: S308  # our own pages, and the renderer lets no HTML through
        others=tuple(Chip(title, f"{visit.base}runbooks/{slug}/", slug == slug_of) for slug, title in runbooks),
    )
    return render(visit.request, "console/runbook.html", {"shell": build_shell(visit, room="alarms"), "page": page})


@cache
def _to_html(text: str) -> str:
    """CommonMark with tables; HTML in the text is shown as text."""
    rendered: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return rendered
