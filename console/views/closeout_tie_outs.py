"""One account in one period: its figures, what is left explained in words, and two signatures."""

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from console.asked import read_whole, version_of
from console.doors import Visit, room
from console.forms import FormIncomplete
from console.kept import Refused, again, keeping
from console.marks import mark
from console.presenters.accounts import Names, person
from console.presenters.closeout import tie_mark, tie_reckoning
from console.presenters.finance import columns, facts, row, sheet
from console.presenters.words import dated, grouped
from console.readings.closeout import ROOM, act_on_period, crumbs, period_of, period_url
from console.readings.recon import people
from console.shell import build_shell
from console.types import Chip
from console.types.finance import Act, Ask, Cell, Fact, Facts, FinancePage, Sheet
from zentra.reconciliation.closeout import operations as closing
from zentra.reconciliation.closeout.errors import TieOutNotFound
from zentra.reconciliation.closeout.queries import get_tie_out
from zentra.reconciliation.closeout.reasons import MOST as MOST_WORDS
from zentra.reconciliation.closeout.types import PeriodRecord, TieOutRecord
from zentra.tenants.permissions import Permission


def _tie_out(period: PeriodRecord, tie_out_id: str) -> TieOutRecord:
    found = get_tie_out(tie_out_id=tie_out_id)
    if found.period_id != period.id:
        raise TieOutNotFound(f"There is no tie-out {tie_out_id} in {period.month}.")
    return found


@room(Permission.RECONCILIATION_READ)
def show_tie_out(visit: Visit, month: str, tie_out_id: str) -> HttpResponse:
    """One account in one period: its figures, what is left, and who signed."""
    return _tie_out_page(visit, None, month, tie_out_id)


def _tie_out_page(visit: Visit, refused: Refused | None, month: str, tie_out_id: str) -> HttpResponse:
    period = period_of(month)
    tie = _tie_out(period, tie_out_id)
    names = people(
        [*(dict(each.by) for each in tie.sign_offs), *([dict(tie.explained_by)] if tie.explained_by else [])]
    )
    room_url = f"{visit.base}reconciliation/"
    page = FinancePage(
        heading=f"Tie-out of {tie.account_name}",
        words=f"{period.name} · {tie.currency} · computed {dated(tie.computed_at)} UTC",
        mark=tie_mark(tie),
        crumbs=crumbs(visit, (period.name, period_url(visit, period))),
        note="The figures changed after they were signed; they are signed anew." if tie.state == "suspended" else "",
        reckonings=(tie_reckoning(tie, until=f"{period.ends_on:%d %B}".lstrip("0")),),
        sheets=(_signatures(tie, names),),
        facts=(
            Facts(
                "Tie-out",
                facts(
                    Fact("account", tie.account_name, url=f"{room_url}accounts/{tie.account_id}/"),
                    ("ledger account", tie.ledger_account_code),
                    ("named", tie.external_id),
                    ("statements", grouped(tie.figures.statements)),
                    Fact(
                        "last one",
                        f"ends {tie.figures.statement_ends_on:%Y-%m-%d}",
                        url=f"{room_url}statements/{tie.figures.statement_id}/",
                    )
                    if tie.figures.statement_id
                    else Fact("last one", "none reaches the period"),
                    Fact(
                        "exceptions",
                        grouped(tie.figures.open_exceptions),
                        url=f"{room_url}exceptions/?account={tie.account_id}",
                    ),
                    (
                        "explained by",
                        f"{person(dict(tie.explained_by), names)}: {tie.explanation}" if tie.explained_by else "",
                    ),
                    Fact("figures", f"{tie.figures_hash[:16]}…", copy=tie.figures_hash),
                    Fact("id", tie.id, copy=tie.id),
                ),
            ),
        ),
        acts=_tie_acts(visit, period, tie),
        side_note=_turn(visit, period, tie) if visit.may(Permission.CLOSEOUT_PREPARE) else "",
        links=(Chip("Workbench", f"{room_url}accounts/{tie.account_id}/workbench/", key="w"),),
    )
    page = again(page, refused, at=f"{period_url(visit, period)}tie-outs/{tie.id}/")
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "closeout-tie-out"}
    return render(visit.request, "console/finance/page.html", context)


def _signatures(tie: TieOutRecord, names: Names) -> Sheet:
    return sheet(
        "Signatures",
        columns("Step", "By", "At, UTC", "Figures|opt", "Stands"),
        (
            row(
                each.id,
                each.step,
                person(dict(each.by), names),
                Cell(dated(each.at), css="num"),
                Cell(f"{each.figures_hash[:16]}…", css="num quiet", title=each.figures_hash),
                Cell(
                    mark=mark("overdue", says=f"suspended {dated(each.suspended_at)}")
                    if each.suspended_at
                    else mark("sound", says="stands")
                ),
            )
            for each in tie.sign_offs
        ),
        title="Sign-offs",
        label="preparer ≠ approver",
        empty_title="Nobody has signed yet",
        empty_words="It is signed when nothing is unexplained, or when what is left is explained in words.",
    )


def _tie_acts(visit: Visit, period: PeriodRecord, tie: TieOutRecord) -> tuple[Act, ...]:
    here = f"{period_url(visit, period)}tie-outs/{tie.id}/"
    acts = []
    signed = (("figures_hash", tie.figures_hash), ("explanation_version", str(tie.explanation_version)))
    prepared, approved = tie.standing("prepared"), tie.standing("approved")
    if visit.may(Permission.CLOSEOUT_PREPARE):
        if not tie.figures.is_tied and approved is None and period.state != "closed":
            acts.append(
                Act(
                    "explain",
                    "Explain…",
                    f"{here}explain/",
                    verb="Explain it",
                    shortcut="e",
                    hidden=(("version", str(tie.version)),),
                    words="For exactly these figures. It stands in the packet.",
                    asks=(Ask("explanation", "What the rest is", tie.explanation, is_long=True, maximum=MOST_WORDS),),
                )
            )
        if prepared is None and tie.can_be_signed and period.state != "open":
            acts.append(
                Act("prepare", "Sign as preparer", f"{here}prepare/", hidden=signed, is_primary=True, shortcut="s")
            )
    may_approve = visit.may(Permission.CLOSEOUT_APPROVE) and prepared is not None and approved is None
    if may_approve and not _turn(visit, period, tie):
        acts.append(Act("approve", "Sign as approver", f"{here}approve/", hidden=signed, is_primary=True, shortcut="a"))
    return tuple(acts)


def _turn(visit: Visit, period: PeriodRecord, tie: TieOutRecord) -> str:
    """Why this person does not sign here now; nothing when they may, or when nobody has to."""
    prepared, me = tie.standing("prepared"), visit.member.user_id
    if tie.standing("approved") is not None:
        return ""
    if period.state == "closed" and not tie.can_be_signed:
        return "The month is locked; what is left is explained once it is opened again."
    if period.state == "open":
        return "It is signed once the month is softly closed."
    if prepared is not None and prepared.by.get("id") == me:
        return "You signed as preparer; another person approves."
    if prepared is not None and (tie.explained_by or {}).get("id") == me:
        return "You explained the rest; another person approves."
    return ""


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False, step_up=True)
@keeping(_tie_out_page, act="explain")
def explain(visit: Visit, month: str, tie_out_id: str) -> HttpResponseBase:
    """Say what the unexplained rest is."""
    period = period_of(month)
    text = visit.request.POST.get("explanation", "").strip()
    if not 1 <= len(text) <= MOST_WORDS:
        raise FormIncomplete(f"Say in words what the rest is, in 1 to {MOST_WORDS} characters.", field="explanation")

    def effect() -> str:
        closing.explain_tie_out(
            tie_out_id=tie_out_id, explanation=text, version=version_of(visit), actor=visit.actor(), now=visit.now
        )
        return "The rest is explained for these figures."

    return act_on_period(visit, "explain", f"{period_url(visit, period)}tie-outs/{tie_out_id}/", effect)


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False, step_up=True)
@keeping(_tie_out_page, act="prepare")
def prepare(visit: Visit, month: str, tie_out_id: str) -> HttpResponseBase:
    """Sign as the one who prepared it."""
    period = period_of(month)

    def effect() -> str:
        closing.prepare_tie_out(
            tie_out_id=tie_out_id,
            figures_hash=visit.request.POST.get("figures_hash", ""),
            explanation_version=read_whole(visit.request.POST.get("explanation_version", "")),
            actor=visit.actor(),
            now=visit.now,
        )
        return "You signed as preparer; another person approves."

    return act_on_period(visit, "prepare", f"{period_url(visit, period)}tie-outs/{tie_out_id}/", effect)


@room(Permission.CLOSEOUT_APPROVE, in_transaction=False, step_up=True)
@keeping(_tie_out_page, act="approve")
def approve(visit: Visit, month: str, tie_out_id: str) -> HttpResponseBase:
    """Sign as the second person."""
    period = period_of(month)

    def effect() -> str:
        closing.approve_tie_out(
            tie_out_id=tie_out_id,
            figures_hash=visit.request.POST.get("figures_hash", ""),
            explanation_version=read_whole(visit.request.POST.get("explanation_version", "")),
            actor=visit.actor(),
            now=visit.now,
        )
        return "The tie-out is signed by two people."

    return act_on_period(visit, "approve", f"{period_url(visit, period)}tie-outs/{tie_out_id}/", effect)
