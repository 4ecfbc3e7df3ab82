"""Why a backtest cannot be started or stopped."""

from zentra.core.errors import DomainError


class NoSuchBacktest(DomainError):
    """There is no such backtest here."""

    code = "backtest_not_found"
    status = 404
    title = "There is no such backtest"


class InvalidSpan(DomainError):
    """A backtest looks at a span that begins before it ends, of at most 366 days, up to now."""

    code = "invalid_backtest_span"
    status = 422
    title = "The span of the backtest cannot be"


class BacktestEnded(DomainError):
    """It is done, or was stopped before."""

    code = "backtest_ended"
    status = 409
    title = "This backtest has ended"
