"""Watchlists: files of published formats, imported as versions; the delta of each, and which one is active."""
