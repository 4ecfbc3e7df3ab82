"""Runbooks: what to do about an alarm, from the pages of the tree that runs."""

from functools import cache

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from console.doors import Visit, platform_room, room
from console.shell import build_shell
from console.types import Chip
from console.types.alarms import RunbookPage
from zentra.alarms.queries import list_runbooks, read_runbook
from zentra.tenants.permissions import Permission


@room(Permission.ALARMS_READ)
def show_runbook(visit: Visit, slug_of: str) -> HttpResponse:
    """One runbook, with the others beside it."""
    return _page(visit, slug_of)


@platform_room(Permission.WORKSPACES_READ)
def show_platform_runbook(visit: Visit, slug_of: str) -> HttpResponse:
    """The same for the platform's staff."""
    return _page(visit, slug_of)


def _page(visit: Visit, slug_of: str) -> HttpResponse:
    text = read_runbook(slug=slug_of)
    runbooks = list_runbooks()
    known = frozenset(slug for slug, _ in runbooks)
    page = RunbookPage(
        title=next(title for slug, title in runbooks if slug == slug_of),
        html=mark_safe(_to_html(text, known)),  # noqa: S308  # our own pages, and the renderer lets no HTML through
        others=tuple(Chip(title, f"{visit.base}runbooks/{slug}/", slug == slug_of) for slug, title in runbooks),
    )
    return render(visit.request, "console/runbook.html", {"shell": build_shell(visit, room="alarms"), "page": page})


@cache
def _to_html(text: str, known: frozenset[str]) -> str:
    """CommonMark with tables; HTML in the text is shown as text.

    A link to another runbook leads to its page here, one to a page that the room has not is only its words.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    for token in tokens:
        _point(token.children or [], known)
    rendered: str = parser.renderer.render(tokens, parser.options, {})
    return rendered


def _point(children: list[Token], known: frozenset[str]) -> None:
    is_dropped = False
    for child in children:
        if child.type == "link_open":
            slug = str(child.attrs.get("href", "")).partition("#")[0].removesuffix(".md")
            is_dropped = slug not in known
            child.attrs = {"href": f"../{slug}/"}
        if child.type in ("link_open", "link_close") and is_dropped:
            child.tag = "em"
            child.attrs = {}
