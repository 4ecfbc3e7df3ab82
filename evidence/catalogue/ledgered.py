"""What the ledger writes: postings, checks, imports and exports."""

from typing import Final

from evidence.catalogue.fields import (
    anything,
    by_name,
    choice,
    currency,
    digest,
    known,
    listing,
    minor,
    moment,
    null,
    optional,
    record,
    ref,
    whole,
    words,
)
from evidence.catalogue.holds import HOLD
from evidence.catalogue.types import EventType

POSTING: Final = "ledger.entry.posted"

_ENTRY: Final = {
    "entry_id": ref("entry", "The entry."),
    "account_id": ref("acct", "The account."),
    "account": words("Its code.", "customer_balance"),
    "direction": choice("The side.", "debit", "credit"),
    "amount_minor": minor("The amount, minor units, positive."),
    "currency": optional(currency("ISO 4217, where it is not the posting's.")),
}
_OTHER_ENTRY: Final = {
    "entry_id": "entry_01jd3x7c2m9v5t0qk8w4z6r1bp",
    "account_id": "acct_01jd3x7c2m9v5t0qk8w4z6r1bp",
    "account": "reserved_balance",
    "direction": "credit",
    "amount_minor": 125_000,
}
_FX: Final = {
    "base": currency("The currency that is given a price."),
    "quote": currency("The currency of the price."),
    "rate": words("Units of the quote for one of the base, a decimal in a text.", "0.9259"),
    "source": words("Who quoted it.", "ECB"),
    "quoted_at": null(moment("When.")),
}
_POSTED: Final = {
    "posting_id": ref("posting", "The posting."),
    "entry_hash": digest("The hash over what the caller knew of it (docs/ledger.md)."),
    "purpose": known("What it is for.", "reserve", "success", "settle", "release", "opening", "manual", "reversal"),
    "correlation_id": words("What ties it to the request that caused it.", "4bf92f3577b34da6a3ce929d0e0e4736"),
    "amount_minor": minor("The sum of one side, minor units."),
    "currency": currency(),
    "debit_account": words("The code of the first debited account.", "customer_balance"),
    "credit_account": words("The code of the first credited account.", "reserved_balance"),
    "entries": listing("Every entry; each currency sums to zero.", record("An entry.", _ENTRY), _OTHER_ENTRY),
    "fx": optional(record("The rate, when two currencies meet.", _FX)),
    "corrects_id": optional(ref("posting", "The posting that it corrects.")),
    "reverses_id": optional(ref("posting", "The posting that it undoes.")),
    "release_posting_id": optional(ref("posting", "Of a capture: the posting that gave the held funds back.")),
    **{name: optional(field) for name, field in HOLD.items() if name != "currency"},
}
_STAGE: Final = {
    "posting_id": ref("posting", "The posting."),
    "entry_id": ref("entry", "Its debit."),
    "entry_hash": digest("The hash over what the caller knew of it."),
    "minor_units": minor("The intent's amount, minor units."),
    "currency": currency(),
    "debit_account": words("The debited account's code.", "customer_balance"),
    "credit_account": words("The credited account's code.", "reserved_balance"),
}
_DIVERGENCE: Final = {
    "check": words("Which check found it.", "balance"),
    "sentence": words("What is wrong, in words.", "Account acme: the entries of its history are not its balances."),
    "subject": anything("What it is about: ids and codes.", {"account_id": "acct_01jd3x7c2m9v5t0qk8w4z6r1bn"}),
    "expected": anything("What follows from the entries.", {"posted_credits": 125_000}),
    "found": anything("What stands.", {"posted_credits": 124_000}),
}
_RUN: Final = {
    "format": known("The format of the file.", "csv", "jsonl", "beancount"),
    "sha256": digest("The file."),
    "started_by": words("Who asked for it.", "usr_01jd3x7c2m9v5t0qk8w4z6r1bn"),
}
STEPS: Final = ("reserve", "success", "settle", "release")

# fmt: off
ALL: Final = (
    EventType(POSTING, "Entries posted", "ledgered", "svc_ledger",
              "A balanced posting was written; its entries and their hash are in the event.", "data.entry_hash",
              data=_POSTED, announced_as=("ledger.entry.created", "ledger.balance.updated", "posting.committed")),
    EventType("ledger.entry.created", "Entries created", "ledgered", "svc_ledger",
              "Announced with every posting.", "data.entry_hash", carried_by=(POSTING,)),
    EventType("ledger.balance.updated", "Balances updated", "ledgered", "svc_ledger",
              "Announced with every posting.", "data.entry_hash", carried_by=(POSTING,)),
    EventType("posting.committed", "Posting committed", "ledgered", "svc_ledger",
              "Announced with every posting, also outside intents.", "data.entry_hash", carried_by=(POSTING,)),
    EventType("ledger.reserved", "Reserved", "ledgered", "svc_ledger",
              "Announced with the posting that moves customer to reserved.", "data.entry_hash", carried_by=(POSTING,)),
    EventType("ledger.posted", "Ledger stage complete", "ledgered", "svc_ledger",
              "The intent's ledger stage is complete.", "data.posting_id", data=_STAGE),
    EventType("ledger.reversed", "Posting reversed", "ledgered", "svc_ledger",
              "Announced with a linked posting that undoes another.", "data.entry_hash", carried_by=(POSTING,),
              data={"reverses_id": ref("posting", "The posting that it undoes.")}),
)

BESIDE: Final = (
    EventType("ledger.check.diverged", "Ledger check found a divergence", "beside", "svc_ledger",
              "Balances, history, hashes or holds recomputed from entries are not what stands; the first row is named.",
              "data.check_run_id",
              data={
                  "check_run_id": ref("chk", "The run."),
                  "started_by": words("schedule, command, or who asked for it.", "schedule"),
                  "postings": whole("How many postings were read.", 1204),
                  "entries": whole("How many entries were read.", 2860),
                  "accounts": whole("How many accounts were read.", 37),
                  "checks": listing("Each check that found something.", record("A check.", {
                      "check": words("Which one.", "balance"),
                      "count": whole("How much it found."),
                  })),
                  "first": record("The first divergence, whole.", _DIVERGENCE),
              }),
    EventType("ledger.import.completed", "Import completed", "beside", "svc_ledger",
              "A file of accounts or postings was imported to its end; what each row wrote has an event of its own.",
              "data.import_id",
              data={
                  "import_id": ref("imp", "The import."),
                  "kind": known("What the file holds.", "postings", "accounts"),
                  "rows_read": whole("Rows of the file.", 500),
                  "rows_written": whole("Rows that were written.", 498),
                  "rows_repeated": whole("Rows that stood already.", 2),
                  "rows_refused": whole("Rows that were refused.", 0),
                  **_RUN,
              }),
)

EXPORT: Final = (
    EventType("ledger.export.ready", "Export ready", "evidenced", "svc_evidence",
              "The intent's ledger trail can be exported, or a file of the ledger that somebody asked for is complete.",
              "data.entries",
              data={
                  # Of an intent:
                  "entries": optional(whole("Of an intent: how many entries its trail has.", 8)),
                  "posted_minor": optional(by_name("Of an intent: what each step posted, minor units.",
                                                   minor("Minor units."), *STEPS)),
                  "currency": optional(currency("Of an intent: ISO 4217.")),
                  # Of a file:
                  "export_id": optional(ref("exp", "Of a file: the export.")),
                  "kind": optional(known("Of a file: what it holds.", "postings", "accounts")),
                  "rows": optional(whole("Of a file: its rows.", 500)),
                  "size_bytes": optional(whole("Of a file: its size.", 48_211)),
                  **{name: optional(field) for name, field in _RUN.items()},
              },
              example={"entries": 8, "currency": "USD",
                       "posted_minor": {"reserve": 125_000, "success": 125_000, "settle": 125_000, "release": 0}}),
)
# fmt: on
