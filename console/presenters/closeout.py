"""A period on its way to being closed, as people read it: the five steps, tie-outs, tasks, the trial balance."""

from collections.abc import Mapping, Sequence
from typing import Final

from console.marks import mark
from console.presenters.accounts import Names, person
from console.presenters.finance import amount, columns, row, sheet
from console.presenters.words import NONE, dated, grouped
from console.types import Mark
from console.types.finance import Cell, Pair, Reckoning, Sheet, Step
from zentra.reconciliation.closeout.types import (
    CustomerMoney,
    FluxRow,
    Overview,
    Part,
    PeriodRecord,
    ProofRow,
    RollForward,
    RuleShare,
    TaskRecord,
    TieOutRecord,
)

_PARTS: Final = {
    "entry_in_transit": ("entry not yet on a statement", "entries not yet on a statement"),
    "line_in_transit": ("line not yet in the ledger", "lines not yet in the ledger"),
    "match_over_the_end": ("match over the end of the period", "matches over the end of the period"),
    "match_difference": ("difference of a match", "differences of matches"),
    "explained": ("explained exception", "explained exceptions"),
    "line_open": ("open line", "open lines"),
    "entry_open": ("open entry", "open entries"),
}
_WHOLE_PARTS: Final = {"opening": "opening differs", "rest": "rest that no line or entry tells"}
WAITS: Final = 2  # so many tasks that are waited for are named; more are counted


def period_mark(period: PeriodRecord) -> Mark:
    """Open, soft closed, locked, or open again for a time."""
    if period.until is not None:
        return mark("open", says=f"open again until {period.until:%H:%M} UTC")
    words = {"open": ("pending", "open"), "soft": ("held", "soft closed"), "closed": ("sound", "locked")}
    word, says = words[period.state]
    found = mark(word, says=says)
    return Mark(says, "lock", found.tone) if period.state == "closed" else found


def steps(view: Overview, here: str) -> tuple[Step, ...]:
    """The five steps of the design, the first that is not done lit."""
    tied, tied_words, tied_hint = _unexplained(view)
    matched = "all" if not view.lines_open else f"all but {grouped(view.lines_open)}"
    signed = f"{view.approved} of {view.tie_outs}" if view.step <= 5 else "locked"
    named = (
        (
            "Import",
            f"{view.reached} of {view.accounts}",
            f"{_some(view.accounts, 'account')}, {grouped(view.statements)} {_some(view.statements, 'statement')}",
            f"{here}?tab=checklist",
        ),
        ("Match", matched, f"of {grouped(view.lines)} {_some(view.lines, 'line')}", f"{here}?tab=checklist"),
        ("Resolve", grouped(view.exceptions), f"{_some(view.exceptions, 'exception')} left", f"{here}?tab=exceptions"),
        ("Tie out", tied, tied_words, f"{here}?tab=exceptions"),
        (
            "Sign and lock",
            signed,
            "signed, preparer ≠ approver" if view.step <= 5 else "by two people",
            f"{here}?tab=checklist#tie-outs",
        ),
    )
    return tuple(
        Step(
            at,
            title,
            value,
            words,
            is_on=at == view.step,
            is_done=at < view.step,
            url=url,
            goes_before="unexplained" if at == 4 and view.tie_outs else "",
            hint=tied_hint if at == 4 else "",
        )
        for at, (title, value, words, url) in enumerate(named, start=1)
    )


def _some(count: int, what: str) -> str:
    return what if count == 1 else f"{what}s"


def _unexplained(view: Overview) -> tuple[str, str, str]:
    """The largest unexplained amount, its unit and how many more currencies there are, and all of them in words."""
    if not view.tie_outs:
        return "", "is being computed" if view.accounts else "no account yet", ""
    left = sorted(((abs(minor), minor, code) for code, minor in view.unexplained.items() if minor), reverse=True)
    if not left:
        return "0", "mu", ""
    more = f" · +{len(left) - 1}" if len(left) > 1 else ""
    return grouped(left[0][1]), f"mu {left[0][2]}{more}", " · ".join(f"{grouped(m)} {code}" for _, m, code in left)


def tie_mark(tie: TieOutRecord) -> Mark:
    """How far a tie-out is signed."""
    if tie.state == "suspended":
        return mark("diverged", says="changed after it was signed")
    words = {
        "open": ("pending", "not signed"),
        "prepared": ("held", "needs an approver"),
        "approved": ("sound", "signed"),
    }
    word, says = words[tie.state]
    return mark(word, says=says)


def tie_reckoning(tie: TieOutRecord, *, until: str, link: str = "") -> Reckoning:
    """Ledger, statement, in transit, explained, and what is left."""
    figures = tie.figures
    told = [Pair(f"Ledger balance, {until}", grouped(figures.ledger_minor))]
    said = NONE if figures.statement_minor is None else grouped(figures.statement_minor)
    ends = f", {figures.statement_ends_on:%d %B}" if figures.statement_ends_on else ""
    whose = "Bank" if tie.account_kind == "bank" else "Rail's"
    told.append(Pair(f"{whose} closing balance{ends}", said))
    for group, title in (("in_transit", "In transit"), ("explained", "Explained")):
        told += [
            Pair(f"{title}: {_part(each)}", grouped(each.amount_minor)) for each in figures.parts if each.group == group
        ]
    told += [
        Pair(_part(each), grouped(each.amount_minor), css="off")
        for each in figures.parts
        if each.group == "unexplained"
    ]
    level = "level" if figures.is_tied else "off"
    told.append(Pair("Unexplained", grouped(figures.unexplained_minor), css=f"sum {level}"))
    note = f"Explained by {tie.explanation}" if tie.explanation else ""
    unit = "" if tie.currency in tie.account_name.split() else f", {tie.currency}"
    return Reckoning(
        f"Tie-out, {tie.account_name}{unit}",
        tuple(told),
        note=note,
        mark=tie_mark(tie),
        url=f"{link}tie-outs/{tie.id}/" if link else "",
    )


def _part(part: Part) -> str:
    if part.kind in _WHOLE_PARTS:
        return _WHOLE_PARTS[part.kind]
    one, many = _PARTS.get(part.kind, (part.kind.replace("_", " "), part.kind.replace("_", " ")))
    return f"{grouped(part.count)} {one if part.count == 1 else many}"


def rules_reckoning(shares: Sequence[RuleShare], words: Mapping[str, str]) -> Reckoning:
    """How much each rule has matched."""
    rows = tuple(
        Pair(
            words.get(each.rule, each.rule) if each.rule else "not matched: explained or open",
            grouped(each.lines),
            f"{each.share_bp / 100:.2f} %",
            css="" if each.rule else "quiet-row",
        )
        for each in shares
    )
    return Reckoning("Matched by rule", rows or (Pair("nothing was matched yet", "0"),))


def tasks_sheet(tasks: Sequence[TaskRecord], names: Names, *, link: str) -> Sheet:
    """The checklist."""
    titles = {each.key: each.title for each in tasks}
    done = {each.key for each in tasks if each.state == "done"}
    marks = {
        "blocked": mark("not_applicable", says="blocked"),
        "todo": mark("pending", says="to do"),
        "done": mark("done"),
    }

    def says(each: TaskRecord) -> str:
        before = [titles.get(key, key).lower() for key in each.depends_on if key not in done]
        more = f" and {len(before) - WAITS} more" if len(before) > WAITS else ""
        waits = ", ".join(before[:WAITS]) + more
        return f"after: {waits}" if each.state == "blocked" and waits else each.note or each.says

    return sheet(
        "Checklist",
        columns("Task", "State", "Where it stands|wrap", "Owner", "Due|r", "Done by|opt"),
        (
            row(
                each.id,
                Cell(each.title, url=f"{link}tasks/{each.id}/", is_words=True),
                Cell(mark=marks[each.state]),
                says(each),
                Cell(names.get(each.owner_id or "", NONE), css="quiet"),
                Cell(f"{each.due_on:%Y-%m-%d}", css="num late" if each.is_overdue else "num"),
                Cell(
                    f"{person(dict(each.done_by), names)}, {dated(each.done_at)}" if each.done_by else NONE,
                    css="quiet small",
                ),
            )
            for each in tasks
        ),
        title="Checklist",
        css="checklist",
        label=f"{sum(1 for each in tasks if each.state == 'done')} of {len(tasks)} done",
        empty_title="The checklist is made with the first statement",
    )


def tie_sheet(ties: Sequence[TieOutRecord], names: Names, link: str) -> Sheet:
    """Every account of the period, and who signed."""

    def signed(tie: TieOutRecord, step: str) -> str:
        standing = tie.standing("approved" if step == "approved" else "prepared")
        return f"{person(dict(standing.by), names)}, {standing.at:%d %b %H:%M}" if standing else NONE

    return sheet(
        "Tie-outs",
        columns(
            "Account",
            "State",
            "Ledger|r",
            "Statement|r",
            "In transit|r opt",
            "Explained|r opt",
            "Unexplained|r",
            "Prepared|opt",
            "Approved|opt",
        ),
        (
            row(
                tie.id,
                Cell(tie.account_name, url=f"{link}tie-outs/{tie.id}/", is_words=True),
                Cell(mark=tie_mark(tie)),
                amount(tie.figures.ledger_minor, tie.currency),
                amount(tie.figures.statement_minor),
                amount(tie.figures.in_transit_minor),
                amount(tie.figures.explained_minor),
                amount(tie.figures.unexplained_minor, css="amt" if tie.figures.is_tied else "amt late"),
                Cell(signed(tie, "prepared"), css="quiet small"),
                Cell(signed(tie, "approved"), css="quiet small"),
            )
            for tie in ties
        ),
        title="Tie-outs and sign-offs",
        key="tie-outs",
        css="ties",
        label="preparer ≠ approver",
        empty_title="No account is reconciled",
        empty_words="Open one in Reconciliation.",
    )


def roll_sheet(roll: RollForward, base: str) -> Sheet:
    """The trial balance of a currency: opening, movement, closing."""
    rows = [
        row(
            each.account_id,
            Cell(each.account_code, url=f"{base}accounts/{each.account_id}/"),
            Cell(each.account_name if each.account_name != each.account_code else "", css="quiet"),
            Cell(each.gl_code or NONE, css="num quiet"),
            amount(each.opening_minor),
            amount(each.debits_minor),
            amount(each.credits_minor),
            amount(each.closing_minor),
        )
        for each in roll.rows
    ]
    total = row(
        f"total-{roll.currency}",
        f"Total {roll.currency}",
        "",
        "",
        amount(roll.opening_minor),
        amount(roll.debits_minor),
        amount(roll.credits_minor),
        amount(roll.closing_minor),
        css="sum total",
    )
    return sheet(
        f"Trial balance in {roll.currency}",
        columns("Account", "Name|opt", "General ledger|opt", "Opening|r", "Debits|r", "Credits|r", "Closing|r"),
        [*rows, total] if rows else [],
        title=f"Trial balance, {roll.currency}",
        label="opening + credits − debits = closing" + ("" if roll.is_balanced else " · DOES NOT BALANCE"),
        empty_title=f"No account in {roll.currency}",
        css="trial",
    )


def flux_sheet(rows: Sequence[FluxRow]) -> Sheet:
    """What moved in this period and in the one before."""
    return sheet(
        "Compared with the period before",
        columns("Account", "Moved|r", "Before|r", "Change|r"),
        (
            row(
                f"flux-{each.account_id}-{each.currency}",
                Cell(each.account_code, currency=each.currency),
                amount(each.movement_minor),
                amount(each.before_minor),
                amount(each.change_minor),
            )
            for each in rows
        ),
        title="Compared with the period before",
        empty_title="Nothing moved",
    )


def money_reckoning(money: CustomerMoney) -> Reckoning:
    """What is owed to customers and what is there for it."""
    rows = [Pair(f"Held: {each.account_code}", grouped(each.amount_minor)) for each in money.held if each.amount_minor]
    rows.append(Pair("Held", grouped(money.held_minor), css="sum"))
    rows += [Pair(f"Owed: {each.account_code}", grouped(each.amount_minor)) for each in _largest(money)]
    rows.append(Pair("Owed to customers and merchants", grouped(money.owed_minor), css="sum"))
    rows.append(
        Pair(
            "Held beyond what is owed",
            grouped(money.difference_minor),
            css="sum level" if money.is_covered else "sum off",
        )
    )
    verdict = (
        mark("sound", says="covered") if money.is_covered else mark("diverged", says="customers' money is missing")
    )
    return Reckoning(f"Customers' money, {money.currency}", tuple(rows), mark=verdict)


def _largest(money: CustomerMoney) -> list[ProofRow]:
    """The largest ones; the sum says the rest."""
    there = [each for each in money.owed if each.amount_minor]
    return sorted(there, key=lambda each: -abs(each.amount_minor))[:6]
