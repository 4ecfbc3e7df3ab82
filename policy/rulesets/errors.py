"""Why a draft cannot be changed or published."""

from zentra.core.errors import DomainError


class NoSuchRuleSet(DomainError):
    """There is no such version here."""

    code = "rule_set_not_found"
    status = 404
    title = "There is no such rule set"


class DraftNotFound(DomainError):
    """There is no such draft here."""

    code = "rule_draft_not_found"
    status = 404
    title = "There is no such draft"


class StaleDraft(DomainError):
    """Somebody changed the draft meanwhile; ``edited_by`` and ``edited_at`` say who and when."""

    code = "stale_draft"
    status = 409
    title = "Somebody changed this draft meanwhile"


class DraftEnded(DomainError):
    """A draft that was published or discarded is changed no more."""

    code = "rule_draft_ended"
    status = 409
    title = "This draft is closed"


class DraftNotValidated(DomainError):
    """Only a draft that passed every check, and was not changed since, is published."""

    code = "rule_draft_not_validated"
    status = 409
    title = "This draft has to be validated first"


class MakerCannotPublish(DomainError):
    """Rules are published by somebody who wrote none of the draft."""

    code = "maker_cannot_publish"
    status = 403
    title = "Whoever wrote the rules cannot publish them"


class NothingChanged(DomainError):
    """The draft says what the live rules say."""

    code = "rules_unchanged"
    status = 422
    title = "The draft changes nothing"


class DraftOutdated(DomainError):
    """Other rules were published since the draft was begun; publishing it would silently take them back."""

    code = "rule_draft_outdated"
    status = 409
    title = "Other rules were published meanwhile"


class IntentNotDecided(DomainError):
    """No decision about this intent is kept here."""

    code = "intent_not_decided"
    status = 404
    title = "No decision about this intent is kept"


class FactsNotKept(DomainError):
    """The intent was decided before decisions kept what the rules saw; rules cannot be tried on it."""

    code = "facts_not_kept"
    status = 409
    title = "What the rules saw was not kept"
