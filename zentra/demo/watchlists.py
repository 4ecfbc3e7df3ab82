"""The demo's sanctions list, in OFAC's legacy form: sixty invented names, and a next version that waits for activation.

``watchlist.csv`` beside this file is the first version. The next one has a few entries more, a few less and one that
says something else, so that the page of its delta has something to show and somebody has something to decide.
"""

import io
from datetime import datetime
from pathlib import Path
from typing import Final

from policy.screening.watchlists.operations import activate_version, create_list, start_import
from policy.screening.watchlists.queries import find_watchlist
from policy.screening.watchlists.tasks import advance_import
from policy.screening.watchlists.types import VersionRecord
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef, tenant_work

NAME: Final = "Demo sanctions (invented names)"
FILE: Final = Path(__file__).with_name("watchlist.csv")
_NEW: Final = (
    '90901,"KESTREVAN, Ilya",individual,"RUSSIA-DEMO",{nulls},"DOB 14 Feb 1979; nationality Russia."',
    '90902,"BRUNHALDT COMMODITIES AG",-0- ,"DEMO",{nulls},"Organization Established Date 03 Mar 2015."',
    '90903,"MONTESALVO ARRIERO, Diego",individual,"NARCO-DEMO",{nulls},"DOB circa 1968; nationality Mexico."',
    '90904,"SILENT BITTERN",vessel,"IRAN-DEMO",{nulls},"Vessel Registration Identification IMO 9955501."',
)
_NULLS: Final = ",".join(["-0- "] * 7)
_GONE: Final = 2


def seed_watchlists(*, ref: TenantRef, actor: Actor, now: datetime) -> None:
    """Import both versions and activate the first, unless the list is there. Enters the workspace itself."""
    with tenant_work(ref):
        if find_watchlist(name=NAME) is not None:
            return
        watchlist = create_list(name=NAME, source="ofac_csv", actor=actor, now=now)
    first = FILE.read_bytes()
    version = _import(ref, watchlist.id, "sdn_first.csv", first, actor, now)
    with tenant_work(ref):
        activate_version(version_id=version.id, actor=actor, now=now)
    _import(ref, watchlist.id, "sdn_next.csv", _next(first), actor, now)


def _import(ref: TenantRef, list_id: str, name: str, content: bytes, actor: Actor, now: datetime) -> VersionRecord:
    with tenant_work(ref):
        version = start_import(list_id=list_id, file_name=name, content=io.BytesIO(content), actor=actor, now=now)
    # No worker runs yet while the demo is seeded; its work item finds the import done.
    return advance_import(ws=ref, version_id=version.id, seconds=30)


def _next(first: bytes) -> bytes:
    rows = first.decode().removesuffix("\x1a").splitlines()[_GONE:]
    rows[0] = rows[0].replace("Gender Male", "Gender Male; a.k.a. 'THE QUARTERMASTER'")
    return "".join(f"{row}\r\n" for row in [*rows, *(row.format(nulls=_NULLS) for row in _NEW)]).encode() + b"\x1a"
