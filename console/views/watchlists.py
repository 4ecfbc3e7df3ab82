"""Watchlists: a new version comes as a file, is read by a worker, shows what it would change, and is then activated."""

import hashlib
from typing import IO, Any, Final, cast

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked
from console.doors import Visit, room
from console.forms import FormIncomplete, act_once, words
from console.presenters import watchlists as present
from console.presenters.words import grouped
from console.readings.ledger import names_of
from console.refusals import explain
from console.shell import build_shell
from console.types import Chip
from console.types.ledger import Option
from console.types.parties import WatchlistPage, WatchlistsPage, WatchVersionPage
from console.views.parties import compliance_tabs
from policy.screening.watchlists.operations import (
    activate_version,
    cancel_import,
    create_list,
    discard_version,
    start_import,
)
from policy.screening.watchlists.queries import (
    changes_of,
    get_version,
    get_watchlist,
    list_versions,
    list_watchlists,
)
from policy.screening.watchlists.types import Change, Source, VersionRecord
from zentra.core.errors import DomainError
from zentra.tenants.permissions import Permission

VERSIONS: Final = 25
ENTRIES: Final = 50
_WHAT: Final = ("added", "changed", "removed")


@room(Permission.PARTIES_READ)
def show_watchlists(visit: Visit) -> HttpResponse:
    """Every list, and whether a version waits."""
    may = visit.may(Permission.WATCHLISTS_MANAGE)
    page = WatchlistsPage(
        tabs=compliance_tabs(visit, "watchlists"),
        rows=tuple(
            present.list_row(each, newest=_newest(each.id), base=visit.base, now=visit.now)
            for each in list_watchlists()
        ),
        sources=tuple(Option(key, title) for key, title in present.SOURCE_WORDS.items()),
        add_url=f"{visit.base}compliance/watchlists/add/" if may else "",
    )
    return render(visit.request, "console/compliance/watchlists.html", _context(visit, page))


def _newest(list_id: str) -> VersionRecord | None:
    return next(iter(list_versions(list_id=list_id, limit=1)), None)


def _context(visit: Visit, page: Any) -> dict[str, Any]:
    return {"shell": build_shell(visit, room="compliance"), "page": page}


@room(Permission.WATCHLISTS_MANAGE)
def add(visit: Visit) -> HttpResponse:
    """A list without a version."""
    made: list[str] = []

    def effect() -> str:
        source = cast("Source", words(visit, "source"))
        record = create_list(name=words(visit, "name"), source=source, actor=visit.actor(), now=visit.now)
        made.append(record.id)
        return f"{record.name} is there; import its first version."

    here = f"{visit.base}compliance/watchlists/"
    answer = act_once(visit, operation="watchlists.add", effect=effect, to=here)
    if made:
        answer.headers["Location"] = f"{here}{made[0]}/"
    return answer


@room(Permission.PARTIES_READ)
def show_watchlist(visit: Visit, list_id: str) -> HttpResponse:
    """A list and its versions."""
    return _show_list(visit, list_id)


def _show_list(visit: Visit, list_id: str, *, error: DomainError | None = None) -> HttpResponse:
    record = get_watchlist(list_id=list_id)
    versions = list_versions(list_id=list_id, limit=VERSIONS)
    names = names_of(each.imported_by for each in versions)
    waits = any(each.state in {"importing", "ready"} for each in versions)
    refusal = explain(error, workspace_id=visit.workspace.id) if error else None
    may = visit.may(Permission.WATCHLISTS_MANAGE) and not waits
    page = WatchlistPage(
        row=present.list_row(record, newest=next(iter(versions), None), base=visit.base, now=visit.now),
        versions=tuple(present.version_row(each, base=visit.base, now=visit.now, names=names) for each in versions),
        import_url=f"{visit.base}compliance/watchlists/{list_id}/import/" if may else "",
        has_parts=record.source == "ofac_csv",
        problem=f"{refusal.title}. {refusal.why}".strip() if refusal else "",
        problem_next=refusal.next if refusal else "",
    )
    status = error.status if error else 200
    return render(visit.request, "console/compliance/watchlist.html", _context(visit, page), status=status)


@room(Permission.WATCHLISTS_MANAGE)
def start(visit: Visit, list_id: str) -> HttpResponse:
    """Take the file of a new version in; a worker reads it."""
    files = {name: visit.request.FILES.get(name) for name in ("file", "alternates", "addresses")}
    main = files["file"]
    if main is None:
        raise FormIncomplete("Choose the file of the list.")
    made: list[str] = []

    def effect() -> str:
        record = start_import(
            list_id=list_id,
            file_name=main.name or "file",
            content=_content(main),
            alternates=_content(files["alternates"]) if files["alternates"] else None,
            addresses=_content(files["addresses"]) if files["addresses"] else None,
            actor=visit.actor(),
            now=visit.now,
        )
        made.append(record.id)
        return f"{record.file_name} is taken in; it changes nothing before it is activated."

    here = f"{visit.base}compliance/watchlists/{list_id}/"
    digest = _digest([each for each in files.values() if each is not None])
    try:
        with transaction.atomic():
            answer = act_once(visit, operation="watchlists.import", effect=effect, to=here, file_sha256=digest)
    except DomainError as error:
        return _show_list(visit, list_id, error=error)
    if made:
        answer.headers["Location"] = f"{here}versions/{made[0]}/"
    return answer


def _content(file: "UploadedFile[bytes]") -> IO[bytes]:
    file.seek(0)
    return cast("IO[bytes]", file.file)


def _digest(files: "list[UploadedFile[bytes]]") -> str:
    """One digest of all files of a form, so that the same form with another file is another request."""
    digest = hashlib.sha256()
    for file in files:
        for piece in file.chunks():
            digest.update(piece)
        digest.update(b"\0")
    return digest.hexdigest()


@room(Permission.PARTIES_READ)
def show_version(visit: Visit, list_id: str, version_id: str) -> HttpResponse:
    """A version: how far its import is, and what it changes."""
    record = get_version(version_id=version_id)
    page = _version_page(visit, get_watchlist(list_id=list_id).name, record)
    if visit.is_partial:
        return render(visit.request, "console/compliance/watch_version_body.html", {"page": page})
    return render(visit.request, "console/compliance/watch_version.html", _context(visit, page))


def _version_page(visit: Visit, list_name: str, record: VersionRecord) -> WatchVersionPage:
    here = f"{visit.base}compliance/watchlists/{record.list_id}/versions/{record.id}/"
    names = names_of([record.imported_by, record.activated_by])
    what = asked(visit, "what")
    chosen = cast("Change", what if what in _WHAT else next((each for each in _WHAT if getattr(record, each)), "added"))
    after = asked(visit, "after")
    found = changes_of(version_id=record.id, what=chosen, limit=ENTRIES + 1, after_uid=after)
    may = visit.may(Permission.WATCHLISTS_MANAGE)
    of = f"{grouped(record.done)} of {grouped(record.total)} entries" if record.total is not None else "counting"
    return WatchVersionPage(
        list_name=list_name,
        list_url=f"{visit.base}compliance/watchlists/{record.list_id}/",
        number=str(record.number),
        row=present.version_row(record, base=visit.base, now=visit.now, names=names),
        percent=record.percent,
        progress=of,
        figures=present.version_figures(record) if record.state in {"ready", "active", "replaced"} else (),
        facts=present.version_facts(record, names),
        changes=tuple(present.entry_row(each) for each in found[:ENTRIES]),
        chips=tuple(
            Chip(each.capitalize(), paging.link(here, what=each), each == chosen, getattr(record, each))
            for each in _WHAT
        ),
        problem=present.problem_words(record),
        is_shrinking=record.is_shrinking and record.state == "ready",
        activate_url=f"{here}activate/" if may and record.state == "ready" else "",
        discard_url=f"{here}discard/" if may and record.state == "ready" else "",
        cancel_url=f"{here}cancel/" if may and record.state == "importing" else "",
        poll_url=here if record.state == "importing" else "",
        next_url=paging.link(here, what=chosen, after=found[ENTRIES - 1].entry.uid) if len(found) > ENTRIES else "",
        first_url=paging.link(here, what=chosen) if after else "",
    )


@room(Permission.WATCHLISTS_MANAGE, step_up=True)
def activate(visit: Visit, list_id: str, version_id: str) -> HttpResponse:
    """Screen against this version from now on; all parties are screened again."""
    confirms = visit.request.POST.get("confirms_shrinking") == "yes"

    def effect() -> str:
        record = activate_version(
            version_id=version_id, actor=visit.actor(), now=visit.now, confirms_shrinking=confirms
        )
        return f"Version {record.number} is screened against from now on; all parties are screened again."

    to = f"{visit.base}compliance/watchlists/{list_id}/versions/{version_id}/"
    return act_once(visit, operation="watchlists.activate", effect=effect, to=to)


@room(Permission.WATCHLISTS_MANAGE)
def discard(visit: Visit, list_id: str, version_id: str) -> HttpResponse:
    """Take back a version that is ready and shall not count."""

    def effect() -> str:
        record = discard_version(version_id=version_id, now=visit.now)
        return f"Version {record.number} is discarded."

    to = f"{visit.base}compliance/watchlists/{list_id}/"
    return act_once(visit, operation="watchlists.discard", effect=effect, to=to)


@room(Permission.WATCHLISTS_MANAGE)
def cancel(visit: Visit, list_id: str, version_id: str) -> HttpResponse:
    """Stop an import."""

    def effect() -> str:
        record = cancel_import(version_id=version_id, now=visit.now)
        return f"The import of {record.file_name} is canceled; nothing of it is left."

    to = f"{visit.base}compliance/watchlists/{list_id}/"
    return act_once(visit, operation="watchlists.cancel", effect=effect, to=to)
