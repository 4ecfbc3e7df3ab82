"""Reads a whole rule set: settings, rules and limits. What is read without errors compiles, and nothing else does."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from policy import subjects
from policy.rules import nodes
from policy.rules.first_format import as_second_format
from policy.rules.nodes import Common, Corridor, FourEyes, Lane, Limit, Rule, RuleSetSpec, Scope, Settings, Unanswered
from policy.rules.reading import Place, Reader, RuleError, said
from policy.rules.trees import TreeReader, counted, window
from policy.rules.types import Action, Measure
from zentra.core.errors import DomainError
from zentra.core.money import MAX_AMOUNT_MINOR

SCHEMA: Final = 2
MOST_RULES: Final = 200
MOST_LIMITS: Final = 50
LONGEST_HOLD: Final = 90 * 86_400
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_TAG: Final = re.compile(r"[a-z][a-z0-9_]{0,31}:[A-Za-z0-9_.-]{1,64}")
_COMMON: Final = (
    "scope", "score", "lane", "tags", "four_eyes", "is_enabled", "on_missing", "on_error",
)  # fmt: skip
_UNANSWERED: Final = get_args(Unanswered)


class InvalidRuleSet(DomainError):
    """The rules cannot be used; ``errors`` says what is wrong where."""

    code = "invalid_rule_set"
    status = 422
    title = "The rule set is not valid"


@dataclass(frozen=True, slots=True)
class Read:
    """A document that was read: the rule set when nothing is wrong, else what is."""

    spec: RuleSetSpec | None
    errors: tuple[RuleError, ...]


def read_document(document: object, *, lists: Collection[str] | None = None) -> Read:
    """Read a rule set of either format. ``lists`` are the names of the workspace's lists; None does not ask."""
    reader = Reader(lists)
    spec = _Document(reader).read(as_second_format(document))
    return Read(None if reader.errors else spec, tuple(reader.errors))


def validate_document(document: object, *, lists: Collection[str] | None = None) -> list[RuleError]:
    """Everything that is wrong with a rule set, each with its place (RFC 6901); none when it can be used."""
    return list(read_document(document, lists=lists).errors)


def check_document(document: object, *, lists: Collection[str] | None = None) -> RuleSetSpec:
    """The rule set, typed; raises InvalidRuleSet."""
    read = read_document(document, lists=lists)
    if read.spec is None:
        count = len(read.errors)
        first = read.errors[0]
        raise InvalidRuleSet(
            f"{first.pointer or 'The document'}: {first.message}" + (f" ({count - 1} more)" if count > 1 else ""),
            errors=[error.as_dict() for error in read.errors],
        )
    return read.spec


class _Document:
    """One document being read."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.settings = Settings()
        self.names: set[str] = set()

    def read(self, document: object) -> RuleSetSpec:
        reader = self.reader
        members = reader.members(document, (), ("schema", "rules"), ("settings", "limits"))
        if members.get("schema", SCHEMA) != SCHEMA or isinstance(members.get("schema"), bool | float):
            reader.refuse(("schema",), "not_allowed", f"Must be {SCHEMA}.")
        self.settings = self._settings(members.get("settings", {}))
        rules = reader.items(members, "rules", (), self._rule, most=MOST_RULES)
        limits = reader.items(members, "limits", (), self._limit, most=MOST_LIMITS)
        for index, name in enumerate(self.settings.four_eyes.rules):
            if name and name not in self.names:
                place = ("settings", "four_eyes", "rules", index)
                reader.refuse(place, "unknown_rule", f"There is no rule {said(name)}.")
        return RuleSetSpec(self.settings, rules, limits)

    def _settings(self, value: object) -> Settings:
        place: Place = ("settings",)
        usual = Settings()
        members = self.reader.members(
            value, place, (), ("on_missing", "on_error", "lanes", "four_eyes", "hold_expires_after_seconds")
        )
        return Settings(
            self.reader.choice(members, "on_missing", place, _UNANSWERED, usual.on_missing),
            self.reader.choice(members, "on_error", place, _UNANSWERED, usual.on_error),
            self._lanes(members, place) if "lanes" in members else usual.lanes,
            self._four_eyes(members["four_eyes"], (*place, "four_eyes")) if "four_eyes" in members else FourEyes(),
            self.reader.integer(
                members, "hold_expires_after_seconds", place, 3_600, LONGEST_HOLD, usual.hold_expires_after_seconds
            ),
        )

    def _lanes(self, members: Mapping[str, Any], place: Place) -> tuple[Lane, ...]:
        reader = self.reader
        lanes = reader.items(members, "lanes", place, self._lane, most=10, least=1)
        scores = [lane.from_score for lane in lanes]
        at = (*place, "lanes")
        if lanes and (scores[0] != 0 or scores != sorted(set(scores))):
            reader.refuse(at, "wrong_order", "The first lane begins at 0, each other one above the one before it.")
        if len({lane.lane for lane in lanes}) != len(lanes):
            reader.refuse(at, "duplicate_name", "Each lane is named once.")
        return lanes

    def _lane(self, value: object, place: Place) -> Lane:
        members = self.reader.members(value, place, ("lane", "from_score"))
        return Lane(
            self.reader.text(members, "lane", place, most=20), self.reader.integer(members, "from_score", place, 0, 100)
        )

    def _four_eyes(self, value: object, place: Place) -> FourEyes:
        reader = self.reader
        members = reader.members(value, place, (), ("amount_minor", "rules", "kinds"))
        amount = members.get("amount_minor")
        return FourEyes(
            None if amount is None else reader.amount(amount, (*place, "amount_minor")),
            reader.items(members, "rules", place, reader.words, most=MOST_RULES),
            reader.items(members, "kinds", place, self._kind, most=len(subjects.KINDS)),
        )

    def _rule(self, value: object, place: Place) -> Rule:
        members = self.reader.members(value, place, ("name", "action", "reason", "when"), _COMMON)
        common = self._common(members, place)
        tree = TreeReader(self.reader, common.scope.kinds or subjects.KINDS)
        when: nodes.Node = nodes.Presence("amount_minor", is_missing=True)
        if "when" in members:
            when = tree.node(members["when"], (*place, "when"))
        return Rule(common, when)

    def _limit(self, value: object, place: Place) -> Limit:
        reader = self.reader
        members = reader.members(
            value, place, ("name", "action", "reason", "measure", "by", "window", "limit"), (*_COMMON, "counts")
        )
        common = self._common(members, place)
        measure = reader.choice(members, "measure", place, get_args(Measure))
        most, at = members.get("limit", 0), (*place, "limit")
        return Limit(
            common,
            measure,
            # A limit by card holds nobody who has none, whatever the kinds in scope.
            TreeReader(reader, ("payment",)).dimension(members, place),
            window(reader, members, place),
            counted(reader, members, place, with_amounts=False),
            reader.amount(most, at) if measure == "sum" else nodes.Amount(reader.whole(most, at, 0, MAX_AMOUNT_MINOR)),
        )

    def _common(self, members: Mapping[str, Any], place: Place) -> Common:
        reader, settings = self.reader, self.settings
        lanes = [lane.lane for lane in settings.lanes]
        return Common(
            self._name(members, place),
            reader.choice(members, "action", place, get_args(Action)),
            reader.integer(members, "score", place, 0, 100, 0),
            self._scope(members["scope"], (*place, "scope")) if "scope" in members else Scope(),
            reader.text(members, "reason", place),
            reader.one_of(members["lane"], (*place, "lane"), lanes) if "lane" in members else "",
            reader.items(members, "tags", place, self._tag, most=10),
            reader.boolean(members, "four_eyes", place, default=False),
            reader.boolean(members, "is_enabled", place, default=True),
            reader.choice(members, "on_missing", place, _UNANSWERED, settings.on_missing),
            reader.choice(members, "on_error", place, _UNANSWERED, settings.on_error),
        )

    def _name(self, members: Mapping[str, Any], place: Place) -> str:
        name, at = self.reader.text(members, "name", place, most=80), (*place, "name")
        if name and not _NAME.fullmatch(name):
            self.reader.refuse(at, "not_allowed", "Must be lower-case words joined by dots, such as limit.hard_cap.")
        elif name in self.names:
            self.reader.refuse(at, "duplicate_name", f"Another rule or limit is called {said(name)}.")
        if name:
            self.names.add(name)
        return name

    def _scope(self, value: object, place: Place) -> Scope:
        reader = self.reader
        members = reader.members(value, place, (), ("kinds", "corridors", "accounts", "segments"))
        return Scope(
            reader.items(members, "kinds", place, self._kind, most=len(subjects.KINDS)),
            reader.items(members, "corridors", place, self._corridor, most=50),
            reader.items(members, "accounts", place, reader.words, most=200),
            reader.items(members, "segments", place, reader.words, most=50),
        )

    def _kind(self, value: object, place: Place) -> str:
        return self.reader.one_of(value, place, subjects.KINDS)

    def _corridor(self, value: object, place: Place) -> Corridor:
        members = self.reader.members(value, place, (), ("source", "destination", "method"))
        ends = {end: self.reader.text(members, end, place, most=64) for end in members if end in _ENDS}
        return Corridor(**ends)

    def _tag(self, value: object, place: Place) -> str:
        text = self.reader.words(value, place, most=100)
        if text and not _TAG.fullmatch(text):
            self.reader.refuse(place, "not_allowed", "Must be a word, a colon and a value, such as avoid:rail_south.")
        return text


_ENDS: Final = frozenset(("source", "destination", "method"))
