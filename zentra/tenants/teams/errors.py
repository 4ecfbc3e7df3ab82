"""What is refused about teams."""

from zentra.core.errors import DomainError


class UnknownTeam(DomainError):
    """This workspace has no such team."""

    code = "unknown_team"
    status = 404
    title = "There is no such team here"


class InvalidTeam(DomainError):
    """The name, the queue or the people of a team."""

    code = "invalid_team"
    status = 422
    title = "A team cannot be like that"


class TeamExists(DomainError):
    """Another team of this workspace has the name."""

    code = "team_exists"
    status = 409
    title = "There is a team of that name"


class StaleTeam(DomainError):
    """Somebody changed the team since the page was read; nothing was changed."""

    code = "stale_team"
    status = 409
    title = "Somebody changed this team meanwhile"
