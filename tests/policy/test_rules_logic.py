"""What a rule says: three-valued logic as the plain model has it, traces in preorder, and nothing passes unanswered."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.decisions.explaining import explain
from policy.rules.compiling import ERROR_MARK, MISSING_MARK, Compiler
from policy.rules.documents import read_document, validate_document
from policy.rules.facts import FAILED, LISTED, Facts, kept_facts, read_facts
from policy.rules.judging import judge
from policy.rules.nodes import RuleSetSpec, preorder
from policy.rules.programs import compile_program
from policy.rules.types import SEVERITY, RuleResult
from policy.rules.words import rule_words
from policy.subjects import FIELDS, KINDS
from tests.policy.rules_room import document, rule
from tests.policy.trees import CURRENCIES, TREES, facts, model

UNANSWERED = {"review": "review", "decline": "declined"}
CHOICES = st.sampled_from(sorted(UNANSWERED))


def _spec(*rules: dict[str, Any], **settings_: Any) -> RuleSetSpec:
    read = read_document(document(*rules, **settings_))
    assert read.spec is not None, read.errors
    return read.spec


def _run(spec: RuleSetSpec, known: Facts) -> RuleResult:
    program = compile_program(spec, currency=known["currency"], kind="payment")
    [result] = program.run_rules(known)
    return result


@given(tree=TREES, known=facts())
def test_a_tree_says_what_the_plain_model_says(tree: dict[str, Any], known: Facts) -> None:
    root, size = Compiler(known["currency"]).tree(_spec(rule("a.b", tree)).rules[0].when)
    trace: list[Any] = [None] * size

    said = root(known, trace)

    assert said == model(tree, known)
    assert said is None or isinstance(said, bool | str)


@given(tree=TREES, known=facts(), on_missing=CHOICES, on_error=CHOICES)
def test_nothing_passes_because_something_was_missing_or_failed(
    tree: dict[str, Any], known: Facts, on_missing: str, on_error: str
) -> None:
    spec = _spec(rule("a.b", tree, action="accept_with_note", score=40), on_missing=on_missing, on_error=on_error)

    result, said = _run(spec, known), model(tree, known)

    if said is None or said == "error":
        stands = on_missing if said is None else on_error
        assert (result.outcome, result.score) == (UNANSWERED[stands], 40)
        assert result.why == ("missing" if said is None else "error")
        judged = judge([result], spec.settings, kind="payment", currency=known["currency"], amount_minor=1)
        assert judged.outcome == UNANSWERED[stands]
    else:
        assert (result.outcome, result.why) == ("noted" if said else "passed", "")


@given(tree=TREES, known=facts())
def test_a_trace_has_a_place_for_every_node_and_shows_why(tree: dict[str, Any], known: Facts) -> None:
    spec = _spec(rule("a.b", tree))
    result = _run(spec, known)

    nodes = list(preorder(spec.rules[0].when))
    assert len(result.values) == len(nodes)
    assert result.values[0] is not None
    if result.why:
        assert (MISSING_MARK if result.why == "missing" else ERROR_MARK) in result.values
    json.dumps(result.as_trace())
    [told] = explain(spec=spec, results=[result.as_trace()], currency=known["currency"])
    assert len(told.nodes) == len(nodes)
    assert told.nodes[0].holds is (None if result.why else result.outcome != "passed")
    assert rule_words(spec.rules[0], known["currency"]) == told.words


@given(tree=TREES, known=facts())
def test_facts_that_were_kept_give_the_same_answer_again(tree: dict[str, Any], known: Facts) -> None:
    known = {name: None if value is FAILED else value for name, value in known.items()}
    spec = _spec(rule("a.b", tree))

    again = read_facts(json.loads(json.dumps(kept_facts(known, {}))))

    assert again[LISTED] == known[LISTED]
    assert _run(spec, again)._replace(us=0) == _run(spec, known)._replace(us=0)


@settings(max_examples=300)
@given(data=st.data(), tree=TREES, known=facts())
def test_what_the_validator_accepts_compiles_and_runs_and_nothing_else_is_read(
    data: st.DataObject, tree: dict[str, Any], known: Facts
) -> None:
    written = document(rule("a.b", tree))
    _spoil(data, written)

    read = read_document(written)

    assert (read.spec is None) == bool(validate_document(written))
    if read.spec is None:
        assert all(_stands(written, error.pointer) for error in read.errors)
    else:
        for currency in CURRENCIES:
            for kind in KINDS:
                program = compile_program(read.spec, currency=currency, kind=kind)
                for result in program.run_rules({**known, "currency": currency, "kind": kind}):
                    assert result.outcome in SEVERITY


JUNK = st.sampled_from(
    [None, True, False, 0, -1, 1.5, 2**53, "", "x", "amount_minor", "gt", "US", "\x00", [], {}, [1], {"op": "all"},
     {"op": "all", "of": []}, {"op": "not"}, {"by_currency": {"USD": 1}, "otherwise": 2}, float("nan")]
)  # fmt: skip


def _spoil(data: st.DataObject, written: Any) -> None:
    """Put something else somewhere into the document, take something away, or leave it."""
    places = list(_places(written))
    for _ in range(data.draw(st.integers(0, 2))):
        owner, key = data.draw(st.sampled_from(places))
        if data.draw(st.booleans()) and isinstance(owner, dict):
            owner.pop(key, None)
        elif isinstance(owner, dict) or key < len(owner):
            owner[key] = copy.deepcopy(data.draw(JUNK))


def _places(value: Any) -> Any:
    for key, inner in list(value.items()) if isinstance(value, dict) else list(enumerate(value)):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def _stands(written: Any, pointer: str) -> bool:
    """Whether a pointer leads somewhere in the document (RFC 6901)."""
    here = written
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        try:
            here = here[int(name)] if isinstance(here, list) else here[name]
        except (KeyError, IndexError, TypeError, ValueError):
            return False
    return True


@given(known=facts())
def test_every_test_of_a_field_that_failed_is_an_error_whatever_the_field(known: Facts) -> None:
    for field in FIELDS.values():
        if set(KINDS) <= set(field.kinds):
            tree = {"op": "not", "of": {"op": "is_missing", "field": field.name}}
            result = _run(_spec(rule("a.b", tree)), {**known, field.name: FAILED})
            assert (result.outcome, result.why) == ("review", "error")
