"""Backtests: what rules would have decided about the intents of a span of time."""
