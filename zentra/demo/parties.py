"""The demo's parties: the books' customers and payees of the traffic, and a small watchlist. Every name is invented.

Made once per workspace, through the same operations as everything else: a few are verified by the simulated vendor, a
few have papers that ran out, two have names that are on the list.
"""

import io
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

from policy.screening.operations import (
    add_document,
    create_party,
    decide_kyc,
    resolve_hit,
    start_verification,
)
from policy.screening.queries import find_party, hits_of
from policy.screening.watchlists.operations import activate_version, create_list, start_import
from policy.screening.watchlists.queries import find_watchlist, list_versions
from policy.screening.watchlists.tasks import advance_import
from policy.screening.watchlists.types import ListRecord
from zentra.core.actors import EDGE, Actor
from zentra.core.tenancy import TenantRef, tenant_work

LIST: Final = "Demo list (invented names)"
MARK: Final = "customer_hotel"
Fate = Literal["verified", "expiring", "expired", "vendor", "rejected", "none"]

_ROWS: Final = (
    ("demo-1", "Person", "Ruslan Vektorov", "R. Vektorov;Rouslan Vektorov", "1968-04-11", "by", "MP1968411"),
    ("demo-2", "Person", "Teodora Marchenko-Vale", "Theodora Vale", "1974-09-02", "me", ""),
    ("demo-3", "Company", "Blackwater Lantern Trading LLC", "BLT Trading", "2011-05-30", "ae", "LIC-448821"),
    ("demo-4", "Person", "Anselmo Quirarte Duval", "El Contador", "1961", "ve", ""),
    ("demo-5", "Company", "Nordhavn Import Agency", "Nordhavn Importagentur", "2016", "dk", "DK77120455"),
    ("demo-6", "Person", "Ha Joon-Seok", "Ha Jun Seok", "1980-01-19", "kp", ""),
    ("demo-7", "Vessel", "Silver Petrel 9", "", "", "pa", "IMO9998877"),
    ("demo-8", "Person", "Yusuf Karadere", "Youssef Karadeere", "1971-12-24", "tr", ""),
    ("demo-9", "Company", "Orlova & Stern Metals", "", "2009", "cy", ""),
    ("demo-10", "Person", "Ignatius Bellwether", "", "1955-06-06", "gb", ""),
    ("demo-11", "Company", "Cobalt Meridian Shipping", "", "2003", "mh", ""),
    ("demo-12", "Person", "Leontyne Abara", "Leontine Abara", "1983-03-15", "ng", ""),
)
_HEADER: Final = "id,schema,name,aliases,birth_date,countries,addresses,identifiers,sanctions,dataset"


@dataclass(frozen=True, slots=True)
class Known:
    """One party of the demo."""

    reference: str
    name: str
    country: str
    fate: Fate
    kind: Literal["person", "company"] = "person"
    born_on: date | None = None
    risk: Literal["low", "medium", "high"] = "low"
    aliases: tuple[str, ...] = ()


_CUSTOMERS: Final = (
    Known(MARK, "Hotel on the Quay", "NL", "verified", "company", date(1998, 3, 2)),
    Known("customer_bakery", "Bakery Morgenrot", "DE", "verified", "company", date(2004, 7, 19)),
    # Its name is on the list: compliance has a case from the first minute.
    Known("customer_under_review", "Nordhavn Import Agency", "DK", "vendor", "company", date(2016, 2, 8), "high"),
)
_PEOPLE: Final = (
    "Adaeze Thornbury", "Bram Ostendijk", "Celeste Varga-Holm", "Dorian Pellworth", "Emeka Lindqvist",
    "Farida Osei-Brandt", "Gideon Marrow", "Hedda Lofthouse", "Ilse Kantor-Bright", "Jarek Winterton",
    "Kaia Delacourt", "Lorenzo Ashgrove", "Maren Quill", "Nico Hartsfield", "Odile Vanterpool", "Pavel Greenhalgh",
    "Quentin Arrowsmith", "Rosalind Teague", "Sanna Merriweather", "Tobias Eckhart-Lane", "Ursula Pemberley",
    "Viggo Starling", "Wren Castellane", "Ximena Halloway",
)  # fmt: skip
_COMPANIES: Final = (
    "Amberline Textiles", "Brightwater Orchards", "Copper Finch Studio", "Dunmore Cycle Works", "Elmsworth Paper",
    "Foxglove Interiors", "Granite Harbour Foods", "Hollybrook Print", "Ivory Gate Books", "Juniper Rail Catering",
    "Kestrel Roofing", "Larkspur Gardens",
)  # fmt: skip
_COUNTRIES: Final = ("GB", "DE", "NL", "FR", "SE", "US", "JP")
_FATES: Final[tuple[Fate, ...]] = (
    "verified", "verified", "vendor", "verified", "expired", "verified", "verified", "expiring", "verified", "none",
    "verified", "verified", "rejected",
)  # fmt: skip


def _known() -> tuple[Known, ...]:
    """Customers of the books, and payees that the demo's traffic pays now and then."""
    people = [
        Known(
            f"payee_{100 + 7 * n}", name, _COUNTRIES[n % 7], _FATES[n % 13], "person", date(1958 + n, 1 + n % 12, 3 + n)
        )
        for n, name in enumerate(_PEOPLE)
    ]
    companies = [
        Known(f"payee_{400 + 11 * n}", name, _COUNTRIES[n % 7], _FATES[(n + 3) % 13], "company", date(1990 + n, 5, 2))
        for n, name in enumerate(_COMPANIES)
    ]
    listed = (
        Known("payee_991", "Leontine Abara", "NG", "none", "person", date(1983, 3, 15), "high"),
        # A namesake, who was cleared.
        Known("payee_993", "Ignatius Bellwether", "GB", "verified"),
    )
    return (*_CUSTOMERS, *people, *companies, *listed)


def seed_parties(*, ref: TenantRef, actor: Actor, now: datetime) -> None:
    """Import the list, then make the parties, unless they were made before. Enters the workspace itself."""
    with tenant_work(ref):
        if find_party(reference=MARK) is not None:
            return
        watchlist = find_watchlist(name=LIST)
    if watchlist is None or watchlist.active_version is None:
        _import_list(ref, watchlist, actor, now)
    with tenant_work(ref):
        for known in _known():
            _make(known, actor, now)


def _import_list(ref: TenantRef, begun: ListRecord | None, actor: Actor, now: datetime) -> None:
    """The list and its first version, from wherever a killed seeding left them."""
    with tenant_work(ref):
        watchlist = begun or create_list(name=LIST, source="opensanctions_csv", actor=actor, now=now)
        waiting = list_versions(list_id=watchlist.id, limit=1)
        version = (
            waiting[0]
            if waiting
            else start_import(
                list_id=watchlist.id, file_name="demo.csv", content=io.BytesIO(_file()), actor=actor, now=now
            )
        )
    # No worker runs yet while the demo is seeded; its work item finds the import done.
    advance_import(ws=ref, version_id=version.id, seconds=30)
    with tenant_work(ref):
        activate_version(version_id=version.id, actor=actor, now=now)


def _file() -> bytes:
    rows = [
        f'{uid},{schema},{name},"{aliases}",{born},{country},,{number},Invented programme,demo'
        for uid, schema, name, aliases, born, country, number in _ROWS
    ]
    return "\n".join([_HEADER, *rows, ""]).encode()


def _make(known: Known, actor: Actor, now: datetime) -> None:
    party = create_party(
        kind=known.kind, reference=known.reference, name=known.name, country=known.country, born_on=known.born_on,
        risk=known.risk, segment="retail" if known.kind == "person" else "business", aliases=known.aliases,
        actor=EDGE, now=now,  # by the onboarding's service: who writes a party down does not clear its hits
    )  # fmt: skip
    if known.reference == "payee_993":
        for hit in hits_of(party_id=party.id, state="open"):
            resolve_hit(hit_id=hit.id, state="cleared", note="Born decades later; passport seen.", actor=actor, now=now)
    _settle(party.id, known, actor, now)


def _settle(party_id: str, known: Known, actor: Actor, now: datetime) -> None:
    paper = "passport" if known.kind == "person" else "registration"
    ends = {"expired": now - timedelta(days=20), "expiring": now + timedelta(days=9)}.get(
        known.fate, now + timedelta(days=1_900)
    )
    if known.fate != "none":
        add_document(
            party_id=party_id, type=paper, number_hint="4471", issued_by=known.country, expires_on=ends.date(),
            actor=actor, now=now,
        )  # fmt: skip
    if known.fate in ("verified", "expiring", "expired"):
        decide_kyc(party_id=party_id, state="verified", note="Papers seen at onboarding.", actor=actor, now=now)
    elif known.fate == "rejected":
        decide_kyc(party_id=party_id, state="rejected", note="The copy cannot be read.", actor=actor, now=now)
    elif known.fate == "vendor":
        start_verification(party_id=party_id, actor=actor, now=now)
