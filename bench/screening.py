"""What it costs to screen a party against a watchlist of 100 thousand invented entries, and to import that list.

The list is imported the way a worker does, activated, and imported again with one entry in a hundred changed. Then
parties are screened one after the other in one process: a third of them are on the list word for word, a third with a
mistake in the name, a third not at all. The time of a party is everything: its transaction, the candidates, the scores.
Durable server, one client. At the end all of them are screened by a run, as after an activation.

Run ``python -m bench.screening`` (some minutes). ``ZENTRA_BENCH_LIST`` says how many entries.
"""

import io
import os
import statistics
import time
from itertools import islice
from typing import TYPE_CHECKING, Final

from bench.names import Names
from bench.rescreening import rescreen
from bench.workspace import bench_workspace

if TYPE_CHECKING:
    from policy.screening.matching.types import ScreenedParty
    from zentra.core.tenancy import TenantRef

ENTRIES: Final = int(os.environ.get("ZENTRA_BENCH_LIST", "100000"))
PARTIES: Final = int(os.environ.get("ZENTRA_BENCH_PARTIES", "10000"))
LIMIT_MS: Final = 50.0


def main() -> None:
    """Import, change, screen; print what each took."""
    people = list(islice(Names(1).people(), ENTRIES * 6 // 10))
    companies = list(islice(Names(2).companies(), ENTRIES - len(people)))
    with bench_workspace("bench_screening") as workspace:
        _import(workspace, people, companies)
        _screen(workspace, people, companies)
        rescreen(workspace, _customers(people, companies))


def _customers(people: list[str], companies: list[str]) -> list[tuple[str, str]]:
    """Parties of whom one in a hundred is on the list."""
    strangers, firms = Names(6).people(), Names(7).companies()
    made = [("person", next(strangers)) if n % 10 < 6 else ("company", next(firms)) for n in range(PARTIES)]
    made[::200] = [("person", name) for name in people[: len(made[::200])]]
    made[100::200] = [("company", name) for name in companies[: len(made[100::200])]]
    return made


def _import(workspace: "TenantRef", people: list[str], companies: list[str]) -> None:
    from policy.screening.watchlists import operations
    from policy.screening.watchlists.tasks import advance_import
    from zentra.core import clock
    from zentra.core.actors import POLICY
    from zentra.core.tenancy import tenant_work

    with tenant_work(workspace):
        listed = operations.create_list(name="Invented", source="ofac_csv", actor=POLICY, now=clock.now())
    for what, every in (("first version", 0), ("next version, 1 in 100 changed", 100)):
        content = _file(people, companies, changed_every=every)
        with tenant_work(workspace):
            version = operations.start_import(
                list_id=listed.id, file_name="list.csv", content=io.BytesIO(content), actor=POLICY, now=clock.now()
            )
        began = time.perf_counter()
        version = advance_import(ws=workspace, version_id=version.id, seconds=3_600)
        took = time.perf_counter() - began
        with tenant_work(workspace):
            operations.activate_version(version_id=version.id, actor=POLICY, now=clock.now())
        print(
            f"import, {what}: {version.entries:,} entries in {took:.1f} s ({version.entries / took:,.0f}/s);"
            f" added {version.added:,}, changed {version.changed:,}, removed {version.removed:,}",
            flush=True,
        )


def _file(people: list[str], companies: list[str], *, changed_every: int) -> bytes:
    days = Names(3)
    rows = [f'{n},"{name}","individual","TEST",{_NULLS},"DOB {_as_ofac(days.day())}."' for n, name in enumerate(people)]
    rows += [f'{len(people) + n},"{name}",-0- ,"TEST",{_NULLS},-0- ' for n, name in enumerate(companies)]
    if changed_every:
        rows[::changed_every] = [row.replace('"TEST"', '"TEST] [NEW"') for row in rows[::changed_every]]
    return "".join(f"{row}\r\n" for row in rows).encode() + b"\x1a"


_NULLS: Final = ",".join(["-0- "] * 7)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _as_ofac(day: str) -> str:
    year, month, number = day.split("-")
    return f"{number} {_MONTHS[int(month) - 1]} {year}"


def _screen(workspace: "TenantRef", people: list[str], companies: list[str]) -> None:
    from policy.screening.matching.queries import match_party
    from zentra.core.tenancy import tenant_work

    times, found, listed = [], 0, 0
    began = time.perf_counter()
    for party, is_listed in _parties(people, companies):
        start = time.perf_counter()
        with tenant_work(workspace):
            matches = match_party(party=party, from_score=80)
        times.append((time.perf_counter() - start) * 1000)
        found += bool(matches) and is_listed
        listed += is_listed
    took = time.perf_counter() - began
    cuts = statistics.quantiles(times, n=100)
    print(
        f"screening one party against {ENTRIES:,} entries: p50 {cuts[49]:.1f} ms, p95 {cuts[94]:.1f} ms,"
        f" p99 {cuts[98]:.1f} ms, longest {max(times):.1f} ms (wanted: under {LIMIT_MS:.0f} ms)"
    )
    print(f"screening {len(times):,} parties again, one process: {took:.0f} s, {len(times) / took:.0f} parties/s")
    print(f"of {listed:,} parties that are on the list, half of them misspelt, {found / listed:.1%} were found")


def _parties(people: list[str], companies: list[str]) -> "list[tuple[ScreenedParty, bool]]":
    from policy.screening.matching.types import ScreenedParty

    names, strangers, made = Names(4), Names(5), []
    unknown = {"person": strangers.people(), "company": strangers.companies()}
    for number in range(PARTIES):
        kind = "person" if number % 10 < 6 else "company"
        source = people if kind == "person" else companies
        listed = source[number * 7919 % len(source)]
        name = (listed, names.misspelt(listed), next(unknown[kind]))[number % 3]
        dates = (names.day(),) if kind == "person" and number % 3 == 2 else ()
        made.append((ScreenedParty(kind="person" if kind == "person" else "company", names=(name,), dates=dates),
                     number % 3 != 2))  # fmt: skip
    return made


if __name__ == "__main__":
    main()
