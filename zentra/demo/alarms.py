"""Who is told of the demo's alarms. Nothing is mailed under ``make up``; the page of what was sent shows it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from zentra.alarms.operations import add_channel
from zentra.alarms.queries import list_channels
from zentra.core import actors
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.queries import platform_ref

RUNS_IT: Final = "platform@zentra.example"
OF_MONEY: Final = ("ledger_drift", "sealing_lag", "intents_stuck")


def seed_channels(*, ref: TenantRef, now: datetime) -> None:
    """An operator hears of everything, finance of money. In the workspace's transaction; safe to repeat."""
    _seed(f"operator@{ref.slug}.example", who="operator on call", kinds=("*",), now=now)
    _seed(f"finance@{ref.slug}.example", who="finance", kinds=OF_MONEY, now=now)


def seed_platform(*, now: datetime) -> None:
    """Whoever runs the installation hears of the installation."""
    with tenant_work(platform_ref()):
        _seed(RUNS_IT, who="runs the installation", kinds=("*",), now=now)


def _seed(address: str, *, who: str, kinds: Sequence[str], now: datetime) -> None:
    # Also those that somebody removed: it was their decision.
    if address not in {channel.target for channel in list_channels(with_removed=True)}:
        add_channel(kind="mail", target=address, kinds=kinds, who=who, actor=actors.RUNTIME, now=now)
