"""The rule builder: one rule or limit of a draft as a form of conditions, tested on past intents before it is saved."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from console.builder.acts import BLANKS, act
from console.builder.amounts import COMMON
from console.builder.closing import Closed, close_limit, close_rule, keep_unchanged
from console.builder.form import read_rule
from console.builder.opening import open_limit, open_rule
from console.builder.typed import Path, Problem, TypedRule, place_of
from console.builder.words import ACTIONS
from console.doors import Visit, room
from console.forms import act_once
from console.presenters import builder as present
from console.presenters.policy import capital, outcome_mark
from console.presenters.rules import limit_sentence, preorder, scope_words, sentence
from console.presenters.words import money, took
from console.readings.policy import lane_names, list_names, lists_there, recent_intents
from console.refusals import explain
from console.shell import build_shell
from console.types import Mark
from console.types.builder import BuilderPage, TrialView
from policy.rules.documents import validate_document
from policy.rulesets.errors import StaleDraft
from policy.rulesets.operations import edit_draft
from policy.rulesets.queries import get_draft
from policy.rulesets.trying import test_rule_set
from policy.rulesets.types import DraftRecord
from policy.subjects import FIELDS
from zentra.core.errors import DomainError
from zentra.tenants.permissions import Permission

What = Literal["rule", "limit"]
NEW: Final = "new"
TYPES: Final[Mapping[str, str]] = {name: each.type for name, each in FIELDS.items()}
_BLANK: Final = {
    "action": ("review",), "score": ("20",), "is_enabled": ("yes",), "measure": ("sum",), "by": ("customer",),
    "span": ("rolling",), "length": ("24",), "unit": ("hours",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Bench:
    """What is being built, and all that is known of it."""

    visit: Visit
    draft: DraftRecord
    what: What
    name: str
    typed: TypedRule
    original: Mapping[str, Any] | None
    focus: Path | None = None
    said: str = ""
    problems: tuple[Problem, ...] = ()
    error: DomainError | None = None
    test: TrialView | None = None
    test_intent: str = ""
    test_problem: str = ""
    seen: Mapping[Path, Mark] = field(default_factory=dict)

    @property
    def is_new(self) -> bool:
        return self.original is None

    @property
    def draft_url(self) -> str:
        return f"{self.visit.base}policy/drafts/{self.draft.id}/"

    @property
    def closed(self) -> Closed:
        """The document of what was typed; what nobody changed stands as it was written."""
        made = _close(self.typed, self.what)
        if self.original is None:
            return made
        baseline = _close(_open(self.original, self.what), self.what).document
        return Closed(keep_unchanged(made.document, original=self.original, baseline=baseline), made.problems)


@room(Permission.POLICY_DRAFT)
def rule(visit: Visit, draft_id: str, name: str) -> HttpResponse:
    """A rule of a draft; ``new`` is one that is not in it yet."""
    return _build(visit, draft_id, name, "rule")


@room(Permission.POLICY_DRAFT)
def limit(visit: Visit, draft_id: str, name: str) -> HttpResponse:
    """A limit of a draft; ``new`` is one that is not in it yet."""
    return _build(visit, draft_id, name, "limit")


def _build(visit: Visit, draft_id: str, name: str, what: What) -> HttpResponse:
    draft = get_draft(draft_id=draft_id)
    original = None if name == NEW else _find(draft.document, what, name)
    if visit.request.method != "POST":
        return _show(_Bench(visit, draft, what, name, _open(original, what), original))
    typed = read_rule(visit.request.POST, has_condition=what == "rule")
    bench = _Bench(visit, draft, what, name, typed, original, test_intent=_text(visit.request, "test_intent"))
    asked = visit.request.POST.get("do", "refresh")
    if asked == "save":
        return _save(bench)
    if asked == "test" or asked.startswith("test="):
        return _show(_tested(replace(bench, test_intent=asked.partition("=")[2] or bench.test_intent)))
    if typed.when is not None and ":" in asked:
        done = act(typed.when, asked)
        bench = replace(bench, typed=replace(typed, when=done.root), focus=done.focus, said=done.said)
    return _show(bench)


def _text(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").strip()[:80]


def _find(document: Mapping[str, Any], what: What, name: str) -> Mapping[str, Any] | None:
    return next((each for each in document.get(f"{what}s") or () if each.get("name") == name), None)


def _open(original: Mapping[str, Any] | None, what: What) -> TypedRule:
    if original is not None:
        return open_rule(original, TYPES) if what == "rule" else open_limit(original)
    group = replace(BLANKS["group"], kind="all")
    return TypedRule(_BLANK, group if what == "rule" else None)


def _close(typed: TypedRule, what: What) -> Closed:
    return close_rule(typed, TYPES) if what == "rule" else close_limit(typed)


# --- saving ----------------------------------------------------------------------------------------------------------


def _put(bench: _Bench, made: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """The draft's whole document with this rule in its place, and that place."""
    key = f"{bench.what}s"
    members = list(bench.draft.document.get(key) or ())
    place = next((at for at, each in enumerate(members) if bench.original is not None and each == bench.original), None)
    if place is None:
        members.append(made)
        place = len(members) - 1
    else:
        members[place] = made
    return {**bench.draft.document, key: members}, place


def _judged(bench: _Bench) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """The document with this rule, and what is wrong with the rule: the form first, then the rule set's own word."""
    closed = bench.closed
    document, place = _put(bench, closed.document)
    if closed.problems:
        return document, closed.problems
    own = f"/{bench.what}s/{place}"
    found = validate_document(document, lists=list_names())
    ours = (each for each in found if f"{each.pointer}/".startswith(f"{own}/"))
    return document, tuple(Problem(each.pointer.removeprefix(own), each.message) for each in ours)


def _save(bench: _Bench) -> HttpResponse:
    document, problems = _judged(bench)
    if problems:
        return _show(replace(bench, problems=problems))
    name = str(bench.closed.document["name"])
    version = bench.visit.request.POST.get("version", "")

    def effect() -> str:
        edit_draft(
            draft_id=bench.draft.id,
            document=document,
            version=int(version) if version.isdecimal() else 0,
            actor=bench.visit.actor(),
            now=bench.visit.now,
        )
        return f"{name} is in the draft. Another person has to publish it."

    try:
        with transaction.atomic():
            return act_once(bench.visit, operation="policy.edit", effect=effect, to=bench.draft_url)
    except StaleDraft as error:
        # What was typed stays; saved again, it takes the place of this one rule in the draft as it is now.
        return _show(replace(bench, draft=get_draft(draft_id=bench.draft.id), error=error))
    except DomainError as error:
        return _show(replace(bench, error=error))


# --- testing ---------------------------------------------------------------------------------------------------------


def _tested(bench: _Bench) -> _Bench:
    """What the rule, and the whole set with it, would say of a past intent. Nothing is written."""
    if not bench.test_intent:
        return replace(bench, test_problem="Name an intent, or choose one of the recent.")
    document, problems = _judged(bench)
    if problems:
        return replace(bench, problems=problems)
    try:
        preview = test_rule_set(document=document, intent_id=bench.test_intent, now=bench.visit.now)
    except DomainError as error:
        return replace(bench, test_problem=explain(error, workspace_id=bench.visit.workspace.id).why or error.title)
    made = bench.closed.document
    own = next((each for each in preview.rules if each.name == made["name"]), None)
    seen: dict[Path, Mark] = {}
    if own is not None and bench.typed.when is not None and "when" in made:
        for (_, pointer, _node), node in zip(preorder(made["when"]), own.nodes, strict=False):
            path, part = place_of(bench.typed.when, pointer)
            if not part:
                seen[path] = present.seen_mark(node)
    others = tuple(
        (each.name, outcome_mark(each.outcome), each.reason)
        for each in preview.rules
        if each.name != made["name"] and each.outcome not in {"passed", "not_applicable"}
    )
    amount = money(preview.amount_minor, preview.currency)
    eyes = ", two people approve" if preview.four_eyes else ""
    view = TrialView(
        intent_id=bench.test_intent,
        intent_url=f"{bench.visit.base}intents/{bench.test_intent}/",
        amount=f"{amount.major} {amount.currency}",
        rule=outcome_mark(own.outcome if own else "not_applicable"),
        words=f"It was {_was(preview.was)} then. The test asks the facts that were kept with that decision.",
        outcome=outcome_mark(preview.outcome),
        outcome_words=f"score {preview.score}, lane {preview.lane}{eyes}",
        took=took((own.us if own else 0) / 1000),
        others=others,
    )
    return replace(bench, test=view, seen=seen)


def _was(outcome: str) -> str:
    return {"review": "held for review"}.get(outcome, outcome)


# --- showing ---------------------------------------------------------------------------------------------------------


def _show(bench: _Bench) -> HttpResponse:
    visit = bench.visit
    page = _page(bench)
    if visit.is_partial:
        return render(visit.request, "console/policy/builder_body.html", {"page": page})
    status = bench.error.status if bench.error else 422 if bench.problems else 200
    context = {"shell": build_shell(visit, room="policy"), "page": page}
    return render(visit.request, "console/policy/builder.html", context, status=status)


def _page(bench: _Bench) -> BuilderPage:
    visit, typed, made = bench.visit, bench.typed, bench.closed.document
    refusal = explain(bench.error, workspace_id=visit.workspace.id) if bench.error else None
    scene = present.Scene(
        problems=present.problems_by_node(typed.when, bench.problems),
        seen=bench.seen,
        lists=lists_there(visit.now),
        focus=bench.focus,
    )
    what = bench.what
    return BuilderPage(
        what=what,
        title=f"New {what}" if bench.is_new else bench.name,
        draft_name=bench.draft.name,
        draft_url=bench.draft_url,
        action=f"{bench.draft_url}{what}s/{bench.name}/",
        version=str(bench.draft.version),
        is_new=bench.is_new,
        around=present.around_inputs(typed, bench.problems, lanes=lane_names(bench.draft.document)),
        scope=present.scope_inputs(typed, bench.problems),
        measures=() if typed.when else present.limit_inputs(typed, bench.problems),
        root=present.node_view(typed.when, scene) if typed.when else None,
        sentence=_in_words(made),
        scope_words=scope_words(made.get("scope")),
        has_scope=bool(made.get("scope")),
        said=bench.said,
        problems=present.summary(typed.when, bench.problems),
        problem=f"{refusal.title}. {refusal.why}".strip() if refusal else "",
        problem_next=refusal.next if refusal else "",
        test=bench.test,
        test_intent=bench.test_intent,
        test_problem=bench.test_problem,
        recent=recent_intents(now=visit.now, limit=12),
        may_save=bench.draft.state in {"draft", "validated"},
        currencies=COMMON,
    )


def _in_words(made: Mapping[str, Any]) -> str:
    action = ACTIONS.get(str(made.get("action")), "")
    if "when" in made:
        return f"When {sentence(made['when'])}: {action}."
    return f"{capital(limit_sentence(made))}; beyond that: {action}."
