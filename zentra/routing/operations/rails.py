"""Connecting rails and opening corridors: what an administrator or the seed does, rarely."""

import base64
import os
from collections.abc import Sequence
from datetime import datetime

from zentra.core.errors import DomainError
from zentra.core.ids import new_id, new_uuid
from zentra.core.tenancy import TenantRef
from zentra.routing.directory.operations import add_connection
from zentra.routing.errors import RailUnknown
from zentra.routing.models import Corridor, Rail
from zentra.routing.models import CorridorRail as CorridorRailRow
from zentra.routing.operations.secrets import add_secret
from zentra.routing.queries import find_rail, list_rails
from zentra.routing.types import ANY, ConnectionRef, CorridorRail, RailRecord, RailState


class RailExists(DomainError):
    """The workspace has a rail of this name."""

    code = "rail_exists"
    status = 409
    title = "A rail of this name is connected already"


def connect_rail(
    *, ws: TenantRef, name: str, base_url: str, secret: str, now: datetime, provider: str = "sandbox"
) -> RailRecord:
    """Connect a rail and list it in the public directory, in one transaction.

    ``base_url`` is the rail's own root (``http://127.0.0.1:8090/rail_a``); ``secret`` (``whsec_…``) signs its callbacks
    and is encrypted at rest. It takes no payment before a corridor names it. Raises RailExists.
    """
    if Rail.objects.filter(name=name).exists():
        raise RailExists(f"{name!r} is connected.", rail=name)
    rail = Rail.objects.create(
        id=new_id("rail"), name=name, provider=provider, base_url=base_url.rstrip("/"), created_at=now
    )
    add_secret(rail_id=rail.id, secret=secret, now=now)
    add_connection(connection=ConnectionRef(rail.id, ws.id, name))
    return find_rail(rail=rail.id)


# The demo's terms: rail_a is preferred and a little cheaper, so that failover to rail_b is seen as such.
SANDBOX_RAILS = {"rail_a": (1, 20), "rail_b": (2, 28)}


def connect_sandbox_rails(*, ws: TenantRef, sandbox_url: str, now: datetime) -> list[RailRecord]:
    """Have both simulated rails connected and one corridor for everything; doing it again moves them to a new address.

    ``sandbox_url`` is the simulators' root (``http://127.0.0.1:8090``). The rails must be told of the connections
    before their first payment: ``queries.list_registrations``, then ``providers.sandbox.register``.
    """
    known = {rail.name: rail for rail in list_rails()}
    rails = [
        change_rail(rail_id=known[name].id, base_url=f"{sandbox_url.rstrip('/')}/{name}")
        if name in known
        else connect_rail(
            ws=ws, name=name, base_url=f"{sandbox_url.rstrip('/')}/{name}", secret=new_callback_secret(), now=now
        )
        for name in SANDBOX_RAILS
    ]
    if not Corridor.objects.filter(source=ANY, destination=ANY, method=ANY).exists():
        open_corridor(rails=[CorridorRail(rail.id, *SANDBOX_RAILS[rail.name]) for rail in rails], now=now)
    return rails


def new_callback_secret() -> str:
    """A fresh secret as Standard Webhooks writes it: ``whsec_`` and 32 random bytes in base64."""
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


def change_rail(
    *,
    rail_id: str,
    base_url: str | None = None,
    state: RailState | None = None,
    default_scenario: str | None = None,
) -> RailRecord:
    """Change what is given; ``default_scenario`` "clean" removes the fault. Raises RailUnknown."""
    changes: dict[str, str | None] = {}
    if base_url is not None:
        changes["base_url"] = base_url.rstrip("/")
    if state is not None:
        changes["state"] = state
    if default_scenario is not None:
        changes["default_scenario"] = None if default_scenario == "clean" else default_scenario
    if changes and Rail.objects.filter(id=rail_id).update(**changes) != 1:
        raise RailUnknown(f"{rail_id} is no rail of this workspace.")
    return find_rail(rail=rail_id)


def open_corridor(
    *,
    rails: Sequence[CorridorRail],
    now: datetime,
    source: str = ANY,
    destination: str = ANY,
    method: str = ANY,
    currencies: Sequence[str] = (),
) -> None:
    """Set which rails serve a corridor and on what terms; doing it again replaces them.

    ``*`` stands for any, no currencies for every one.
    """
    corridor, _ = Corridor.objects.update_or_create(
        source=source,
        destination=destination,
        method=method,
        defaults={"currencies": sorted(currencies)},
        create_defaults={"id": new_uuid(), "currencies": sorted(currencies), "created_at": now},
    )
    CorridorRailRow.objects.filter(corridor=corridor).exclude(rail_id__in=[rail.rail_id for rail in rails]).delete()
    for rail in rails:
        terms = {"priority": rail.priority, "cost_bps": rail.cost_bps}
        CorridorRailRow.objects.update_or_create(
            corridor=corridor, rail_id=rail.rail_id, defaults=terms, create_defaults={"id": new_uuid(), **terms}
        )
