"""What routing does. Everything runs inside `tenant_work`, and nothing here touches the network."""

from zentra.routing.operations.attempts import AttemptUnknown, begin_attempt, record_answer, record_outcome
from zentra.routing.operations.health import refresh_health
from zentra.routing.operations.pauses import (
    AlreadyPaused,
    NotPaused,
    PausedBySamePerson,
    ReasonNeeded,
    ResumeNeedsPerson,
    pause_outgoing,
    resume_outgoing,
)
from zentra.routing.operations.rails import (
    RailExists,
    change_rail,
    connect_rail,
    connect_sandbox_rails,
    new_callback_secret,
    open_corridor,
)
from zentra.routing.operations.routes import AttemptOpen, NoRouteAvailable, StaleRoute, choose_route
from zentra.routing.operations.secrets import (
    CurrentRailSecret,
    OverlapOutOfRange,
    RailSecretUnknown,
    TooManyRailSecrets,
    expire_rail_secret,
    rotate_rail_secret,
    set_callback_scheme,
)

__all__ = [
    "AlreadyPaused",
    "AttemptOpen",
    "AttemptUnknown",
    "CurrentRailSecret",
    "NoRouteAvailable",
    "NotPaused",
    "OverlapOutOfRange",
    "PausedBySamePerson",
    "RailExists",
    "RailSecretUnknown",
    "ReasonNeeded",
    "ResumeNeedsPerson",
    "StaleRoute",
    "TooManyRailSecrets",
    "begin_attempt",
    "change_rail",
    "choose_route",
    "connect_rail",
    "connect_sandbox_rails",
    "expire_rail_secret",
    "new_callback_secret",
    "open_corridor",
    "pause_outgoing",
    "record_answer",
    "record_outcome",
    "refresh_health",
    "resume_outgoing",
    "rotate_rail_secret",
    "set_callback_scheme",
]
