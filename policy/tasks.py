"""Policy's background work, for each active workspace."""

from policy.backtests import tasks as _backtests  # noqa: F401  # registers the batches of a backtest
from policy.limits import tasks as _limits  # noqa: F401  # registers what time does to reservations and lists
from policy.reviews import tasks as _reviews  # noqa: F401  # registers what time does to cases
