"""Refusals that more than one of routing's operations and queries make; the others stand beside what raises them."""

from zentra.core.errors import DomainError


class RailUnknown(DomainError):
    """This workspace has no such rail."""

    code = "rail_unknown"
    status = 404
    title = "There is no such rail"


class OutgoingPaused(DomainError):
    """Outgoing money stands still, for the workspace or for every rail that could take it; nothing was sent."""

    code = "outgoing_paused"
    status = 409
    title = "Outgoing money is paused"
    retryable = True
