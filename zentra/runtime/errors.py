"""Refusals that more than one of the runtime's operations make; the others stand beside what raises them."""

from zentra.core.errors import DomainError


class IntentNotFound(DomainError):
    """This workspace has no such intent."""

    code = "intent_not_found"
    status = 404
    title = "There is no such intent"


class IntentExists(DomainError):
    """The intent_id belongs to an intent already, for ever; nothing was changed."""

    code = "intent_exists"
    status = 409
    title = "An intent has this intent_id already"


class StaleIntent(DomainError):
    """Somebody else changed the intent first; read it again."""

    code = "stale_intent"
    status = 409
    title = "The intent was changed by somebody else"
    retryable = True
