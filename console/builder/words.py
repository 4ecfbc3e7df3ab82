"""What the builder offers: which comparisons a type has, and the names that people choose by."""

from typing import Final

TEXTUAL: Final = ("eq", "ne", "in", "not_in", "in_list", "not_in_list", "starts_with", "ends_with", "contains",
                  "equals_ignoring_case")  # fmt: skip
CODED: Final = ("eq", "ne", "in", "not_in", "in_list", "not_in_list")
ORDERED: Final = ("gt", "gte", "lt", "lte", "eq", "ne", "between")
KNOWN: Final = ("is_present", "is_missing")

COMPARISONS: Final[dict[str, tuple[str, ...]]] = {
    "amount": (*ORDERED, *KNOWN),
    "integer": (*ORDERED, "in", "not_in", *KNOWN),
    "text": (*TEXTUAL, *KNOWN),
    "country": (*CODED, *KNOWN),
    "currency": (*CODED, *KNOWN),
    "boolean": ("eq", *KNOWN),
}
WORDS: Final[dict[str, str]] = {
    "gt": "is above",
    "gte": "is at least",
    "lt": "is below",
    "lte": "is at most",
    "eq": "is",
    "ne": "is not",
    "between": "is from … to",
    "in": "is one of",
    "not_in": "is none of",
    "in_list": "is on the list",
    "not_in_list": "is not on the list",
    "starts_with": "starts with",
    "ends_with": "ends with",
    "contains": "contains",
    "equals_ignoring_case": "is, in any case",
    "is_present": "is known",
    "is_missing": "is not known",
}
ONE_VALUE: Final = frozenset({"gt", "gte", "lt", "lte", "eq", "ne"})
MANY_VALUES: Final = frozenset({"in", "not_in"})
LISTS: Final = frozenset({"in_list", "not_in_list"})
TEXTS: Final = frozenset({"starts_with", "ends_with", "contains", "equals_ignoring_case"})
COMPARES: Final = ("gt", "gte", "lt", "lte")
MEASURES: Final[dict[str, str]] = {
    "sum": "the sum",
    "count": "the number",
    "distinct_counterparties": "the number of different counterparties",
}
BYS: Final[dict[str, str]] = {
    "customer": "of the customer",
    "account": "of the account",
    "corridor": "of the corridor",
    "card": "of the card",
    "workspace": "of the whole workspace",
}
UNITS: Final[dict[str, int]] = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
CALENDARS: Final[dict[str, str]] = {"day": "today", "week": "this week", "month": "this month"}
ACTIONS: Final[dict[str, str]] = {
    "accept_with_note": "accept with a note",
    "review": "hold for review",
    "block_and_review": "block and review",
    "decline": "decline",
}
KIND_WORDS: Final[dict[str, str]] = {
    "all": "all of these",
    "any": "any of these",
    "not": "none of these",
    "condition": "condition",
    "window": "window",
    "structuring": "structuring",
}
CORRIDOR: Final = ("source", "destination", "method")
GROUP_OPS: Final = frozenset({"all", "any", "not"})
