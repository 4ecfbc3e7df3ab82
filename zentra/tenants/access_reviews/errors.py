"""What is refused about access reviews."""

from zentra.core.errors import DomainError


class UnknownAccessReview(DomainError):
    """This workspace has no such review, or the review has no such line."""

    code = "unknown_access_review"
    status = 404
    title = "There is no such access review"


class AccessReviewOpen(DomainError):
    """A workspace has one open review at a time."""

    code = "access_review_open"
    status = 409
    title = "There is an open access review"


class AccessReviewEnded(DomainError):
    """The review was signed or given up; it stays as it is."""

    code = "access_review_ended"
    status = 409
    title = "This access review is not open any more"


class StaleAccessReview(DomainError):
    """Somebody marked a line since the page was read; nothing was changed."""

    code = "stale_access_review"
    status = 409
    title = "Somebody went on with this review meanwhile"


class OwnLine(DomainError):
    """Nobody reviews the own access, nor that of a key they issued, while somebody else could."""

    code = "own_access_line"
    status = 403
    title = "Somebody else reviews your own access"


class LinesUnmarked(DomainError):
    """Lines without a word; ``lines`` says how many."""

    code = "access_lines_unmarked"
    status = 409
    title = "Every line needs a word first"
