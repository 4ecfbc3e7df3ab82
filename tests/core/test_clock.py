"""The clock runs on, whoever held it."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from zentra.core import clock

MOMENT = datetime(2026, 4, 1, 9, 30, tzinfo=UTC)


def test_who_holds_last_is_believed() -> None:
    with clock.frozen(MOMENT), clock.frozen(MOMENT + timedelta(days=1)):
        assert clock.now() == MOMENT + timedelta(days=1)


def test_holders_may_let_go_in_any_order() -> None:
    """Two threads whose holds overlap end in the order they began; neither leaves its moment behind."""
    first, second = ExitStack(), ExitStack()
    first.enter_context(clock.frozen(MOMENT))
    second.enter_context(clock.frozen(MOMENT))
    first.close()
    assert clock.now() == MOMENT
    second.close()
    assert clock.now() > MOMENT + timedelta(days=100)
