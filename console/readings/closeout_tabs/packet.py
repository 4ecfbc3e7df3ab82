"""The sealed packets of a period, the auditor's sample, and the names in the general ledger."""

from typing import Final

from console.doors import Visit
from console.marks import mark
from console.presenters.accounts import person
from console.presenters.finance import amount, columns, number, row, sheet
from console.presenters.words import NONE, dated, grouped, moment
from console.readings.closeout import period_url
from console.readings.recon import people
from console.types.finance import Act, Ask, Cell, CloseoutTab, Sheet
from zentra.reconciliation.closeout.queries import drawn_sample, list_gl_accounts, list_packets
from zentra.reconciliation.closeout.types import AuditSample, PacketRecord, PeriodRecord
from zentra.tenants.permissions import Permission

SAMPLE: Final = 25


def show(visit: Visit, period: PeriodRecord) -> CloseoutTab:
    """Packets, the sample of the newest one, and the general ledger; sealing one when the period is locked."""
    here = period_url(visit, period)
    packets = list_packets(period_id=period.id)
    acts: tuple[Act, ...] = ()
    if visit.may(Permission.CLOSEOUT_PREPARE) and period.state == "closed":
        acts = (
            Act(
                "packet",
                "Seal a packet…",
                f"{here}packets/",
                verb="Seal it",
                is_primary=True,
                shortcut="s",
                words="Trial balance, tie-outs, matches, exceptions, statements, an audit sample. Verifiable offline.",
                asks=(Ask("sample_size", "Postings in the audit sample", str(SAMPLE), type="number", maximum=4),),
            ),
        )
    drawn = _sample_sheet(visit, drawn_sample(period_id=period.id))
    return CloseoutTab(sheets=(_packets_sheet(visit, here, packets), drawn, _gl_sheet(here)), acts=acts)


def _sample_sheet(visit: Visit, sample: AuditSample | None) -> Sheet:
    """The postings that the newest packet took for the auditor."""
    return sheet(
        "Audit sample",
        columns("Place|r fit", "Posting", "Purpose", "Effective, UTC|opt", "Minor units|r", "Hash|opt"),
        (
            row(
                f"sample-{each.place}",
                number(each.place),
                Cell(
                    f"…{each.posting_id[-8:]}",
                    url=f"{visit.base}ledger/postings/{each.posting_id}/",
                    title=each.posting_id,
                ),
                each.purpose,
                Cell(dated(each.effective_at), css="num"),
                amount(each.amount_minor, each.currency),
                Cell(f"{each.digest[:12]}…", css="num quiet", title=each.digest),
            )
            for each in (sample.items if sample else ())
        ),
        title="Audit sample",
        label=f"seed {sample.seed[:12]}… · {grouped(len(sample.items))} of {grouped(sample.population)} postings"
        if sample
        else "",
        empty_title="No sample was drawn yet",
        empty_words="It is drawn when a packet is asked for, by a seed that nobody chooses, and stays with it.",
    )


def _packets_sheet(visit: Visit, here: str, packets: list[PacketRecord]) -> Sheet:
    names = people([dict(each.requested_by) for each in packets])
    marks = {
        "pending": mark("running", says="being sealed"),
        "ready": mark("ready", says="sealed"),
        "failed": mark("failed"),
    }
    return sheet(
        "Packets, newest first",
        columns("Packet", "State", "SHA-256|opt", "Bytes|r opt", "By|opt", "Age|r"),
        (
            row(
                each.id,
                Cell(
                    f"revision {each.revision}",
                    url=f"{here}packets/{each.id}/" if each.state == "ready" else "",
                    note=each.problem,
                ),
                Cell(mark=marks[each.state]),
                Cell(f"{each.sha256[:20]}…" if each.sha256 else NONE, css="num quiet", title=each.sha256),
                number(each.size_bytes),
                Cell(person(dict(each.requested_by), names), css="quiet"),
                Cell(moment=moment(each.created_at, visit.now), css="num quiet"),
            )
            for each in packets
        ),
        title="Closeout packets",
        label="verify with python -m evidence.verifier",
        empty_title="No packet was sealed yet",
        empty_words="A locked period's packet holds everything that an auditor samples, and is verified without us.",
    )


def _gl_sheet(here: str) -> Sheet:
    accounts = list_gl_accounts()
    return sheet(
        "General-ledger accounts",
        columns("Ledger account", "Currency", "General ledger", "Name"),
        (
            row(
                each.ledger_account_id,
                Cell(each.ledger_account_code, url=f"{here}gl/{each.ledger_account_id}/"),
                each.currency,
                Cell(each.gl_code or "not mapped", css="num" if each.gl_code else "quiet"),
                each.gl_name or NONE,
            )
            for each in accounts
        ),
        title="General ledger",
        label=f"{sum(1 for each in accounts if each.gl_code)} of {len(accounts)} mapped",
    )
