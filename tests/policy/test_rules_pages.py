"""What is written about rules is true: the example of the docs, the kinds, and what every workspace starts with."""

from __future__ import annotations

import json
import re

from policy.rules import DEFAULT_RULES
from policy.rules.defaults import DENIED, WATCHED
from policy.rules.documents import read_document, validate_document
from policy.rules.first_format import as_second_format
from policy.rules.trees import LEAVES
from policy.rules.words import words_of_document
from policy.subjects import KINDS
from zentra.embedded.layout import CLONE
from zentra.runtime.kinds import KINDS as OF_THE_RUNTIME

PAGE = (CLONE / "docs" / "policy.md").read_text()
FIRST = {
    "rules": [
        {"name": "limit.hard_cap", "type": "amount_over", "action": "declined", "limits_minor": {"USD": 50},
         "default_limit_minor": 40, "reason": "much"},
        {"name": "limit.outgoing_24h", "type": "rolling_sum", "action": "review", "window_seconds": 86_400,
         "limits_minor": {}, "default_limit_minor": 20, "reason": "much"},
    ]
}  # fmt: skip


def test_the_example_of_the_docs_is_valid_and_every_op_is_named() -> None:
    example = re.search(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)

    assert example is not None
    assert validate_document(json.loads(example.group(1)), lists={DENIED, WATCHED}) == []
    assert {op for op in ("all", "any", "not", *LEAVES) if f"`{op}`" not in PAGE} == set()


def test_the_rules_that_workspaces_start_with_are_valid_and_each_says_what_it_does() -> None:
    assert validate_document(DEFAULT_RULES, lists={DENIED, WATCHED}) == []

    words = words_of_document(DEFAULT_RULES, "USD")

    assert words["limit.single_intent"] == "When the amount is more than 40,000.00 USD: hold for review."
    assert words["limit.outgoing_24h"] == (
        "When the sum of amounts of the customer in 24 hours would pass 200,000.00 USD: hold for review."
    )
    assert set(words) == {item["name"] for place in ("rules", "limits") for item in DEFAULT_RULES[place]}


def test_kinds_of_rules_are_the_runtime_s() -> None:
    assert set(KINDS) == set(OF_THE_RUNTIME)


def test_the_first_format_becomes_the_second_under_the_same_names() -> None:
    read = read_document(FIRST)

    assert read.spec is not None
    assert [rule.common.name for rule in read.spec.rules] == ["limit.hard_cap"]
    [limit] = read.spec.limits
    assert (limit.common.name, limit.window.rolling_seconds, limit.limit.of("EUR")) == (
        "limit.outgoing_24h",
        86_400,
        20,
    )
    assert as_second_format(DEFAULT_RULES) is DEFAULT_RULES
    assert [error.pointer for error in validate_document({"rules": [{"type": "amount_over"}]})] != []
