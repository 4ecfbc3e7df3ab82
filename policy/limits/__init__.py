"""Limits and windows: what moved of whom, counted exactly under any number of intents at once."""
