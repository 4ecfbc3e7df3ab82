"""Refusals of the desk."""

from zentra.core.errors import DomainError


class NoSuchException(DomainError):
    """This workspace has no such exception."""

    code = "exception_not_found"
    status = 404
    title = "There is no such exception"


class StaleException(DomainError):
    """The exception was changed since it was read; ``version`` is the one that stands."""

    code = "stale_exception"
    status = 409
    title = "Somebody acted on this exception since you opened it"


class ExceptionResolved(DomainError):
    """The exception is resolved; ``resolution`` says how."""

    code = "exception_resolved"
    status = 409
    title = "This exception is resolved"


class ExceptionWaiting(DomainError):
    """A second person or the provider has to answer first; ``waits_for`` says which."""

    code = "exception_waiting"
    status = 409
    title = "This exception waits for somebody's answer"


class CannotOwnException(DomainError):
    """Only a person who may match here can own an exception."""

    code = "cannot_own_exception"
    title = "This person cannot own this exception"


class DeskRoleRefused(DomainError):
    """Keys and services do not decide about exceptions: a person with the permission does."""

    code = "desk_role_refused"
    status = 403
    title = "A person with this permission has to do it"


class ExceptionReasonInvalid(DomainError):
    """The reason code is none of the list for this action, or the reason lacks its words."""

    code = "exception_reason_invalid"
    title = "There is no such reason for this"


class NoSuchAdjustment(DomainError):
    """This workspace has no such adjustment."""

    code = "adjustment_not_found"
    status = 404
    title = "There is no such adjustment"


class AdjustmentDecided(DomainError):
    """Somebody decided about the adjustment already."""

    code = "adjustment_decided"
    status = 409
    title = "This adjustment has been decided"


class ProposerCannotApprove(DomainError):
    """Whoever proposed an adjustment, an explanation or a dispute cannot let it through."""

    code = "proposer_cannot_approve"
    status = 403
    title = "Another person has to let it through"


class InvalidAdjustment(DomainError):
    """The lines of the adjustment are not a balanced posting that touches the account of the exception."""

    code = "invalid_adjustment"
    title = "The adjustment cannot be posted like this"


class WriteOffAboveLimit(DomainError):
    """The amount is above what the workspace's policy lets anybody write off."""

    code = "write_off_above_limit"
    title = "This is more than may be written off"


class NoteFileRefused(DomainError):
    """The file is empty, larger than 10 MiB, of a type that is not kept, or one of too many."""

    code = "note_file_refused"
    title = "The file cannot be kept"


class NoteFileDamaged(DomainError):
    """The stored file is gone, or is not the one that was put to the exception; it is not given out."""

    code = "note_file_damaged"
    status = 500
    title = "The stored file is damaged"


class TooManyExceptions(DomainError):
    """More exceptions than one request may change."""

    code = "too_many_exceptions"
    title = "Too many exceptions at once"


class NoExplanationProposed(DomainError):
    """Nobody proposed an explanation of the exception, or somebody decided about it already."""

    code = "no_explanation_proposed"
    status = 409
    title = "No explanation waits for a second person"


class NoOpenDispute(DomainError):
    """The exception is not in dispute."""

    code = "no_open_dispute"
    status = 409
    title = "This exception is not in dispute"
