"""What a closeout packet holds: the books of a period as files, each made from the same transaction."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from evidence.verifier import closeout as claims
from ledger.queries import posting_ids
from zentra.core import clock
from zentra.core.canonical import dumps
from zentra.reconciliation.closeout import queries
from zentra.reconciliation.closeout.errors import WrongState
from zentra.reconciliation.closeout.exports import as_csv, trial_balance_table
from zentra.reconciliation.closeout.figures import figures_json
from zentra.reconciliation.closeout.models import Period, SignOff
from zentra.reconciliation.closeout.papers import (
    MOST,
    list_adjustments,
    list_by_hand,
    list_exceptions,
    list_rule_sets,
    list_statements,
    plain,
)
from zentra.reconciliation.closeout.queries.balances import roll_forward_json
from zentra.reconciliation.closeout.sampled import list_sampled, statements_of
from zentra.reconciliation.closeout.types import AuditSample, Link, RollForward

MOST_LISTED: Final = 200_000
"""So many postings, at most, are listed as the population of a sample; of more only the hash is here."""
MOST_IN_FLIGHT: Final = 1_000

_README: Final = """\
This is the closeout packet of one accounting period. Nothing in it needs to be believed:

    python -m evidence.verifier PACKET.zip --key KEY

KEY is the note verifier key of the workspace's evidence log. Take it from a source other than this packet. Amounts are
minor units; ids are the workspace's own.

  trial-balance.json    every account: opening, debits, credits, closing (credits positive), with the hash of each book
  trial-balance.csv     the same as a table, with the general ledger's codes and decimals
  tie-outs.json         ledger balance against statement, part by part, what was explained, and the signatures
  customer-money.json   what is owed to customers, and what is there for it, at the period's end
  customer-money-days.json  the same at the cut-off of each day, in every revision, with the banks' own word
  statements.json       the statements, with the SHA-256 of the files that they came in and who imported them
  matches.json          how the lines of the period were matched, and each match that a person made
  rules.json            the rules that matched, in every version that was used
  exceptions.json       what did not pair, how it was resolved, why, by whom and when
  adjustments.json      what was posted for it, proposed by one and let through by another
  sample.json           the postings that the seed draws: entries, hashed bytes, and the lines they are matched with
  sample.csv            the same postings as a table
  sample-population.txt the postings that they were drawn from, where there are not too many
  checklist.json        what was done, by whom, with the evidence that they named
  history.json          what was done to the period
  in-flight.json        the intents that had begun and not ended at cut-off
  late.json             what came late for the period and counts in a later one
  aged.json             suspense that is not empty, unresolved exceptions by age
  flux.json             what every account moved, beside the period before
  events/, proofs/, checkpoint, manifest.json, manifest.sig: as in every packet

The verifier adds up every book and tie-out, compares them with the signed events, draws the sample again, and checks
that preparer, approver and whoever explained are not one person. What it does not check it names.
"""
# Where in the packet the thing stands that a task's link names.
_PLACES: Final = {
    "statement": "statements.json",
    "exception": "exceptions.json",
    "adjustment": "adjustments.json",
    "match": "matches.json",
    "tie_out": "tie-outs.json",
    "posting": "sample.json",
    "intent": "in-flight.json",
}


def make_files(*, period: Period, asked: int, sample: AuditSample, now: datetime) -> dict[str, bytes]:
    """The files of a packet by name; ``sample`` was drawn when somebody ``asked`` for so many postings.

    Raises WrongState when the period has other postings now than those that it was drawn from.
    """
    books = queries.roll_forward(period_id=period.id)  # read once: every account of the workspace is in it
    sampled, tie_outs = list_sampled(sample.items), _tie_outs(period, books)
    named = {each["figures"]["statement_id"] for each in tie_outs} - {None}
    contents: dict[str, dict[str, Any]] = {
        claims.TRIAL_BALANCE: {"currencies": books_json(books=books)},
        claims.TIE_OUTS: {"tie_outs": tie_outs},
        claims.CUSTOMER_MONEY: {"at": clock.iso(period.ends_at), "currencies": _customer_money(period, books)},
        claims.MONEY_DAYS: {"proofs": _money_days(period)},
        claims.SAMPLE: {
            "seed": sample.seed,
            "asked": asked,
            "size": sample.size,
            "population": sample.population,
            "population_sha256": sample.population_sha256,
            "items": sampled,
        },
        "statements.json": {"statements": list_statements(period, named=named | statements_of(sampled))},
        "rules.json": {"rule_sets": list_rule_sets(period)},
        **_limited("exceptions", list_exceptions(period)),
        **_limited("adjustments", list_adjustments(period)),
        "matches.json": _matches(period),
        "checklist.json": {"tasks": _tasks(period, now)},
        "history.json": {"acts": _history(period)},
        **_looked_at(period, books, now),
    }
    return {
        **{name: dumps(content) for name, content in contents.items()},
        "README.txt": _README.encode(),
        claims.TRIAL_TABLE: trial_balance_table(books=books),
        claims.SAMPLE_TABLE: _sample_table(sample),
        **_population(period, sample),
    }


def books_json(*, books: Sequence[RollForward]) -> list[dict[str, Any]]:
    """The trial balance of every currency, each with its hash."""
    return [{**roll_forward_json(found=each), "sha256": each.sha256} for each in books]


def _limited(name: str, found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """A list as a file, which says whether it was cut."""
    return {f"{name}.json": {name: found, "is_whole": len(found) < MOST}}


def _matches(period: Period) -> dict[str, Any]:
    by_hand = list_by_hand(period)
    return {
        "by_rule": [
            {"rule": each.rule, "lines": each.lines, "share_bp": each.share_bp}
            for each in queries.matched_by_rule(period_id=period.id)
        ],
        "by_hand": by_hand,
        "is_whole": len(by_hand) < MOST,
    }


def _population(period: Period, sample: AuditSample) -> dict[str, bytes]:
    """The ids of all postings, if they are not too many; they must be those that the sample was drawn from."""
    digest, listed = hashlib.sha256(), bytearray()
    for each in posting_ids(start=period.starts_at, end=period.ends_at):
        line = f"{each}\n".encode()
        digest.update(line)
        if sample.population <= MOST_LISTED:
            listed += line
    if digest.hexdigest() != sample.population_sha256:
        raise WrongState("Something was posted in the period since the sample was drawn.", state=period.state)
    return {claims.POPULATION: bytes(listed)} if sample.population <= MOST_LISTED else {}


def _sample_table(sample: AuditSample) -> bytes:
    return as_csv(
        ("place", "posting_id", "purpose", "amount_minor", "currency", "effective_at", "entry_hash"),
        (
            (e.place, e.posting_id, e.purpose, e.amount_minor, e.currency, clock.iso(e.effective_at), e.entry_hash)
            for e in sample.items
        ),
    )


def _tie_outs(period: Period, books: Sequence[RollForward]) -> list[dict[str, Any]]:
    found = queries.list_tie_outs(period_id=period.id)
    normal = {
        each.account_id: "debit" if each.type in ("asset", "expense") else "credit"
        for book in books
        for each in book.rows
    }
    signed: dict[str, list[SignOff]] = {}
    for one in SignOff.objects.filter(tie_out_id__in=[each.id for each in found]).order_by("signed_at", "id"):
        signed.setdefault(one.tie_out_id, []).append(one)
    return [
        {
            "tie_out_id": each.id,
            "account_id": each.account_id,
            "account": each.ledger_account_code,
            "ledger_account_id": each.ledger_account_id,
            "normal_balance": normal[each.ledger_account_id],
            "name": each.account_name,
            "external_id": each.external_id,
            "kind": each.account_kind,
            "currency": each.currency,
            "figures": figures_json(each.figures),
            "figures_hash": each.figures_hash,
            "state": each.state,
            "explanation": each.explanation,
            "explained_by": each.explained_by and each.explained_by["id"],
            "sign_offs": [_sign_off(one) for one in signed.get(each.id, ())],
        }
        for each in found
    ]


def _sign_off(one: SignOff) -> dict[str, Any]:
    return {
        "sign_off_id": one.id,
        "step": one.step,
        "figures_hash": one.figures_hash,
        "by": one.signed_by["id"],
        "role": one.signed_by["role"],
        "at": clock.iso(one.signed_at),
        "suspended_at": one.suspended_at and clock.iso(one.suspended_at),
        "explanation": one.explanation,
        "explanation_version": one.explanation_version,
    }


def _customer_money(period: Period, books: Sequence[RollForward]) -> list[dict[str, Any]]:
    return [
        {
            "currency": each.currency,
            **{
                side: [
                    {"account_id": row.account_id, "account": row.account_code, "amount_minor": row.amount_minor}
                    for row in getattr(each, side)
                ]
                for side in ("owed", "held", "own")
            },
            "owed_minor": each.owed_minor,
            "held_minor": each.held_minor,
            "own_minor": each.own_minor,
            "advanced_minor": each.advanced_minor,
        }
        for each in queries.customer_money_of(books=books, at=period.ends_at)
    ]


def _money_days(period: Period) -> list[dict[str, Any]]:
    return [
        {
            "id": each.id,
            "period_id": each.period_id,
            "business_day": each.business_day.isoformat(),
            "currency": each.currency,
            "revision": each.revision,
            **each.amounts(),
            "parts": [part.as_dict() for part in each.parts],
            "banks": [bank.as_dict() for bank in each.banks],
            "cut_off_at": clock.iso(each.cut_off_at),
            "computed_at": clock.iso(each.computed_at),
        }
        for each in queries.proofs_of_period(period_id=period.id)
    ]


def _tasks(period: Period, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "key": each.key,
            "title": each.title,
            "state": each.state,
            "is_computed": each.is_computed,
            "due_on": each.due_on.isoformat(),
            "owner": each.owner_id,
            "says": each.says,
            "note": each.note,
            "links": [_link(link) for link in each.links],
            "done_by": each.done_by and each.done_by["id"],
            "done_at": each.done_at and clock.iso(each.done_at),
        }
        for each in queries.list_tasks(period_id=period.id, now=now)
    ]


def _link(link: Link) -> dict[str, str]:
    """Evidence of a task, and the file of the packet in which it stands; empty: it stands in the workspace only."""
    return {"words": link.words, "kind": link.kind, "ref": link.ref, "path": _PLACES.get(link.kind, "")}


def _history(period: Period) -> list[dict[str, Any]]:
    return [
        {
            "act": each.act,
            "by": each.by["id"],
            "reason": each.reason,
            "facts": plain(each.facts),
            "at": clock.iso(each.at),
        }
        for each in queries.period_history(period_id=period.id)
    ]


def _looked_at(period: Period, books: Sequence[RollForward], now: datetime) -> dict[str, dict[str, Any]]:
    """What people look through one by one before they lock."""
    asked = {"period_id": period.id}
    in_flight = queries.list_in_flight(**asked, limit=MOST_IN_FLIGHT)
    return {
        "in-flight.json": {
            "intents": [
                {
                    "intent_id": each.intent_id,
                    "status": each.status,
                    "amount_minor": each.amount_minor,
                    "currency": each.currency,
                    "created_at": clock.iso(each.created_at),
                }
                for each in in_flight
            ],
            "is_whole": len(in_flight) < MOST_IN_FLIGHT,
        },
        "late.json": {
            "postings": [
                {
                    "posting_id": each.posting_id,
                    "belongs_to": each.belongs_to,
                    "purpose": each.purpose,
                    "intent_id": each.intent_id,
                    "amount_minor": each.amount_minor,
                    "currency": each.currency,
                    "effective_at": clock.iso(each.effective_at),
                    "recorded_at": clock.iso(each.recorded_at),
                }
                for each in queries.list_late(**asked)
            ]
        },
        "aged.json": {
            "items": [
                {
                    "kind": each.kind,
                    "account_id": each.account_id,
                    "account": each.account_code,
                    "currency": each.currency,
                    "bucket": each.bucket,
                    "count": each.count,
                    "amount_minor": each.amount_minor,
                }
                for each in queries.list_aged(**asked, now=now)
            ]
        },
        "flux.json": {
            "accounts": [
                {
                    "account_id": each.account_id,
                    "account": each.account_code,
                    "currency": each.currency,
                    "movement_minor": each.movement_minor,
                    "before_minor": each.before_minor,
                    "change_minor": each.change_minor,
                }
                for each in queries.flux_of(**asked, books=books)
            ]
        },
    }
