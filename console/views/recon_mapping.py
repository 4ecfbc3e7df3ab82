"""The wizard of a CSV mapping: a sample of the file is guessed, shown row by row, and corrected until it reads."""

import base64
import binascii
import io
from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from console.doors import Visit, room
from console.forms import Done, FormIncomplete, act_once
from console.presenters.finance import columns, options, row, sheet
from console.presenters.words import NONE, grouped
from console.readings.recon import ROOM, account_url, crumbs, home, problem_of
from console.shell import build_shell
from console.types.finance import Ask, Cell, MappingPage, Problem, Sheet
from zentra.core.errors import DomainError
from zentra.core.tenancy import tenant_work
from zentra.reconciliation.statements.formats.mapping import (
    COLUMNS,
    DATE_FORMS,
    DECIMAL_MARKS,
    DELIMITERS,
    ENCODINGS,
    THOUSANDS_MARKS,
)
from zentra.reconciliation.statements.operations import save_mapping, start_import
from zentra.reconciliation.statements.queries import get_reconciled_account, guess_mapping, preview_mapping
from zentra.reconciliation.statements.types import ReconciledAccountRecord
from zentra.tenants.operations import hold_membership
from zentra.tenants.permissions import Permission

SAMPLE: Final = 256 * 1024
ROWS: Final = 12
_NAMED: Final = {"\t": "tab", " ": "space", "": "none"}
_WORDS: Final = {
    "booked_on": "Booked on",
    "value_on": "Value on",
    "amount": "Amount, signed",
    "debit": "Money out",
    "credit": "Money in",
    "direction": "Debit or credit",
    "currency": "Currency",
    "reference": "Reference",
    "end_to_end_id": "End-to-end id",
    "bank_reference": "Bank reference",
    "batch": "Batch",
    "counterparty": "Counterparty",
    "description": "Text",
    "kind": "Kind",
    "balance": "Balance after",
    "gross": "Gross",
    "fee": "Fee",
}


def read_mapping(visit: Visit) -> dict[str, Any]:
    """The mapping as the form holds it; what is wrong in it is said where it is used."""
    post = visit.request.POST
    skip = post.get("skip_rows", "0").strip() or "0"
    if not skip.isascii() or not skip.isdecimal() or len(skip) > 3:
        raise FormIncomplete("Say how many rows stand above the heading, 0 to 100.")
    found: dict[str, Any] = {
        "columns": {name: post.get(f"column_{name}", "").strip() for name in COLUMNS if post.get(f"column_{name}")},
        "skip_rows": int(skip),
        "has_header": post.get("has_header") == "yes",
        "is_inverted": post.get("is_inverted") == "yes",
    }
    for name in ("delimiter", "encoding", "decimal_mark", "thousands_mark", "date_form"):
        value = post.get(name)
        if value is not None:
            found[name] = {"tab": "\t", "space": " ", "none": ""}.get(value, value)
    return found


@room(Permission.RECONCILIATION_IMPORT, in_transaction=False)
def wizard(visit: Visit, recon_id: str) -> HttpResponseBase:
    """A sample comes in, the mapping is corrected, and then it is kept for the account."""
    if visit.request.method != "POST":
        with tenant_work(visit.workspace):
            return _page(visit, get_reconciled_account(account_id=recon_id), b"", "", None)
    sample, name, is_whole = _sample(visit)
    do = visit.request.POST.get("do", "look")
    mapping: dict[str, Any] | None = None
    try:
        mapping = read_mapping(visit) if visit.request.POST.get("mapped") == "yes" else None
        if mapping is None or do not in {"save", "import"}:
            with tenant_work(visit.workspace):
                return _page(
                    visit, get_reconciled_account(account_id=recon_id), sample, name, mapping, is_whole=is_whole
                )
        with tenant_work(visit.workspace):
            hold_membership(member=visit.member)
            return _keep(visit, recon_id, mapping, sample, name, is_import=do == "import" and is_whole)
    except DomainError as error:
        if error.status == 404:
            raise
        with tenant_work(visit.workspace):
            account = get_reconciled_account(account_id=recon_id)
            return _page(visit, account, sample, name, mapping, error=error, is_whole=is_whole)


def show_wizard(visit: Visit, *, file: Any, account_id: str) -> HttpResponse:
    """The wizard for a file that was to be imported. Runs inside the workspace; raises FormIncomplete."""
    if not account_id:
        raise FormIncomplete("A CSV file does not say whose it is: choose its account.")
    sample = file.read(SAMPLE)
    is_whole = (file.size or 0) <= len(sample)
    return _page(
        visit, get_reconciled_account(account_id=account_id), sample, file.name or "file", None, is_whole=is_whole
    )


def _sample(visit: Visit) -> tuple[bytes, str, bool]:
    """The head of the file, its name, and whether that is all of it; the page keeps it between two looks."""
    file = visit.request.FILES.get("file")
    if file is not None:
        sample = file.read(SAMPLE)
        return sample, file.name or "file", (file.size or 0) <= len(sample)
    try:
        kept = base64.b64decode(visit.request.POST.get("sample", ""), validate=True)[:SAMPLE]
    except (ValueError, binascii.Error):
        kept = b""
    return kept, visit.request.POST.get("file_name", "")[:200] or "file", visit.request.POST.get("whole") == "yes"


def _keep(
    visit: Visit, recon_id: str, mapping: dict[str, Any], sample: bytes, name: str, *, is_import: bool
) -> HttpResponse:
    account = get_reconciled_account(account_id=recon_id)
    found = preview_mapping(sample=sample, mapping=mapping, currency=account.currency, limit=ROWS)
    if sample and (found.problem or found.wrong):
        raise FormIncomplete(found.problem or f"{found.wrong} rows of the sample cannot be read like this.")

    def effect() -> Done:
        save_mapping(account_id=recon_id, mapping=mapping)
        if not is_import:
            told = f"CSV files of {account.name} are read like this from now on. Choose the file and import it."
            return Done(told, f"{home(visit)}imports/start/?account={recon_id}")
        record = start_import(
            account_id=recon_id,
            format="csv",
            mapping=mapping,
            is_dry_run=False,
            file_name=name,
            content=io.BytesIO(sample),
            actor=visit.actor(),
            now=visit.now,
        )
        return Done(f"The mapping is kept and {name} is imported.", f"{home(visit)}imports/{record.id}/")

    return act_once(visit, operation="recon.mapping", effect=effect)


def _page(
    visit: Visit,
    account: ReconciledAccountRecord,
    sample: bytes,
    name: str,
    mapping: Mapping[str, Any] | None,
    *,
    error: DomainError | None = None,
    is_whole: bool = False,
) -> HttpResponse:
    doubts: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    problem = problem_of(visit, error)
    if sample and mapping is None:
        guess = guess_mapping(sample=sample)
        mapping, headers, doubts = account.mapping or guess.mapping.as_dict(), guess.headers, guess.doubts
    preview, is_sound = None, False
    if sample and mapping is not None and problem is None:
        try:
            found = preview_mapping(sample=sample, mapping=mapping, currency=account.currency, limit=ROWS)
        except DomainError as refused:
            problem = problem_of(visit, refused)
        else:
            headers, preview = found.headers or headers, _preview(found, account.currency)
            is_sound = not found.problem and not found.wrong
            problem = Problem(found.problem) if found.problem else None
    if sample and not headers:  # a mapping that is refused as a whole is put right from the file's own headings
        headers = guess_mapping(sample=sample).headers
    if problem is not None and mapping is not None and not _has_amount(mapping):
        problem = Problem("Choose which column has the amount, or those of debits and credits.")
    shown = dict(mapping or account.mapping or {})
    page = MappingPage(
        heading="How its CSV files are read",
        words=account.name,
        crumbs=crumbs(visit, (account.name, account_url(visit, account.id))),
        url=f"{account_url(visit, account.id)}mapping/",
        file_name=name if sample else "",
        asks=_asks(shown),
        columns=_columns(shown, headers),
        preview=preview,
        sample=base64.b64encode(sample).decode(),
        problem=problem,
        is_sound=is_sound,
        back_url=account_url(visit, account.id),
        note=" ".join(doubts),
        is_whole=is_whole,
    )
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "recon-mapping"}
    return render(visit.request, "console/finance/mapping.html", context, status=error.status if error else 200)


def _has_amount(mapping: Mapping[str, Any]) -> bool:
    chosen = mapping.get("columns", {})
    return any(chosen.get(name) for name in ("amount", "debit", "credit"))


def _asks(shown: Mapping[str, Any]) -> tuple[Ask, ...]:
    def choose(name: str, label: str, values: tuple[str, ...], default: str) -> Ask:
        chosen = str(shown.get(name, default))
        pairs = [(_NAMED.get(each, each), _NAMED.get(each, each)) for each in values]
        return Ask(name, label, options=options(pairs, _NAMED.get(chosen, chosen)))

    return (
        choose("delimiter", "Columns are parted by", DELIMITERS, ","),
        choose("encoding", "Encoding", ENCODINGS, "utf-8"),
        choose("decimal_mark", "Decimal mark", DECIMAL_MARKS, "."),
        choose("thousands_mark", "Thousands mark", THOUSANDS_MARKS, ""),
        choose("date_form", "Days are written", DATE_FORMS, "YYYY-MM-DD"),
        Ask("skip_rows", "Rows above the heading", str(shown.get("skip_rows", 0)), type="number", maximum=3),
        Ask(
            "has_header",
            "The first row is a heading",
            "yes",
            type="checkbox",
            is_ticked=bool(shown.get("has_header", True)),
        ),
        Ask(
            "is_inverted",
            "Signs are the bank's: turn them round",
            "yes",
            type="checkbox",
            is_ticked=bool(shown.get("is_inverted", False)),
        ),
    )


def _columns(shown: Mapping[str, Any], headers: tuple[str, ...]) -> tuple[Ask, ...]:
    chosen = dict(shown.get("columns", {}))
    has_header = bool(shown.get("has_header", True))
    names = list(headers) if has_header else [str(at + 1) for at in range(len(headers))]
    return tuple(
        Ask(
            f"column_{name}",
            _WORDS[name],
            options=options(
                [
                    ("", "—"),
                    *((each, each) for each in dict.fromkeys([*names, *filter(None, [chosen.get(name)])]) if each),
                ],
                str(chosen.get(name, "")),
            ),
            is_required=False,
        )
        for name in COLUMNS
    )


def _preview(found: Any, currency: str) -> Sheet:
    def cells(each: Any) -> list[Cell | str]:
        wrong = {problem.field: problem.detail for problem in each.problems}
        line = each.line
        told = "; ".join(dict.fromkeys(wrong.values()))
        if line is None:
            return [
                Cell(str(each.number), css="num quiet"),
                NONE,
                NONE,
                NONE,
                NONE,
                Cell(told or "no row", css="error-cell"),
            ]
        return [
            Cell(str(each.number), css="num quiet"),
            Cell(f"{line.booked_on:%Y-%m-%d}", css="num"),
            Cell(line.reference or NONE, css="id"),
            Cell(line.description or line.counterparty or NONE, css="quiet"),
            Cell(grouped(line.amount_minor), css="amt", currency=line.currency or currency),
            Cell(told or "reads", css="error-cell" if told else "quiet"),
        ]

    return sheet(
        "The first rows as they are read",
        columns("Row|r fit", "Booked", "Reference", "Text", "Minor units|r", "What is wrong|wrap"),
        (row(str(each.number), *cells(each)) for each in found.rows),
        title="As it is read",
        label=f"{grouped(found.wrong)} wrong" if found.wrong else "all rows of the sample read",
        empty_title="No row was found",
    )
