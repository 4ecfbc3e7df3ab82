"""The builder's language: any rule survives form → rule → form, amounts are exact, and errors point at their node."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.builder.acts import MAX_DEPTH, act
from console.builder.amounts import minor_of
from console.builder.closing import close_limit, close_rule, keep_unchanged
from console.builder.form import MultiFields, fields_of, read_rule
from console.builder.opening import open_limit, open_node, open_rule
from console.builder.typed import TypedNode, TypedRule, place_of, pointer_of, written
from console.builder.words import ACTIONS, BYS, COMPARISONS, MEASURES
from policy.subjects import FIELDS, KINDS
from zentra.core.money import MAX_AMOUNT_MINOR, format_minor

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no finding
TYPES = {name: field.type for name, field in FIELDS.items()}

whole = st.integers(0, MAX_AMOUNT_MINOR)
word = st.text(
    st.characters(categories=["L", "N", "P", "S"], exclude_characters="\x85\u2028\u2029"), min_size=1, max_size=12
)
name = st.from_regex(r"[a-z]{1,8}\.[a-z_]{1,8}", fullmatch=True)
code = st.sampled_from(["USD", "EUR", "JPY", "BHD", "GBP"])
amount = whole | st.fixed_dictionaries(
    {"by_currency": st.dictionaries(code, whole, min_size=1, max_size=3), "otherwise": whole}
)
window = st.builds(lambda n: {"rolling_seconds": n}, st.integers(1, 40 * 86_400)) | st.sampled_from(
    [{"calendar": "day"}, {"calendar": "week"}, {"calendar": "month"}]
)
kinds = st.lists(st.sampled_from(KINDS), min_size=1, max_size=2, unique=True)


def value_of(kind: str) -> st.SearchStrategy[Any]:
    return {
        "amount": amount,
        "integer": st.integers(-MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR),
        "text": word,
        "country": st.sampled_from(["US", "DE", "JP"]),
        "currency": code,
        "boolean": st.booleans(),
    }[kind]


@st.composite
def condition(draw: st.DrawFn) -> dict[str, Any]:
    field = draw(st.sampled_from(sorted(FIELDS)))
    kind = FIELDS[field].type
    op = draw(st.sampled_from(COMPARISONS[kind]))
    made: dict[str, Any] = {"op": op, "field": field}
    if op == "between":
        return {**made, "min": draw(value_of(kind)), "max": draw(value_of(kind))}
    if op in {"in", "not_in"}:
        return {**made, "values": draw(st.lists(value_of(kind), min_size=1, max_size=4))}
    if op in {"in_list", "not_in_list"}:
        return {**made, "list": draw(name)}
    if op in {"starts_with", "ends_with", "contains", "equals_ignoring_case"}:
        return {**made, "text": draw(word)}
    return made if op in {"is_missing", "is_present"} else {**made, "value": draw(value_of(kind))}


@st.composite
def windowed(draw: st.DrawFn) -> dict[str, Any]:
    measure = draw(st.sampled_from(sorted(MEASURES)))
    counts = draw(st.fixed_dictionaries({}, optional={"kinds": kinds, "from_minor": amount, "below_minor": amount}))
    made = {"op": "window", "measure": measure, "by": draw(st.sampled_from(sorted(BYS))), "window": draw(window),
            "compare": draw(st.sampled_from(["gt", "gte", "lt", "lte"])),
            "value": draw(amount if measure == "sum" else whole)}  # fmt: skip
    return {**made, "counts": counts} if counts else made


structured = st.fixed_dictionaries(
    {"op": st.just("structuring"), "by": st.sampled_from(sorted(BYS)), "window": window, "limit": amount,
     "within_percent": st.integers(1, 99), "at_least": st.integers(2, 50)}
)  # fmt: skip
tree = st.recursive(
    condition() | windowed() | structured,
    lambda inner: (
        st.fixed_dictionaries({"op": st.sampled_from(["all", "any"]), "of": st.lists(inner, min_size=1, max_size=4)})
        | st.fixed_dictionaries({"op": st.just("not"), "of": inner})
    ),
    max_leaves=20,
)
corridor = st.fixed_dictionaries(
    {"source": st.sampled_from(["*", "US"]), "destination": st.sampled_from(["*", "DE"]), "method": st.just("*")}
)
scope = st.fixed_dictionaries(
    {},
    optional={"kinds": kinds, "corridors": st.lists(corridor, min_size=1, max_size=3),
              "accounts": st.lists(word, min_size=1, max_size=3), "segments": st.lists(word, min_size=1, max_size=3)},
)  # fmt: skip
around = {
    "name": name,
    "action": st.sampled_from(sorted(ACTIONS)),
    "score": st.integers(0, 100),
    "scope": scope,
    "reason": word,
}
rules = st.fixed_dictionaries(
    {**around, "when": tree, "four_eyes": st.booleans(), "is_enabled": st.booleans()},
    optional={"lane": st.sampled_from(["A", "B"]), "tags": st.lists(word, min_size=1, max_size=3),
              "on_missing": st.sampled_from(["review", "decline"])},
)  # fmt: skip


def plain(rule: dict[str, Any]) -> dict[str, Any]:
    """The rule without defaults that are spelled out."""
    defaults = {"scope": {}, "four_eyes": False, "is_enabled": True}
    return {key: value for key, value in rule.items() if key not in defaults or value != defaults[key]}


def sent(rule: TypedRule) -> MultiFields:
    """The fields as a browser would send them."""
    form = MultiFields()
    for field, value in fields_of(rule):
        form.setdefault(field, []).append(value.replace("\n", "\r\n"))
    return form


@patient
@given(rules)
def test_any_rule_survives_the_form(rule: dict[str, Any]) -> None:
    typed = open_rule(rule, TYPES)
    closed = close_rule(read_rule(sent(typed)), TYPES)
    assert closed.problems == ()
    assert plain(closed.document) == plain(rule)
    again = close_rule(read_rule(sent(open_rule(closed.document, TYPES))), TYPES).document
    assert keep_unchanged(again, original=rule, baseline=closed.document) == rule


limits = st.fixed_dictionaries(
    {**around, "measure": st.just("sum"), "by": st.just("customer"), "window": window, "limit": amount},
    optional={"counts": st.fixed_dictionaries({"kinds": kinds})},
)
BUTTONS = (
    "add_condition", "add_group", "add_window", "add_structuring", "remove", "up", "down", "wrap", "negate", "unwrap",
    "and", "or",
)  # fmt: skip


@patient
@given(limits)
def test_any_limit_survives_the_form(limit: dict[str, Any]) -> None:
    closed = close_limit(read_rule(sent(open_limit(limit)), has_condition=False))
    assert closed.problems == ()
    assert plain(closed.document) == plain(limit)
    assert keep_unchanged(closed.document, original=limit, baseline=closed.document) == limit


def test_only_what_was_changed_is_written_anew() -> None:
    rule = {"name": "a.b", "action": "review", "score": 5, "scope": {}, "reason": "why", "four_eyes": False, "x": 1,
            "when": {"op": "all", "of": [{"op": "window", "counts": {}, "measure": "count", "by": "card",
                     "window": {"rolling_seconds": 60, "calendar": None}, "compare": "gt", "value": 3}]}}  # fmt: skip
    baseline = close_rule(open_rule(rule, TYPES), TYPES).document
    form = sent(open_rule(rule, TYPES))
    form["r.score"] = ["6"]
    changed = close_rule(read_rule(form), TYPES).document
    assert keep_unchanged(changed, original=rule, baseline=baseline) == {**rule, "score": 6}
    form["r.kinds"] = ["payment"]
    changed = close_rule(read_rule(form), TYPES).document
    assert keep_unchanged(changed, original=rule, baseline=baseline)["scope"] == {"kinds": ["payment"]}


@patient
@given(tree)
def test_every_node_is_found_again_by_its_pointer(node: dict[str, Any]) -> None:
    root = open_node(node, TYPES)
    for path, _ in root.walk():
        assert place_of(root, f"{pointer_of(root, path)}/value") == (path, "value")


@patient
@given(tree, st.lists(st.tuples(st.sampled_from(BUTTONS), st.integers(0, 40)), max_size=6))
def test_no_button_leaves_a_tree_that_cannot_be_shown(node: dict[str, Any], acts: list[tuple[str, int]]) -> None:
    root = open_node(node, TYPES)
    for verb, position in acts:
        places = [path for path, _ in root.walk()]
        done = act(root, f"{verb}:{written(places[position % len(places)])}")
        root = done.root
        root.at(done.focus)
    again = read_rule(sent(TypedRule({}, root))).when
    assert again is not None
    assert [(path, each.kind) for path, each in again.walk()] == [(path, each.kind) for path, each in root.walk()]


def test_buttons_of_other_trees_change_nothing() -> None:
    root = open_node({"op": "all", "of": [{"op": "is_missing", "field": "card"}]}, TYPES)
    for asked in ("remove:0-9", "remove:0", "add_condition:0-0", "up:0-0", "dance:0", "remove:x", "", "unwrap:0"):
        assert act(root, asked).root == root


def test_a_tree_never_grows_deeper_than_a_rule_may_be() -> None:
    root = TypedNode("all", {}, (TypedNode("condition", {"field": ("card",), "op": ("is_missing",)}),))
    for _ in range(20):
        root = act(root, "wrap:0").root
    assert max(len(path) for path, _ in root.walk()) + 1 == MAX_DEPTH


@patient
@given(whole, code)
def test_an_amount_that_is_shown_is_read_as_the_same_minor_units(minor: int, currency: str) -> None:
    assert minor_of(format_minor(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("40,000.00", "USD", 4_000_000), ("40000", "USD", 4_000_000), ("40 000.5", "USD", 4_000_050), ("150", "JPY", 150),
     ("1.234", "BHD", 1_234), ("0.01", "EUR", 1)],
)  # fmt: skip
def test_major_units_become_exact_minor_units(text: str, currency: str, minor: int) -> None:
    assert minor_of(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [("40.001", "USD"), ("1.5", "JPY"), ("40.000,00", "USD"), ("1,0", "USD"), ("-5", "USD"), ("", "USD"),
     ("1e5", "USD"), ("٤٠", "USD"), ("99999999999999999", "USD")],
)  # fmt: skip
def test_what_would_have_to_be_rounded_or_guessed_is_refused(text: str, currency: str) -> None:
    assert isinstance(minor_of(text, currency), str)


def test_what_was_typed_wrong_is_said_at_its_node() -> None:
    typed = open_rule(
        {"name": "a.b", "action": "review", "score": 1, "reason": "why", "when": {"op": "all", "of": [
            {"op": "gt", "field": "amount_minor", "value": {"by_currency": {"USD": 100}, "otherwise": 5}},
            {"op": "not", "of": {"op": "in", "field": "hour_utc", "values": [1]}}]}},
        TYPES,
    )  # fmt: skip
    form = sent(typed)
    form["n-0-0.value.amount"] = ["one dollar"]
    form["n-0-1-0.values"] = ["1\r\nnoon"]
    again = read_rule(form)
    closed = close_rule(again, TYPES)
    assert {each.pointer for each in closed.problems} == {"/when/of/0/value", "/when/of/1/of/values"}
    assert again.when is not None
    assert [place_of(again.when, each.pointer)[0] for each in closed.problems] == [(0,), (1, 0)]
    assert dict(fields_of(again))["n-0-0.value.amount"] == "one dollar"


def test_a_comparison_that_no_longer_fits_its_field_is_said() -> None:
    typed = TypedRule({}, TypedNode("condition", {"field": ("amount_minor",), "op": ("starts_with",), "text": ("x",)}))
    assert "/when/op" in {each.pointer for each in close_rule(typed, TYPES).problems}


def test_none_of_several_is_not_any_of_them() -> None:
    leaf = TypedNode("condition", {"field": ("card",), "op": ("is_missing",)})
    closed = close_rule(TypedRule({}, TypedNode("not", {}, (leaf, leaf))), TYPES)
    assert closed.document["when"] == {
        "op": "not",
        "of": {"op": "any", "of": [{"op": "is_missing", "field": "card"}] * 2},
    }
