"""Postings as people read them: one line, T-accounts, totals, what hangs together with them."""

from collections.abc import Iterable, Mapping, Sequence

from console.marks import mark
from console.presenters.accounts import Names, person
from console.presenters.words import NONE, clock, grouped, short_code, step
from console.types import Proof
from console.types.postings import Consequence, PostingEntryLine, PostingLine, TAccount
from ledger.queries import StoredPosting
from ledger.types import Balances, EntryRecord, Fx, Posted, PostedEntry
from zentra.core.clock import iso
from zentra.core.money import format_minor, format_signed


def posting_line(stored: StoredPosting, *, base: str, names: Names) -> PostingLine:
    """A posting in a list: the first debit and the first credit stand for all of them."""
    posted, facts = stored.posted, stored.facts
    count = len(posted.entries)
    if posted.intent_id:
        about, about_url = posted.intent_id, f"{base}intents/{posted.intent_id}/"
    elif posted.hold_id:
        about, about_url = f"hold …{posted.hold_id[-8:]}", f"{base}holds/{posted.hold_id}/"
    else:
        about, about_url = facts.external_reference or stored.asked.description or NONE, ""
    return PostingLine(
        posting_id=posted.posting_id,
        url=f"{base}ledger/postings/{posted.posting_id}/",
        purpose=step(posted.purpose),
        state=mark(posted.state),
        money=grouped(posted.amount_minor),
        currency=posted.currency,
        debit=_side(posted, "debit"),
        credit=_side(posted, "credit"),
        entries="" if count == 2 else f"{count} entries",
        about=about,
        about_url=about_url,
        recorded=f"{posted.recorded_at:%Y-%m-%d} {clock(posted.recorded_at)}",
        iso=iso(posted.recorded_at),
        who=person(facts.actor.as_dict(), names),
    )


def _side(posted: Posted, direction: str) -> str:
    codes = list(dict.fromkeys(entry.account_code for entry in posted.entries if entry.direction == direction))
    first = short_code(codes[0])
    return first if len(codes) == 1 else f"{first} +{len(codes) - 1}"


def entry_lines(
    entries: Sequence[EntryRecord], *, base: str, balances: Mapping[str, Balances]
) -> tuple[PostingEntryLine, ...]:
    """The entries of a posting, each with the balance after it in its account's normal direction."""
    return tuple(
        PostingEntryLine(
            entry_id=entry.id,
            account=entry.account_code,
            account_url=f"{base}accounts/{entry.account_id}/",
            debit=grouped(entry.amount_minor) if entry.direction == "debit" else "",
            credit=grouped(entry.amount_minor) if entry.direction == "credit" else "",
            currency=entry.currency,
            balance=_after(entry, balances[entry.account_id]),
            version=grouped(entry.version) if entry.version is not None else "being numbered",
        )
        for entry in entries
    )


def _after(entry: EntryRecord, balances: Balances) -> str:
    after = entry.balance_after_minor
    if after is None:
        return NONE
    return grouped(after if balances.normal_balance == "credit" else -after)


def preview_lines(entries: Sequence[PostedEntry], *, base: str) -> tuple[PostingEntryLine, ...]:
    """Entries that are not written yet."""
    return tuple(
        PostingEntryLine(
            entry_id="",
            account=entry.account_code,
            account_url=f"{base}accounts/{entry.account_id}/",
            debit=grouped(entry.amount_minor) if entry.direction == "debit" else "",
            credit=grouped(entry.amount_minor) if entry.direction == "credit" else "",
            currency=entry.currency,
            balance="",
            version="",
        )
        for entry in entries
    )


def t_accounts(entries: Sequence[PostedEntry], *, base: str) -> tuple[TAccount, ...]:
    """A T for each account: debits left, credits right."""
    drawn = []
    for account_id in dict.fromkeys(entry.account_id for entry in entries):
        own = [entry for entry in entries if entry.account_id == account_id]
        debits = [entry.amount_minor for entry in own if entry.direction == "debit"]
        credits_ = [entry.amount_minor for entry in own if entry.direction == "credit"]
        drawn.append(
            TAccount(
                code=own[0].account_code,
                url=f"{base}accounts/{account_id}/",
                currency=own[0].currency,
                debits=tuple(map(grouped, debits)),
                credits=tuple(map(grouped, credits_)),
                debit_total=grouped(sum(debits)) if debits else NONE,
                credit_total=grouped(sum(credits_)) if credits_ else NONE,
            )
        )
    return tuple(drawn)


def totals(entries: Iterable[PostedEntry]) -> tuple[tuple[str, str, str], ...]:
    """Per currency what is debited and what is credited: they must be the same."""
    sums: dict[str, dict[str, int]] = {}
    for entry in entries:
        of_currency = sums.setdefault(entry.currency, {"debit": 0, "credit": 0})
        of_currency[entry.direction] += entry.amount_minor
    return tuple((currency, grouped(each["debit"]), grouped(each["credit"])) for currency, each in sums.items())


def consequences(
    entries: Sequence[PostedEntry], after: Mapping[str, Balances], *, base: str
) -> tuple[Consequence, ...]:
    """What each account would hold. What it holds now follows from the same snapshot, whatever is posted meanwhile."""
    net: dict[str, int] = {}
    for entry in entries:
        net[entry.account_id] = net.get(entry.account_id, 0) + entry.signed_minor
    return tuple(_consequence(after[account_id], change, base) for account_id, change in net.items())


def _consequence(then: Balances, net_minor: int, base: str) -> Consequence:
    change = net_minor if then.normal_balance == "credit" else -net_minor
    return Consequence(
        code=then.account_code,
        url=f"{base}accounts/{then.account_id}/",
        currency=then.currency,
        before=grouped(then.posted_minor - change),
        after=grouped(then.posted_minor),
        available=grouped(then.available_minor),
        change=format_signed(change) if change else "0",
        sign="pos" if change > 0 else "neg" if change < 0 else "none",
    )


def rate_facts(fx: Fx | None) -> tuple[Proof, ...]:
    """The rate of a posting, and whose word it is."""
    if fx is None:
        return ()
    facts = [Proof("rate", f"1 {fx.base} = {fx.rate} {fx.quote}"), Proof("source", fx.source)]
    return (*facts, Proof("quoted", iso(fx.quoted_at))) if fx.quoted_at else tuple(facts)


def major(amount_minor: int, currency: str) -> str:
    """In major units, as the head of a page says it."""
    return format_minor(amount_minor, currency)
