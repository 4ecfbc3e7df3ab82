"""Drafts of rule sets: written by one, published by another."""

from typing import Any, Final

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render

from console.asked import asked, read_place
from console.builder.closing import keep_unchanged
from console.builder.settings import close_settings, open_settings
from console.builder.typed import Problem
from console.doors import Visit, room
from console.forms import Done, FormIncomplete, act_once, words
from console.marks import mark
from console.presenters import policy as present
from console.presenters.words import NONE, dated, moment
from console.readings.policy import list_names, people_of
from console.shell import build_shell
from console.types import Chip, Proof
from console.types.builder import ProblemLine
from console.types.policy import DraftPage, DraftRow, DraftsPage
from console.views.policy import context, policy_tabs
from policy.rules.documents import validate_document
from policy.rules.reading import RuleError
from policy.rulesets.operations import discard_draft, edit_draft, publish_draft, validate_draft
from policy.rulesets.queries import as_second_format, get_draft, list_drafts, live_rule_set
from policy.rulesets.types import DraftRecord
from zentra.tenants.permissions import Permission

PAGE: Final = 50
STATES: Final = (("open", "Open"), ("published", "Published"), ("discarded", "Discarded"))


@room(Permission.POLICY_READ)
def show_drafts(visit: Visit) -> HttpResponse:
    """Drafts, the last edited first."""
    said = asked(visit, "state")
    state = said if said in {key for key, _ in STATES} else "open"
    found = list_drafts(state=state, limit=PAGE)
    people = people_of(each for row in found for each in (row.edited_by, *row.editors))
    here = f"{visit.base}policy/drafts/"
    page = DraftsPage(
        tabs=policy_tabs(visit, "drafts"),
        states=tuple(Chip(title, f"{here}?state={key}", key == state) for key, title in STATES),
        rows=tuple(
            DraftRow(
                row.id,
                f"{here}{row.id}/",
                row.name,
                mark(row.state),
                str(row.based_on),
                people.get(row.edited_by, row.edited_by),
                ", ".join(people.get(each, each) for each in row.editors),
                moment(row.edited_at, visit.now),
            )
            for row in found
        ),
        new_url=f"{here}new/" if visit.may(Permission.POLICY_DRAFT) else "",
    )
    return render(visit.request, "console/policy/drafts.html", context(visit, page))


@room(Permission.POLICY_READ)
def show_draft(visit: Visit, draft_id: str) -> HttpResponse:
    """A draft: its rules, what it changes, and what this person may do with it."""
    return _show(visit, get_draft(draft_id=draft_id))


def _show(
    visit: Visit, draft: DraftRecord, *, typed: dict[str, str] | None = None, problems: tuple[Problem, ...] = ()
) -> HttpResponse:
    page = _page(visit, draft, typed, problems)
    shell = build_shell(visit, room="policy")
    return render(
        visit.request, "console/policy/draft.html", {"shell": shell, "page": page}, status=422 if problems else 200
    )


def _page(visit: Visit, draft: DraftRecord, typed: dict[str, str] | None, problems: tuple[Problem, ...]) -> DraftPage:
    here = f"{visit.base}policy/drafts/{draft.id}/"
    live, live_document, _, _ = live_rule_set()
    is_open = draft.state in {"draft", "validated"}
    may_edit = is_open and visit.may(Permission.POLICY_DRAFT)
    rules, limits = present.rule_rows(
        draft.document, edit=here if may_edit else "", remove_url=f"{here}take-out/" if may_edit else ""
    )
    errors = validate_document(draft.document, lists=list_names()) if is_open else []
    people = people_of([draft.made_by, draft.edited_by, draft.validated_by or "", draft.ended_by or "", *draft.editors])
    publish_url, note = _publishing(visit, draft, people, is_outdated=draft.based_on != live)
    settings = draft.document.get("settings") or {}
    return DraftPage(
        draft_id=draft.id,
        name=draft.name,
        state=mark(draft.state),
        words=f"copied from version {draft.based_on}, edited by {people.get(draft.edited_by, draft.edited_by)}",
        version=str(draft.version),
        rules=rules,
        limits=limits,
        settings=present.settings_rows(draft.document),
        changes=present.change_rows(as_second_format(document=live_document), draft.document) if is_open else (),
        against=str(live),
        against_live=True,
        facts=_facts(draft, people),
        next_number=str(live + 1),
        problems=(
            *(_problem_of(draft, here, each) for each in errors),
            *(ProblemLine("For the whole set", each.message, f"#s-{each.pointer.strip('/')}") for each in problems),
        ),
        add_rule_url=f"{here}rules/new/" if may_edit else "",
        add_limit_url=f"{here}limits/new/" if may_edit else "",
        validate_url=f"{here}validate/" if may_edit and draft.state == "draft" else "",
        validate_words="Checked rule by rule; then a second person can publish it.",
        publish_url=publish_url,
        publish_note=note,
        rebase_url=f"{here}rebase/" if may_edit and draft.based_on != live else "",
        discard_url=f"{here}discard/" if may_edit else "",
        settings_url=f"{here}settings/" if may_edit else "",
        settings_form=present.settings_fields(typed or open_settings(settings)) if may_edit else (),
        settings_open=bool(problems),
    )


def _publishing(visit: Visit, draft: DraftRecord, people: dict[str, str], *, is_outdated: bool) -> tuple[str, str]:
    """Where this person publishes, or why they do not."""
    if draft.state == "published":
        return "", f"Published as version {draft.published_version}."
    if draft.state == "discarded":
        return "", "It was discarded; its history stays."
    if is_outdated:
        return (
            "",
            "Other rules were published since it was begun. Compare below, then base it on the live ones.",
        )
    if visit.member.user_id in draft.editors:
        return "", "You edited this draft; another person has to publish it."
    if not visit.may(Permission.POLICY_PUBLISH):
        return "", "Compliance and admins publish rules."
    if draft.state != "validated":
        return "", "It has to be validated first."
    writers = ", ".join(people.get(each, each) for each in draft.editors)
    return f"{visit.base}policy/drafts/{draft.id}/publish/", f"Written by {writers}. You read it as the second person."


def _facts(draft: DraftRecord, people: dict[str, str]) -> tuple[Proof, ...]:
    rows = [
        Proof("draft", draft.id, draft.id),
        Proof("begun", f"{dated(draft.created_at)} UTC"),
        Proof("by", people.get(draft.made_by, draft.made_by)),
        Proof("written by", ", ".join(people.get(each, each) for each in draft.editors)),
        Proof("edited", f"{dated(draft.edited_at)} UTC"),
        Proof("revision", str(draft.version)),
        Proof("validated", f"{dated(draft.validated_at)} UTC" if draft.validated_at else NONE),
    ]
    if draft.restores:
        rows.append(Proof("restores", f"version {draft.restores}"))
    if draft.ended_at:
        rows.append(Proof("ended", f"{dated(draft.ended_at)} UTC"))
        rows.append(Proof("by", people.get(draft.ended_by or "", draft.ended_by or NONE)))
    return tuple(rows)


def _problem_of(draft: DraftRecord, here: str, error: RuleError) -> ProblemLine:
    """An error of the rule set with the way to where it is mended."""
    _, key, *rest = [*error.pointer.split("/"), ""]
    members = draft.document.get(key) if key in {"rules", "limits"} else None
    if members and rest[0].isdecimal() and int(rest[0]) < len(members):
        name = str(members[int(rest[0])].get("name"))
        return ProblemLine(name, error.message, f"{here}{key}/{name}/")
    return ProblemLine(error.pointer or "The document", error.message, "#s-lanes" if key == "settings" else "#")


# --- acts ------------------------------------------------------------------------------------------------------------


def _act(visit: Visit, draft_id: str, operation: str, effect: Any) -> HttpResponse:
    to = f"{visit.base}policy/drafts/{draft_id}/"
    return act_once(visit, operation=f"policy.{operation}", effect=effect, to=to)


def _version(visit: Visit) -> int:
    return read_place(visit.request.POST.get("version", "")) or 0


@room(Permission.POLICY_DRAFT)
def validate(visit: Visit, draft_id: str) -> HttpResponse:
    """Check it; when nothing is wrong another person may publish it."""
    draft = get_draft(draft_id=draft_id)
    if validate_document(draft.document, lists=list_names()):
        return _show(visit, draft)

    def effect() -> str:
        validate_draft(draft_id=draft_id, version=_version(visit), actor=visit.actor(), now=visit.now)
        return "Nothing is wrong with it. Another person has to publish it."

    return _act(visit, draft_id, "validate", effect)


@room(Permission.POLICY_PUBLISH, step_up=True)
def publish(visit: Visit, draft_id: str) -> HttpResponse:
    """Put it in force, as the second person."""

    def effect() -> Done:
        record = publish_draft(
            draft_id=draft_id, version=_version(visit), note=words(visit, "note"), actor=visit.actor(), now=visit.now
        )
        return Done(f"Version {record.version} is live: it holds for every intent from now on.", f"{visit.base}policy/")

    return _act(visit, draft_id, "publish", effect)


@room(Permission.POLICY_DRAFT)
def discard(visit: Visit, draft_id: str) -> HttpResponse:
    """Give it up."""

    def effect() -> Done:
        words(visit, "reason")
        draft = discard_draft(draft_id=draft_id, actor=visit.actor(), now=visit.now)
        return Done(f"“{draft.name}” is discarded.", f"{visit.base}policy/drafts/")

    return _act(visit, draft_id, "discard", effect)


@room(Permission.POLICY_DRAFT)
def rebase(visit: Visit, draft_id: str) -> HttpResponse:
    """Say that it was brought up to the live rules."""

    def effect() -> str:
        draft, (live, _, _, _) = get_draft(draft_id=draft_id), live_rule_set()
        edit_draft(
            draft_id=draft_id,
            document=draft.document,
            version=_version(visit),
            based_on=live,
            actor=visit.actor(),
            now=visit.now,
        )
        return f"It stands on version {live} now. What differs from it is listed below; validate it again."

    return _act(visit, draft_id, "rebase", effect)


@room(Permission.POLICY_DRAFT)
def take_out(visit: Visit, draft_id: str) -> HttpResponse:
    """Take a rule or limit out of the draft."""
    name = words(visit, "name")

    def effect() -> str:
        document = get_draft(draft_id=draft_id).document
        kept: dict[str, Any] = {
            key: [each for each in document.get(key) or () if each.get("name") != name]
            for key in ("rules", "limits")
            if key in document
        }
        _edit(visit, draft_id, {**document, **kept})
        return f"{name} is out of the draft."

    return _act(visit, draft_id, "take_out", effect)


@room(Permission.POLICY_DRAFT)
def settings(visit: Visit, draft_id: str) -> HttpResponse:
    """Change what holds for the whole set."""
    draft = get_draft(draft_id=draft_id)
    original = draft.document.get("settings") or {}
    typed = {name: visit.request.POST.get(name, "") for name in open_settings(original)}
    problems: list[Problem] = []
    made = close_settings(typed, problems)
    if not problems:
        baseline = close_settings(open_settings(original), [])
        document = {**draft.document, "settings": keep_unchanged(made, original=original, baseline=baseline)}
        found = validate_document(document, lists=list_names())
        problems = [Problem(_field(each), each.message) for each in found if each.pointer.startswith("/settings")]
    if problems:
        return _show(visit, draft, typed=typed, problems=tuple(problems))

    def effect() -> str:
        _edit(visit, draft_id, document)
        return "The settings are in the draft."

    with transaction.atomic():
        return _act(visit, draft_id, "settings", effect)


def _field(error: RuleError) -> str:
    """The field of the form that an error of the settings belongs to."""
    parts = error.pointer.removeprefix("/settings/").split("/")
    if parts[0] == "four_eyes":
        return f"/four_eyes_{parts[1].replace('amount_minor', 'amount')}" if len(parts) > 1 else "/four_eyes_amount"
    return f"/{parts[0].replace('hold_expires_after_seconds', 'hold_hours')}"


def _edit(visit: Visit, draft_id: str, document: dict[str, Any]) -> None:
    version = _version(visit)
    if not version:
        raise FormIncomplete("The form has no revision; open the page again.")
    edit_draft(draft_id=draft_id, document=document, version=version, actor=visit.actor(), now=visit.now)
