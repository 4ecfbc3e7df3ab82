"""Policy's background work, for each active workspace."""

from policy.reviews import tasks as _reviews  # noqa: F401  # registers what time does to cases
