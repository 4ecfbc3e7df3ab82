"""What importing costs: a camt.053 file of a million entries, as a ratio to plain lxml iteration over the same file.

The file is one statement of one account: each entry has one transaction with references, a party and a text, and the
statement has balances and control totals. The import is the product's own: stored file, prolog, every check, lines by
COPY in chunks of their own transactions, indexes, the worklist, on a durable server. Plain iteration is
``for _, element in lxml.etree.iterparse(file): element.text``, each entry cleared when it has ended; beside it the same
that looks at entries alone. Memory is the most that this process has had resident.

Run ``python -m bench.statements`` (some minutes). ``ZENTRA_BENCH_LINES`` says how many entries.
"""

import os
import resource
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.workspace import bench_workspace

if TYPE_CHECKING:
    from zentra.core.tenancy import TenantRef

ENTRIES: Final = int(os.environ.get("ZENTRA_BENCH_LINES", "1000000"))
AIM: Final = 4.0
IBAN: Final = "DE89370400440532013000"
_NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
_BEFORE: Final = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="{namespace}"><BkToCstmrStmt><GrpHdr><MsgId>M-1</MsgId><CreDtTm>2026-04-30T20:00:00Z</CreDtTm></GrpHdr>
<Stmt><Id>S-1</Id><ElctrncSeqNb>1</ElctrncSeqNb><CreDtTm>2026-04-30T20:00:00Z</CreDtTm>
<FrToDt><FrDtTm>2026-04-30T00:00:00Z</FrDtTm><ToDtTm>2026-04-30T23:59:59Z</ToDtTm></FrToDt>
<Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>USD</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="USD">0.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2026-04-30</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="USD">{closing}</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2026-04-30</Dt></Dt></Bal>
<TxsSummry><TtlNtries><NbOfNtries>{entries}</NbOfNtries><Sum>{closing}</Sum></TtlNtries></TxsSummry>
"""
_ENTRY: Final = """<Ntry><NtryRef>{number}</NtryRef><Amt Ccy="USD">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-04-30</Dt></BookgDt><ValDt><Dt>2026-04-30</Dt></ValDt>
<AcctSvcrRef>BANK{number:012}</AcctSvcrRef>
<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>
<NtryDtls><TxDtls><Refs><InstrId>I{number}</InstrId><EndToEndId>E2E-{number:012}</EndToEndId></Refs>
<Amt Ccy="USD">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<RltdPties><Dbtr><Pty><Nm>Customer {number}</Nm></Pty></Dbtr></RltdPties>
<RmtInf><Ustrd>Invoice {number} of April</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
"""


def main() -> None:
    """Write the file, iterate, import; print what each took."""
    with tempfile.TemporaryDirectory() as folder, bench_workspace("bench_statements") as workspace:
        path = Path(folder) / "april.xml"
        _write(path)
        print(f"{ENTRIES:,} entries, {path.stat().st_size / 2**20:.0f} MiB", flush=True)
        every, entries_alone = _iterate(path, "*"), _iterate(path, "{*}Ntry")
        print(f"plain lxml iteration: {every:.1f} s; over entries alone {entries_alone:.1f} s", flush=True)
        before = _resident()
        took = _import(workspace, path)
        print(
            f"import: {took:.1f} s, {ENTRIES / took:,.0f} entries a second; resident {before} MiB before,"
            f" at most {_resident()} MiB after",
            flush=True,
        )
        print(
            f"import, of plain lxml iteration: {took / every:.2f} (aim: at most {AIM:.0f}); of that over entries alone"
            f" {took / entries_alone:.2f}",
            flush=True,
        )


def _write(path: Path) -> None:
    amounts = range(100, 1_000)
    total = sum(amounts[number % len(amounts)] for number in range(ENTRIES))
    with path.open("w", encoding="utf-8") as file:
        closing = f"{total // 100}.{total % 100:02}"
        file.write(_BEFORE.format(namespace=_NAMESPACE, iban=IBAN, closing=closing, entries=ENTRIES))
        for number in range(ENTRIES):
            minor = amounts[number % len(amounts)]
            file.write(_ENTRY.format(number=number, amount=f"{minor // 100}.{minor % 100:02}"))
        file.write("</Stmt></BkToCstmrStmt></Document>\n")


def _iterate(path: Path, tag: str) -> float:
    from lxml import etree

    ended, seen = f"{{{_NAMESPACE}}}Ntry", 0
    began = time.perf_counter()
    for _event, element in etree.iterparse(path, tag=tag):
        seen += len(element.text or "")
        if element.tag == ended:
            element.clear()
    return time.perf_counter() - began


def _import(workspace: "TenantRef", path: Path) -> float:
    from zentra.core import actors, clock
    from zentra.core.tenancy import tenant_work
    from zentra.reconciliation.statements.operations import open_reconciled_account, start_import
    from zentra.reconciliation.statements.tasks import advance_import

    with tenant_work(workspace), path.open("rb") as content:
        open_reconciled_account(
            ledger_account="bank", kind="bank", name="Bench", external_id=IBAN, currency="USD",
            actor=actors.RECONCILIATION, now=clock.now(),
        )  # fmt: skip
        record = start_import(
            account_id=None, format="camt053", is_dry_run=False, file_name=path.name, content=content,
            actor=actors.RECONCILIATION, now=clock.now(),
        )  # fmt: skip
    began = time.perf_counter()
    done = advance_import(ws=workspace, import_id=record.id, seconds=24 * 3600)
    took = time.perf_counter() - began
    if (done.state, done.lines_written) != ("done", ENTRIES):
        raise RuntimeError(f"{done.state}, {done.lines_written} lines: {done.problem}")
    return took


def _resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
