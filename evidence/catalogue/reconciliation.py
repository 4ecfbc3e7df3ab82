"""Reconciliation and closeout: statements, matches, exceptions, adjustments, periods. Ids and numbers, never words."""

from typing import Final

from evidence.catalogue.fields import (
    by_name,
    choice,
    currency,
    digest,
    flag,
    known,
    listing,
    maybe,
    minor,
    minor_or_text,
    moment,
    null,
    optional,
    ref,
    whole,
    words,
)
from evidence.catalogue.types import EventType

_ACTOR: Final = "svc_reconciliation"
_ACCOUNT: Final = ref("rca", "The reconciled account.")
_BY: Final = words("Who: a user, or a service.", "usr_01jd3x7c2m9v5t0qk8w4z6r1bn")
_STATEMENT: Final = {
    "account_id": _ACCOUNT,
    "import_id": ref("sti", "The import that it came with."),
    "format": known("How the file is written.", "camt053.08", "csv", "settlement"),
    "lines": whole("How many lines it has.", 1_204),
}
_MATCH: Final = {
    "match_id": ref("mat", "The match."),
    "account_id": _ACCOUNT,
    "how": known("Who found it.", "rule", "manual", "forced"),
    "rule": words("The rule's key; empty when a person did it.", ""),
    "lines": whole("How many statement lines are in it."),
    "entries": whole("How many ledger entries are in it."),
    "line_minor": minor("Sum of the lines, minor units, signed.", 124_500),
    "entry_minor": minor("Sum of the entries, minor units, signed.", 125_000),
    "fee_minor": minor("What of the difference is a fee.", 500),
    "difference_minor": optional(minor("What is left between them.", 0)),
    "currency": currency(),
}
_EXCEPTION: Final = {
    "exception_id": ref("exc", "The exception."),
    "account_id": _ACCOUNT,
    "kind": known("What is wrong.", "line_only", "entry_only", "missing", "amount_differs", "date_differs",
                  "currency_differs", "duplicate", "split_mismatch", "fee_variance", "continuity_break"),
}  # fmt: skip
_ADJUSTMENT: Final = {
    "adjustment_id": ref("adj", "The adjustment."),
    "exception_id": ref("exc", "The exception that it resolves."),
    "account_id": optional(_ACCOUNT),
    "kind": known("Which of the two.", "adjustment", "write_off"),
    "reason_code": known("Why.", "bank_fee", "rail_fee", "fx_difference", "rounding", "duplicate", "error", "other"),
    "amount_minor": minor("How much, minor units.", 50),
    "currency": currency(),
    "proposed_by": _BY,
}
_PERIOD: Final = {
    "period_id": ref("prd", "The period."),
    "starts_on": words("Its first day.", "2026-04-01"),
    "ends_on": words("Its last day.", "2026-04-30"),
    "starts_at": moment("Its beginning in the workspace's time zone and at its cut-off, as UTC."),
    "ends_at": moment("The moment at which it is over: not in it any more."),
}
_REASON: Final = flag("Whether somebody gave a reason; its words stay with the period.")
_TIE_OUT: Final = {
    "tie_out_id": ref("tie", "The tie-out: one account in one period."),
    "period_id": ref("prd", "The period."),
    "account_id": _ACCOUNT,
    "currency": currency(),
    "ledger_minor": minor_or_text("What the ledger says at the period's end.", 48_190_311_204),
    "statement_minor": maybe(minor_or_text("The closing balance of the statement.", 48_191_915_372)),
    "in_transit_minor": minor_or_text("In the ledger, not yet on a statement, and expected.", -310_400),
    "explained_minor": minor_or_text("What exceptions explain of the rest.", 0),
    "unexplained_minor": minor_or_text("What nobody has explained.", 1_914_568),
    "figures_hash": digest("The hash of the figures that are signed."),
}

# fmt: off
_IMPORTS: Final = (
    EventType("statement.imported", "Statement imported", "beside", _ACTOR,
              "A bank's or a rail's statement is in, every check of it made.", "data.statement_id",
              data={
                  "statement_id": ref("stm", "The statement."), **_STATEMENT,
                  "sequence": optional(maybe(whole("The sender's number of it."))),
                  "currency": currency(),
                  "starts_on": words("Its first day.", "2026-04-01"),
                  "ends_on": words("Its last day.", "2026-04-01"),
                  "opening_minor": maybe(minor("What the account held before, minor units, signed.", 48_000_000)),
                  "closing_minor": maybe(minor("What it holds after.", 48_190_311)),
                  "credits_minor": optional(minor_or_text("Money in.", 190_311)),
                  "debits_minor": optional(minor_or_text("Money out, positive.", 0)),
                  "continuity": known("How it goes on from the one before.", "first", "continuous", "gap", "overlap",
                                      "unknown"),
                  "sha256": optional(digest("Of the file.")),
              }),
    EventType("statement.refused", "Statement refused", "beside", _ACTOR,
              "A file or a statement in it failed a check and is not in.", "data.problem",
              data={
                  "import_id": ref("sti", "The import."),
                  "account_id": optional(maybe(_ACCOUNT)),
                  "format": known("How the file is written.", "camt053", "csv", "settlement"),
                  "problem": known("The check that failed.", "duplicate_file", "duplicate_statement",
                                   "balance_mismatch", "control_total", "currency_mismatch", "not_readable"),
                  "statement": optional(whole("Which statement of the file, from 1.")),
                  "expected_minor": optional(minor_or_text("What should have been.", 100)),
                  "found_minor": optional(minor_or_text("What was.", 99)),
                  "lines": optional(whole("How many lines were read.", 12)),
                  "lines_refused": optional(whole("How many were refused.", 2)),
                  "sha256": optional(digest("Of the file.")),
              }),
)
_MATCHING: Final = (
    EventType("reconciliation.run.completed", "Matching run completed", "beside", _ACTOR,
              "An account's rules went over everything that was open.", "data.run_id",
              data={
                  "run_id": ref("mrn", "The run."), "account_id": _ACCOUNT,
                  "rules_version": whole("Which version of the rules."),
                  "lines": whole("Lines open before.", 1_204), "entries": whole("Entries open before.", 1_201),
                  "matches": whole("Matches that it confirmed.", 1_198),
                  "by_rule": by_name("Matches by rule.", whole("How many.", 1_198), "exact"),
                  "lines_left": optional(whole("Lines open after.", 3)),
                  "entries_left": optional(whole("Entries open after.", 2)),
              }),
    EventType("match.confirmed", "Match confirmed", "beside", _ACTOR,
              "Lines and entries are the same money: a person said so, or a second one let it stand.",
              "data.match_id",
              data={**_MATCH, "proposed_by": optional(_BY), "run_id": optional(maybe(ref("mrn", "The run.")))}),
    EventType("match.proposed", "Match proposed", "beside", _ACTOR,
              "A match whose sums differ waits for a second person.", "data.match_id", data=_MATCH),
    EventType("match.undone", "Match undone", "beside", _ACTOR,
              "A match no longer stands: declined by the second person, or taken back.", "data.match_id",
              data={**_MATCH, "state": known("How it ended.", "undone", "declined"), "has_reason": flag(
                  "Whether somebody gave a reason; its words stay with the match.")}),
    EventType("exceptions.opened", "Exceptions opened", "beside", _ACTOR,
              "What a run, a statement or the watcher found that does not pair, counted by kind.", "data.by_kind",
              data={
                  "account_id": _ACCOUNT,
                  "run_id": optional(maybe(ref("mrn", "The run."))),
                  "by_kind": by_name("How many of each kind.", whole("How many.", 2), "line_only"),
                  "opened": whole("How many in all.", 2),
                  "gone": optional(whole("How many older ones are no more.", 0)),
                  "exception_ids": optional(listing("The first hundred.", ref("exc", "An exception."))),
              }),
    EventType("exception.opened", "Exception opened", "beside", _ACTOR,
              "One thing that does not pair, seen as it happened.", "data.exception_id",
              data={
                  **_EXCEPTION,
                  "amount_minor": minor("The amount of it, minor units, signed.", 12_500),
                  "difference_minor": minor("What does not agree of it.", 12_500),
                  "currency": currency(),
                  "line_id": optional(maybe(ref("lin", "The line."))),
                  "entry_id": optional(maybe(ref("entry", "The entry."))),
                  "expected_id": optional(maybe(ref("exd", "What was expected."))),
                  "statement_id": optional(maybe(ref("stm", "The statement."))),
              }),
    EventType("exception.resolved", "Exception resolved", "beside", _ACTOR,
              "An exception is matched, explained, adjusted, written off, disputed, or its cause is gone.",
              "data.exception_id",
              data={
                  **_EXCEPTION,
                  "resolution": known("How.", "explained", "matched", "adjusted", "written_off", "disputed", "gone"),
                  "reason_code": optional(words("Why, as a code.", "timing")),
                  "amount_minor": optional(minor("The amount of it.", 12_500)),
                  "difference_minor": optional(minor("What did not agree.", 50)),
                  "currency": optional(currency()),
                  "match_id": optional(maybe(ref("mat", "The match that did it."))),
                  "adjustment_id": optional(maybe(ref("adj", "The adjustment that did it."))),
                  "posting_id": optional(maybe(ref("posting", "The posting that did it."))),
              }),
)
_ADJUSTMENTS: Final = (
    EventType("adjustment.proposed", "Adjustment proposed", "beside", _ACTOR,
              "A posting that would resolve an exception waits for a second person.", "data.adjustment_id",
              data=_ADJUSTMENT),
    EventType("adjustment.posted", "Adjustment posted", "beside", _ACTOR,
              "A second person let it through and it is posted.", "data.posting_id",
              data={**_ADJUSTMENT, "posting_id": ref("posting", "The posting."), "decided_by": _BY}),
    EventType("adjustment.declined", "Adjustment declined", "beside", _ACTOR,
              "A second person refused it; nothing was posted.", "data.adjustment_id",
              data={**_ADJUSTMENT, "decided_by": _BY}),
    EventType("settlement.posted", "Settlement posted", "beside", _ACTOR,
              "A rail has paid out a batch: what it owed is settled, net to the bank, the rest as fees.",
              "data.posting_id",
              data={
                  "posting_id": ref("posting", "The posting."),
                  "account_id": _ACCOUNT,
                  "statement_id": ref("stm", "The rail's report."),
                  "batch": words("The batch, as the rail names it.", "BATCH0424"),
                  "gross_minor": minor("What the rail owed for it, minor units.", 125_000),
                  "fee_minor": minor("What it kept.", 500),
                  "net_minor": minor("What it paid.", 124_500),
                  "currency": currency(),
                  "connection_id": optional(words("The rail's connection.", "rail_01jd3x7c2m9v5t0qk8w4z6r1bn")),
                  "payments": optional(whole("How many payments were in it.", 12)),
              }),
)
_CLOSEOUT: Final = (
    EventType("tie_out.signed", "Tie-out signed", "beside", _ACTOR,
              "A preparer or an approver signed the figures of an account in a period.", "data.figures_hash",
              data={
                  **_TIE_OUT, "step": choice("Who signs.", "prepared", "approved"),
                  "sign_off_id": ref("sgn", "The signature."),
                  "prepared_by": null(_BY),
              }),
    EventType("tie_out.suspended", "Sign-off suspended", "beside", _ACTOR,
              "What was signed has changed since: the signatures no longer count and are asked for again.",
              "data.figures_hash",
              data={
                  **_TIE_OUT, "signed_hash": digest("The hash of what was signed."),
                  "signatures": whole("How many signatures it takes back.", 2),
              }),
    EventType("period.soft_closed", "Period soft closed", "beside", _ACTOR,
              "Only adjustments are posted into the period from now on.", "data.period_id",
              data={**_PERIOD, "state": known("How it stands.", "soft")}),
    EventType("period.locked", "Period locked", "beside", _ACTOR,
              "Nothing is posted into the period any more; the database holds it.", "data.period_id",
              data={
                  **_PERIOD, "state": known("How it stands.", "closed"),
                  "trial_balance_hash": optional(digest("Of the trial balance at the lock.")),
                  "postings": optional(whole("Postings in it.", 4_812)),
                  "locked_again": flag("Whether its time was up after it had been re-opened.", example=False),
                  "requested_by": optional(_BY),
              }),
    EventType("period.reopened", "Period re-opened", "beside", _ACTOR,
              "A locked period takes adjustments again, for a while, asked for by one person and let by another.",
              "data.period_id",
              data={
                  **_PERIOD, "state": known("How it stands.", "soft"), "requested_by": _BY, "has_reason": _REASON,
                  "until": moment("When it locks again by itself."),
              }),
    EventType("closeout.sealed", "Closeout packet sealed", "beside", _ACTOR,
              "Everything that an auditor samples of a period is in one file, sealed and verifiable offline.",
              "data.contents_hash",
              data={
                  **_PERIOD,
                  "packet_id": ref("pkt", "The packet."),
                  "revision": whole("Which packet of this period."),
                  "contents_hash": digest("Over the list of its files, each with its hash."),
                  "files": by_name("The hash of each file.", digest("Its SHA-256."), "trial-balance.json"),
                  "sample_seed": optional(words("What the audit sample was drawn with.", "2026-04")),
                  "sample_size": optional(whole("How many were drawn.", 25)),
                  "sample_population": optional(whole("Of how many.", 4_812)),
              }),
)
# fmt: on

ALL: Final[tuple[EventType, ...]] = (*_IMPORTS, *_MATCHING, *_ADJUSTMENTS, *_CLOSEOUT)
