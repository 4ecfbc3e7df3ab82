"""The API of ``/v1``: one module a resource, put together here."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI

from zentra.api import problems, refusals
from zentra.api.end_users import hide_facts
from zentra.api.middleware import VERSION
from zentra.api.parser import StrictParser
from zentra.api.v1 import (
    account_history,
    account_states,
    accounts,
    alarm_channels,
    alarms,
    audit_packets,
    callbacks,
    charts,
    closeout,
    contract,
    customer_money,
    end_user_tokens,
    event_types,
    events,
    exceptions,
    holds,
    intents,
    ledger_batches,
    ledger_checks,
    ledger_entries,
    ledger_files,
    monitors,
    oauth,
    parties,
    policy_lists,
    postings,
    provider_callbacks,
    rail_secrets,
    reconciliation,
    reconciliation_books,
    reconciliation_matching,
    reviews,
    rule_set_drafts,
    rule_sets,
    screenings,
    webhook_attempts,
    webhook_deliveries,
    webhook_endpoints,
    webhook_health,
    webhook_keys,
    webhook_replays,
    webhook_secrets,
    workspaces,
)

TITLE: Final = "Zentra API"
DESCRIPTION: Final = (
    "The money runtime. Amounts are integers of minor units; every POST is safe to repeat with its idempotency key;"
    " every refusal is an RFC 9457 problem with a stable code."
)


def build_api() -> NinjaAPI:
    """The API with every resource on it."""
    api = NinjaAPI(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        parser=StrictParser(),
        docs_url=None,
        openapi_url=None,
        urls_namespace="v1",
    )
    api.add_exception_handler(Exception, on_exception)
    for handled in problems.NINJA_ERRORS:
        api.add_exception_handler(handled, on_exception)
    for resource in (
        intents, accounts, account_states, account_history, monitors, charts, ledger_batches, ledger_entries, postings,
        holds, ledger_files, ledger_checks, events, event_types, audit_packets, callbacks,
        provider_callbacks, rail_secrets,
        webhook_endpoints, webhook_secrets, webhook_keys, webhook_health, webhook_deliveries, webhook_attempts,
        webhook_replays, alarms, alarm_channels, rule_sets, rule_set_drafts, policy_lists, reviews, reconciliation,
        reconciliation_matching, exceptions, closeout, reconciliation_books,
        customer_money,
        parties, screenings, oauth, end_user_tokens, workspaces, contract,
    ):  # fmt: skip
        api.add_router("", resource.router)
    return api


def on_exception(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    """Whatever a view raises becomes one problem, and is kept when it is a refusal to keep."""
    if isinstance(error, type):  # django-ninja allows a class; nothing of ours raises one
        error = error()
    answer = problems.exception_response(request, hide_facts(getattr(request, "caller", None), error))
    refusals.record_refusal(request, error, answer)
    return answer
