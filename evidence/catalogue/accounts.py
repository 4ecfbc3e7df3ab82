"""Accounts, their categories, limits and monitors."""

from typing import Final

from evidence.catalogue.fields import (
    choice,
    currency,
    flag,
    known,
    like,
    listing,
    maybe,
    minor,
    minor_or_text,
    null,
    ref,
    whole,
    words,
)
from evidence.catalogue.types import EventType

_STATE: Final = {
    "account_id": ref("acct", "The account."),
    "currency": currency(),
    "state": known("Its state now.", "active", "frozen", "closed"),
}
_TURN: Final = {**_STATE, "state_before": known("Its state before.", "active", "frozen")}
_FROZEN: Final = {**_TURN, "state": like(_STATE["state"], "frozen")}
_UNFROZEN: Final = {**_TURN, "state_before": like(_TURN["state_before"], "frozen")}
_CLOSED: Final = {**_TURN, "state": like(_STATE["state"], "closed")}

_WATCH: Final = {
    "monitor_id": ref("mon", "The monitor."),
    "account_id": ref("acct", "The account."),
    "account": words("Its code.", "customer_balance"),
    "currency": currency(),
    "metric": choice("Which figure is watched.", "available", "posted", "pending"),
    "comparison": choice("The side that counts as beyond, strictly.", "below", "above"),
    "threshold_minor": minor("The threshold, minor units, in the account's normal direction.", 10_000),
    "crossed": flag("Whether the figure is beyond the threshold now."),
    "version": whole("The account's version at which it was so.", 17),
}
_CATEGORY: Final = {
    "category_id": ref("cat", "The category."),
    "code": words("Its code.", "assets.cash"),
    "parent_id": null(ref("cat", "The category above; null at the top.")),
}
_LIMIT: Final = "minor units; null for none."

# fmt: off
ALL: Final = (
    EventType("account.created", "Account created", "beside", "svc_ledger", "A ledger account exists.",
              "data.account_id",
              data={
                  "account_id": ref("acct", "The account."),
                  "account_type": known("What it is for.", "customer", "operating", "reserved", "settlement",
                                        "merchant", "payout", "fee", "suspense", "position"),
                  "type": choice("Its accounting class.", "liability", "asset", "equity", "income", "expense"),
                  "normal_balance": choice("The side on which it grows.", "credit", "debit"),
                  "currency": currency(),
              }),
    EventType("account.changed", "Account described anew", "beside", "svc_ledger",
              "The name, customer, external id, category or metadata of an account changed.", "data.account_id",
              data={
                  "account_id": ref("acct", "The account."),
                  "fields": listing("Which fields were sent; what they say stays with the account.",
                                    known("A field.", "name", "customer", "external_id", "category", "metadata")),
              }),
    EventType("account.frozen", "Account frozen", "beside", "svc_ledger", "The account takes no more postings for now.",
              "data.account_id", data=_FROZEN),
    EventType("account.unfrozen", "Account unfrozen", "beside", "svc_ledger", "The account takes postings again.",
              "data.account_id", data=_UNFROZEN),
    EventType("account.limits_changed", "Account limits changed", "beside", "svc_ledger",
              "The least available or the highest balance of the account was set.", "data.account_id",
              data={
                  **_STATE,
                  "floor_minor": maybe(minor(f"The least available, {_LIMIT}", 0)),
                  "ceiling_minor": maybe(minor(f"The highest balance, {_LIMIT}", 1_000_000)),
                  "floor_before_minor": null(minor(f"The least available before, {_LIMIT}")),
                  "ceiling_before_minor": null(minor(f"The highest balance before, {_LIMIT}")),
              }),
    EventType("account.closed", "Account closed", "beside", "svc_ledger", "The account is closed for ever.",
              "data.account_id", data=_CLOSED),
    EventType("account.monitor_added", "Balance monitor added", "beside", "svc_ledger",
              "A threshold on an account's balance is watched from now on.", "data.monitor_id", data=_WATCH),
    EventType("account.monitor_removed", "Balance monitor removed", "beside", "svc_ledger",
              "A threshold on an account's balance is watched no more.", "data.monitor_id", data=_WATCH),
    EventType("account.monitor_crossed", "Balance threshold crossed", "beside", "svc_ledger",
              "An entry took an account's balance across a threshold, or back.", "data.entry_id",
              data={
                  **_WATCH,
                  "balance_minor": minor_or_text("The figure after the entry, minor units; its digits as a text beyond"
                                                 " 2^53−1.", 9_500),
                  "entry_id": ref("entry", "The entry that took it there."),
              }),
    EventType("category.created", "Category created", "beside", "svc_ledger",
              "The chart of accounts has another category.", "data.category_id", delivered=False, data=_CATEGORY),
    EventType("category.renamed", "Category renamed", "beside", "svc_ledger",
              "A category of the chart of accounts has another name.", "data.category_id", delivered=False,
              data=_CATEGORY),
)
# fmt: on
