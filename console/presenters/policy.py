"""Rule sets, drafts, differences, limits in use and lists, as people read them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from console.builder import words
from console.marks import mark
from console.presenters.rules import amount_words, limit_sentence, scope_words, sentence, tree_lines
from console.presenters.words import NONE, grouped
from console.types import Proof
from console.types.ledger import Field, Option
from console.types.policy import ChangeRow, RuleRow

Document = Mapping[str, Any]
Hits = Mapping[str, int]

ACTION_MARKS: Final = {
    "accept_with_note": "noted",
    "review": "review",
    "block_and_review": "blocked",
    "decline": "declined",
}
OUTCOME_WORDS: Final = {
    "passed": "does not hold",
    "noted": "accepted with a note",
    "review": "held for review",
    "blocked": "blocked and held",
    "declined": "declined",
    "not_applicable": "is not asked of it",
}
_DECISION_WORDS: Final = {"accepted": "accepted", "review": "held for review", "declined": "declined"}
_UNANSWERED: Final = {"": "as the workspace is set", "review": "hold for review", "decline": "decline"}


def rule_rows(
    document: Document, *, hits: Hits | None = None, span: str = "", edit: str = "", remove_url: str = ""
) -> tuple[tuple[RuleRow, ...], tuple[RuleRow, ...]]:
    """The rules and the limits of a document. ``edit`` is where each is edited, its name behind it."""

    def told(name: str) -> str:
        if hits is None:
            return ""
        return (
            f"{grouped(hits[name])} {'time' if hits[name] == 1 else 'times'} {span}"
            if hits.get(name)
            else f"never {span}"
        )

    def row(rule: Document, what: str) -> RuleRow:
        name = str(rule.get("name"))
        when = rule.get("when")
        return RuleRow(
            name=name,
            anchor=f"{what}-{name}".replace(".", "-"),
            action=action_mark(str(rule.get("action"))),
            sentence=capital(sentence(when) if when else limit_sentence(rule)),
            scope=capital(scope_words(rule.get("scope"))),
            reason=str(rule.get("reason") or ""),
            score=str(rule.get("score", 0)),
            is_enabled=bool(rule.get("is_enabled", True)),
            notes=tuple(_notes(rule)),
            lines=tree_lines(when) if when else (),
            hits=told(name),
            edit_url=f"{edit}{what}s/{name}/" if edit else "",
            remove_url=remove_url,
        )

    return (
        tuple(row(rule, "rule") for rule in document.get("rules") or ()),
        tuple(row(limit, "limit") for limit in document.get("limits") or ()),
    )


def action_mark(action: str) -> Any:
    """An action's glyph and words."""
    return mark(ACTION_MARKS.get(action, "none"), says=words.ACTIONS.get(action, action))


def outcome_mark(outcome: str) -> Any:
    """What a rule, or a decision, came to."""
    told = OUTCOME_WORDS.get(outcome) or _DECISION_WORDS.get(outcome) or outcome
    return mark("passed" if outcome == "accepted" else outcome, says=told)


def capital(text: str) -> str:
    """A sentence begins with a capital; the rest stays as it is."""
    start = 1 if text.startswith("(") else 0
    return text[:start] + text[start : start + 1].upper() + text[start + 1 :]


def _notes(rule: Document) -> list[str]:
    told = []
    if rule.get("lane"):
        told.append(f"at least lane {rule['lane']}")
    if rule.get("four_eyes"):
        told.append("two people approve")
    if tags := rule.get("tags"):
        told.append(f"routing is told {', '.join(tags)}")
    if rule.get("on_missing"):
        told.append(f"not known: {_UNANSWERED.get(rule['on_missing'], rule['on_missing'])}")
    return told


def settings_rows(document: Document) -> tuple[Proof, ...]:
    """What holds for the whole set."""
    settings = document.get("settings") or {}
    eyes = settings.get("four_eyes") or {}
    lanes = " · ".join(f"{each['lane']} from {each['from_score']}" for each in settings.get("lanes") or ())
    seconds = settings.get("hold_expires_after_seconds")
    return (
        Proof("something is not known", _UNANSWERED.get(str(settings.get("on_missing", "")), NONE)),
        Proof("a rule fails", _UNANSWERED.get(str(settings.get("on_error", "")), NONE)),
        Proof("lanes", lanes or "A from 0 · B from 30 · C from 60"),
        Proof("two people from", amount_words(eyes["amount_minor"]) if eyes.get("amount_minor") is not None else NONE),
        Proof("two people after", ", ".join(eyes.get("rules") or ()) or NONE),
        Proof("holds expire", _after(seconds) if isinstance(seconds, int) else "after 7 days"),
    )


def _after(seconds: int) -> str:
    days, rest = divmod(seconds, 86_400)
    return f"after {days} days" if days and not rest else f"after {seconds // 3_600} hours"


def settings_fields(typed: Mapping[str, str]) -> tuple[Field, ...]:
    """The form of the settings; ``placeholder`` is the hint under a field."""

    def unanswered(name: str, label: str) -> Field:
        chosen = typed.get(name, "")
        return Field(name, label, options=tuple(Option(key, said, key == chosen) for key, said in _UNANSWERED.items()))

    return (
        unanswered("on_missing", "When something is not known"),
        unanswered("on_error", "When a rule fails"),
        Field("lanes", "Lanes, one a line", typed.get("lanes", ""), "lines",
              placeholder="A name and the score it begins at: B 30."),
        Field("four_eyes_amount", "Two people approve from", typed.get("four_eyes_amount", ""), "lines",
              placeholder="A currency and an amount in major units a line; otherwise, in minor units."),
        Field("four_eyes_rules", "Two people after these rules", typed.get("four_eyes_rules", ""), "lines"),
        Field("four_eyes_kinds", "Two people for these kinds", typed.get("four_eyes_kinds", ""), "lines"),
        Field("hold_hours", "Holds expire after, hours", typed.get("hold_hours", "")),
    )  # fmt: skip


# --- differences -----------------------------------------------------------------------------------------------------


def change_rows(left: Document, right: Document) -> tuple[ChangeRow, ...]:
    """What differs between two documents: rules, limits, then settings."""
    rows: list[ChangeRow] = []
    for key, what in (("rules", "rule"), ("limits", "limit")):
        before = {str(each.get("name")): each for each in left.get(key) or ()}
        after = {str(each.get("name")): each for each in right.get(key) or ()}
        rows += [_added(after[name], what) for name in after if name not in before]
        rows += [_removed(before[name], what) for name in before if name not in after]
        rows += [
            _changed(before[name], after[name], what)
            for name in after
            if name in before and after[name] != before[name]
        ]
        shared = [name for name in after if name in before]
        if shared != [name for name in before if name in after]:
            rows.append(ChangeRow(mark("pending", says="moved"), f"order of {key}", "", "", ""))
    details = [
        (was.name, was.value, now.value) for was, now in zip(settings_rows(left), settings_rows(right), strict=True)
    ]
    if differing := tuple(each for each in details if each[1] != each[2]):
        rows.append(ChangeRow(mark("review", says="changed"), "settings", "for the whole set", details=differing))
    return tuple(rows)


def _says(rule: Document) -> str:
    return capital(sentence(rule["when"]) if rule.get("when") else limit_sentence(rule))


def _whole(rule: Document) -> str:
    return f"{_says(rule)} → {words.ACTIONS.get(str(rule.get('action')), '')}, score {rule.get('score', 0)}"


def _added(rule: Document, what: str) -> ChangeRow:
    return ChangeRow(mark("active", says="added"), str(rule["name"]), what, now=_whole(rule))


def _removed(rule: Document, what: str) -> ChangeRow:
    return ChangeRow(mark("declined", says="removed"), str(rule["name"]), what, was=_whole(rule))


def _changed(before: Document, after: Document, what: str) -> ChangeRow:
    was, now = _says(before), _says(after)
    pairs = [(name, _part(before, name), _part(after, name)) for name in _TOLD]
    told = tuple((name.replace("_", " "), old, new) for name, old, new in pairs if old != new)
    differs = was != now
    return ChangeRow(
        mark("review", says="changed"), str(after["name"]), what, was if differs else "", now if differs else "", told
    )


_TOLD: Final = (
    "action", "score", "scope", "reason", "lane", "tags", "four_eyes", "is_enabled", "on_missing", "on_error",
)  # fmt: skip
_DEFAULTS: Final[Mapping[str, object]] = {"score": 0, "four_eyes": False, "is_enabled": True}


def _part(rule: Document, name: str) -> str:
    value = rule.get(name, _DEFAULTS.get(name))
    if name == "scope":
        return scope_words(value if isinstance(value, Mapping) else None)
    if name == "action":
        return words.ACTIONS.get(str(value), str(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(str(each) for each in value) or NONE
    return str(value) if value not in (None, "") else NONE
