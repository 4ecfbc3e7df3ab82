"""Which endpoint gets which event."""

from __future__ import annotations

import pytest

from webhooks.outbound.subscription import InvalidEventFilter, check_filter, is_delivered, wants


@pytest.mark.parametrize(
    ("patterns", "names", "wanted"),
    [
        (["*"], {"anything.at.all"}, True),
        (["ledger.posted"], {"ledger.posted"}, True),
        (["ledger.posted"], {"ledger.entry.posted"}, False),
        (["ledger.*"], {"ledger.entry.posted"}, True),
        (["ledger.*"], {"ledgers.posted"}, False),
        (["posting.committed"], {"ledger.entry.posted", "posting.committed"}, True),  # any announced name
        (["policy.*", "hold.placed"], {"hold.placed"}, True),
        (["policy.*"], {"hold.placed"}, False),
    ],
)
def test_a_filter_selects_by_any_announced_name(patterns: list[str], names: set[str], wanted: bool) -> None:
    assert wants(patterns, names) is wanted


@pytest.mark.parametrize("patterns", [[], ["nonsense"], ["webhook.*"], ["ledger."], ["*.posted"], ["**"], ["*"] * 51])
def test_a_filter_that_selects_nothing_is_refused(patterns: list[str]) -> None:
    with pytest.raises(InvalidEventFilter):
        check_filter(patterns)


def test_each_pattern_is_kept_once_in_order() -> None:
    assert check_filter(["policy.*", "ledger.posted", "policy.*"]) == ["policy.*", "ledger.posted"]


def test_what_tells_of_deliveries_is_not_delivered() -> None:
    assert not is_delivered("webhook.delivered")
    assert is_delivered("money_runtime.synchronized")
