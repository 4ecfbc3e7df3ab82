"""Every refusal of closeout."""

from zentra.core.errors import DomainError


class PeriodNotFound(DomainError):
    """The workspace has no such period."""

    code = "period_not_found"
    status = 404
    title = "There is no such period"


class StalePeriod(DomainError):
    """Somebody did something to the period in the meantime; ``state`` and ``version`` say how it stands."""

    code = "stale_period"
    status = 409
    title = "The period was changed in the meantime"


class WrongState(DomainError):
    """The period is in a state that does not allow this; ``state`` says which."""

    code = "period_wrong_state"
    status = 409
    title = "The period does not stand so that this can be done"


class NotReady(DomainError):
    """Something must be done before; ``missing`` lists it."""

    code = "closeout_not_ready"
    status = 409
    title = "Something is left to do before"


class SameHand(DomainError):
    """Another person than the one before has to do this."""

    code = "closeout_second_person"
    status = 403
    title = "A second person does this"


class TieOutNotFound(DomainError):
    """The workspace has no such tie-out."""

    code = "tie_out_not_found"
    status = 404
    title = "There is no such tie-out"


class StaleTieOut(DomainError):
    """The figures are not those that were shown; ``figures_hash`` is of those that stand."""

    code = "stale_tie_out"
    status = 409
    title = "The figures have changed"


class NotTied(DomainError):
    """``unexplained_minor`` is left and nobody has said why, or no statement is there."""

    code = "tie_out_unexplained"
    status = 409
    title = "The account is not tied out"


class TaskNotFound(DomainError):
    """The checklist has no such task."""

    code = "closeout_task_not_found"
    status = 404
    title = "There is no such task"


class StaleTask(DomainError):
    """Somebody changed the task in the meantime."""

    code = "stale_closeout_task"
    status = 409
    title = "The task was changed in the meantime"


class TaskIsComputed(DomainError):
    """The task's state follows from the facts; nobody ticks it off."""

    code = "closeout_task_computed"
    status = 409
    title = "The task is done when the facts say so"


class TaskFrozen(DomainError):
    """The period is locked: its checklist stays as it was."""

    code = "closeout_task_frozen"
    status = 409
    title = "The checklist of a locked period stays"


class CloseoutInvalid(DomainError):
    """A field is not of its form; the text says which."""

    code = "closeout_invalid"
    title = "Something is not of its form"


class CloseoutPacketNotFound(DomainError):
    """The workspace has no such closeout packet."""

    code = "closeout_packet_not_found"
    status = 404
    title = "There is no such closeout packet"


class CloseoutPacketPending(DomainError):
    """The closeout packet is being sealed; ask again after ``retry_after`` seconds."""

    code = "closeout_packet_pending"
    status = 409
    title = "The closeout packet is not sealed yet"
    retryable = True
    retry_after = 1


class CloseoutPacketFailed(DomainError):
    """The closeout packet could not be sealed; ``problem`` says why, and another one can be asked for."""

    code = "closeout_packet_failed"
    status = 409
    title = "The closeout packet could not be sealed"
