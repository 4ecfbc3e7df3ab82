"""Everything that reads matching."""

from zentra.reconciliation.matching.queries.entries import get_entries, get_entry, list_entries
from zentra.reconciliation.matching.queries.expected import list_expected
from zentra.reconciliation.matching.queries.matches import get_match, list_matches, matches_of
from zentra.reconciliation.matching.queries.rules import default_rules, get_rules, list_rule_sets, rules_as_json
from zentra.reconciliation.matching.queries.runs import get_run, list_runs
from zentra.reconciliation.matching.queries.suggestions import suggest, suggest_each
from zentra.reconciliation.matching.queries.summaries import match_rates, matched_by_rule, summarize, summarize_all

__all__ = [
    "default_rules",
    "get_entries",
    "get_entry",
    "get_match",
    "get_rules",
    "get_run",
    "list_entries",
    "list_expected",
    "list_matches",
    "list_rule_sets",
    "list_runs",
    "match_rates",
    "matched_by_rule",
    "matches_of",
    "rules_as_json",
    "suggest",
    "suggest_each",
    "summarize",
    "summarize_all",
]
