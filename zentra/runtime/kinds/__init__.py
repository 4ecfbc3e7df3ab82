"""What differs per kind of intent, as data: its accounts and the entries of each stage."""

from typing import Final

from zentra.runtime.kinds import payment, transfer
from zentra.runtime.kinds.types import Kind, Move, Step

KINDS: Final[dict[str, Kind]] = {kind.name: kind for kind in (payment.KIND, transfer.KIND)}

__all__ = ["KINDS", "Kind", "Move", "Step"]
