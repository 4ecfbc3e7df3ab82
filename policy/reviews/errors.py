"""Refusals that more than one of the operations on cases make; the others stand beside what raises them."""

from policy.reviews.types import ReviewRecord
from zentra.core.errors import DomainError


class NoSuchReview(DomainError):
    """This workspace has no such case."""

    code = "review_not_found"
    status = 404
    title = "There is no such review"


class ReviewAlreadyDecided(DomainError):
    """Somebody else decided first; their word stands."""

    code = "review_already_decided"
    status = 409
    title = "This review has been decided"


class StaleReview(DomainError):
    """The case was changed since it was read; ``changed_by`` and ``changed_at`` say by whom and when."""

    code = "stale_review"
    status = 409
    title = "Somebody acted on this review since you opened it"


class ReviewClaimed(DomainError):
    """Somebody else works on the case; ``claimed_by`` and ``claimed_until`` say who and how long."""

    code = "review_claimed"
    status = 409
    title = "Somebody else works on this review"


class MakerCannotDecide(DomainError):
    """Whoever made the subject of a case may not decide it."""

    code = "maker_cannot_decide"
    status = 403
    title = "Whoever made it cannot decide it"


class RoleCannotDecide(DomainError):
    """The case is in a queue that this role does not decide, or the actor is no person."""

    code = "review_role_refused"
    status = 403
    title = "Your role does not decide this review"


class CannotOwnReview(DomainError):
    """Only somebody who may decide a case can own it."""

    code = "cannot_own_review"
    status = 422
    title = "This person cannot own this review"


def already_decided(review: ReviewRecord) -> ReviewAlreadyDecided:
    """The refusal that says who decided, and when."""
    when = f" at {review.decided_at:%H:%M:%S} UTC" if review.decided_at else ""
    return ReviewAlreadyDecided(
        f"{review.decided_by} {review.state} it{when}.",
        state=review.state,
        decided_by=review.decided_by,
        decided_at=review.decided_at.isoformat() if review.decided_at else None,
    )


def stale(review: ReviewRecord) -> StaleReview:
    """The refusal that says who acted since, and when."""
    by, at = review.changed_by or review.maker, review.changed_at or review.opened_at
    return StaleReview(
        f"{by} acted on it at {at:%H:%M:%S} UTC; read it again.",
        changed_by=by,
        changed_at=at.isoformat(),
        version=review.version,
    )


def claimed(review: ReviewRecord) -> ReviewClaimed:
    """The refusal that says who works on it, and until when."""
    until = review.claimed_until
    return ReviewClaimed(
        f"{review.claimed_by} works on it{f' until {until:%H:%M:%S} UTC' if until else ''}.",
        claimed_by=review.claimed_by,
        claimed_until=until.isoformat() if until else None,
    )
