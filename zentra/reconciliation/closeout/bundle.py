"""What a closeout packet holds: the books of a period as files, each made from the same transaction."""

from datetime import datetime
from typing import Any, Final

from evidence.verifier import closeout as claims
from ledger.hashing import posting_content
from ledger.queries import get_posting, posting_ids
from zentra.core import clock
from zentra.core.canonical import dumps
from zentra.reconciliation.closeout import queries
from zentra.reconciliation.closeout.exports import as_csv, trial_balance_csv
from zentra.reconciliation.closeout.figures import figures_json
from zentra.reconciliation.closeout.models import Period, SignOff, TieOut
from zentra.reconciliation.closeout.queries.balances import roll_forward_json
from zentra.reconciliation.closeout.store import rows
from zentra.reconciliation.closeout.types import SampleItem

MOST_LISTED: Final = 200_000
"""So many postings, at most, are listed as the population of a sample; of more only the hash is here."""
MOST_EXCEPTIONS: Final = 20_000

_README: Final = """\
This is the closeout packet of one accounting period. Nothing in it needs to be believed:

    python -m evidence.verifier PACKET.zip --key KEY

KEY is the note verifier key of the workspace's evidence log. Take it from a source other than this packet.

  trial-balance.json    every account: opening, debits, credits, closing (credits positive), with the hash of each book
  tie-outs.json         ledger balance against statement, part by part, with the signatures
  customer-money.json   what is owed to customers, and what is there for it
  sample.json           the postings that the seed draws, with their entries and the bytes that their hashes cover
  sample-population.txt the postings that they were drawn from, where there are not too many
  matches.json          how the lines of the period were matched
  exceptions.json       what did not pair, and how it was resolved
  statements.json       the statements, with the SHA-256 of the files that they came in
  checklist.json        what was done, by whom
  history.json          what was done to the period
  in-flight.json, late.json, aged.json, flux.json
  events/, proofs/, checkpoint, manifest.json, manifest.sig: as in every packet

The verifier adds up every book and tie-out, compares the tie-outs with the books and with the signed events, draws the
sample again, and checks that preparer and approver are two.
"""
_STATEMENTS: Final = """
SELECT s.id, s.account_id, s.external_id, s.format, s.starts_on, s.ends_on, s.opening_minor, s.closing_minor,
       s.currency, s.lines, s.continuity, encode(i.sha256, 'hex')
  FROM recon_statement s JOIN recon_import i ON i.id = s.import_id
 WHERE s.is_complete AND s.ends_on >= %(first)s AND s.starts_on <= %(last)s
 ORDER BY s.account_id, s.starts_on, s.id
"""
_EXCEPTIONS: Final = """
SELECT x.id, x.account_id, x.kind, x.state, x.resolution, x.amount_minor, x.difference_minor, x.currency, x.happened_on,
       x.line_id, x.entry_id, x.resolved_by ->> 'id'
  FROM recon_exception x
 WHERE x.happened_on <= %(last)s AND (x.happened_on >= %(first)s OR x.state <> 'resolved')
 ORDER BY x.happened_on, x.id LIMIT %(most)s
"""


def make_files(*, period: Period, sample_size: int, now: datetime) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files by name, and what the event says of the sample."""
    asked = {"period_id": period.id}
    sample = queries.audit_sample(**asked, size=sample_size)
    span = {"first": period.starts_on, "last": period.ends_on, "most": MOST_EXCEPTIONS}
    contents: dict[str, dict[str, Any]] = {
        claims.TRIAL_BALANCE: {
            "currencies": [
                {**roll_forward_json(found=each), "sha256": each.sha256} for each in queries.roll_forward(**asked)
            ]
        },
        claims.TIE_OUTS: {"tie_outs": _tie_outs(period)},
        claims.CUSTOMER_MONEY: {"at": clock.iso(period.ends_at), "currencies": _customer_money(period)},
        claims.SAMPLE: {
            "seed": sample.seed,
            "size": sample.size,
            "population": sample.population,
            "population_sha256": sample.population_sha256,
            "items": [_item(each) for each in sample.items],
        },
        "matches.json": {
            "by_rule": [
                {"rule": each.rule, "lines": each.lines, "share_bp": each.share_bp}
                for each in queries.matched_by_rule(**asked)
            ]
        },
        "exceptions.json": {"exceptions": [_shown(_EXCEPTION_NAMES, row) for row in rows(_EXCEPTIONS, span)]},
        "statements.json": {"statements": [_shown(_STATEMENT_NAMES, row) for row in rows(_STATEMENTS, span)]},
        "checklist.json": {
            "tasks": [
                {
                    "key": each.key,
                    "title": each.title,
                    "state": each.state,
                    "due_on": each.due_on.isoformat(),
                    "owner": each.owner_id,
                    "says": each.says,
                    "note": each.note,
                    "links": [{"words": link.words, "kind": link.kind, "ref": link.ref} for link in each.links],
                    "done_by": each.done_by and each.done_by["id"],
                    "done_at": each.done_at and clock.iso(each.done_at),
                }
                for each in queries.list_tasks(**asked, now=now)
            ]
        },
        "history.json": {
            "acts": [
                {"act": each.act, "by": each.by["id"], "reason": each.reason, "at": clock.iso(each.at)}
                for each in queries.period_history(**asked)
            ]
        },
        "in-flight.json": {
            "intents": [
                {
                    "intent_id": each.intent_id,
                    "status": each.status,
                    "amount_minor": each.amount_minor,
                    "currency": each.currency,
                    "created_at": clock.iso(each.created_at),
                }
                for each in queries.list_in_flight(**asked, limit=1_000)
            ]
        },
        "late.json": {
            "postings": [
                {
                    "posting_id": each.posting_id,
                    "belongs_to": each.belongs_to,
                    "purpose": each.purpose,
                    "amount_minor": each.amount_minor,
                    "currency": each.currency,
                    "effective_at": clock.iso(each.effective_at),
                }
                for each in queries.list_late(**asked)
            ]
        },
        "aged.json": {
            "items": [
                {
                    "kind": each.kind,
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
                    "account": each.account_code,
                    "currency": each.currency,
                    "movement_minor": each.movement_minor,
                    "before_minor": each.before_minor,
                }
                for each in queries.flux(**asked)
            ]
        },
    }
    files = {name: dumps(content) for name, content in contents.items()}
    files["README.txt"] = _README.encode()
    files["trial-balance.csv"] = trial_balance_csv(period_id=period.id)
    files["sample.csv"] = as_csv(
        ("place", "posting_id", "purpose", "amount_minor", "currency", "effective_at", "entry_hash"),
        (
            (e.place, e.posting_id, e.purpose, e.amount_minor, e.currency, clock.iso(e.effective_at), e.entry_hash)
            for e in sample.items
        ),
    )
    if sample.population <= MOST_LISTED:
        known = posting_ids(start=period.starts_at, end=period.ends_at)
        files[claims.POPULATION] = "".join(f"{each}\n" for each in known).encode()
    drawn = {"sample_seed": sample.seed, "sample_size": sample.size, "sample_population": sample.population}
    return files, drawn


def _tie_outs(period: Period) -> list[dict[str, Any]]:
    normal = {
        each.account_id: "debit" if each.type in ("asset", "expense") else "credit"
        for book in queries.roll_forward(period_id=period.id)
        for each in book.rows
    }
    signed: dict[str, list[SignOff]] = {}
    known = TieOut.objects.filter(period_id=period.id).values_list("id", flat=True)
    for each in SignOff.objects.filter(tie_out_id__in=list(known)).order_by("signed_at", "id"):
        signed.setdefault(each.tie_out_id, []).append(each)
    return [
        {
            "tie_out_id": each.id,
            "account_id": each.account_id,
            "account": each.ledger_account_code,
            "ledger_account_id": each.ledger_account_id,
            "normal_balance": normal[each.ledger_account_id],
            "name": each.account_name,
            "kind": each.account_kind,
            "currency": each.currency,
            "figures": figures_json(each.figures),
            "figures_hash": each.figures_hash,
            "state": each.state,
            "explanation": each.explanation,
            "sign_offs": [
                {
                    "sign_off_id": one.id,
                    "step": one.step,
                    "figures_hash": one.figures_hash,
                    "by": one.signed_by["id"],
                    "at": clock.iso(one.signed_at),
                    "suspended_at": one.suspended_at and clock.iso(one.suspended_at),
                    "explanation": one.explanation,
                }
                for one in signed.get(each.id, ())
            ],
        }
        for each in queries.list_tie_outs(period_id=period.id)
    ]


def _customer_money(period: Period) -> list[dict[str, Any]]:
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
        for each in queries.customer_money(at=period.ends_at)
    ]


def _item(each: SampleItem) -> dict[str, Any]:
    """A drawn posting with its entries and the bytes that its hash covers."""
    stored = get_posting(posting_id=each.posting_id)
    return {
        "place": each.place,
        "posting_id": each.posting_id,
        "digest": each.digest,
        "purpose": each.purpose,
        "intent_id": each.intent_id,
        "effective_at": clock.iso(each.effective_at),
        "entry_hash": each.entry_hash,
        "hashed_content": posting_content(posting=stored.asked, facts=stored.facts).decode(),
        "entries": [
            {
                "entry_id": entry.id,
                "account": entry.account_code,
                "direction": entry.direction,
                "amount_minor": entry.amount_minor,
                "currency": entry.currency,
            }
            for entry in stored.posted.entries
        ],
    }


_STATEMENT_NAMES: Final = (
    "statement_id", "account_id", "external_id", "format", "starts_on", "ends_on", "opening_minor", "closing_minor",
    "currency", "lines", "continuity", "file_sha256",
)  # fmt: skip
_EXCEPTION_NAMES: Final = (
    "exception_id", "account_id", "kind", "state", "resolution", "amount_minor", "difference_minor", "currency",
    "happened_on", "line_id", "entry_id", "resolved_by",
)  # fmt: skip


def _shown(names: tuple[str, ...], row: tuple[Any, ...]) -> dict[str, Any]:
    """A row by its names; days and uuids as texts."""
    return {
        name: value if value is None or isinstance(value, int | str) else str(value)
        for name, value in zip(names, row, strict=True)
    }
