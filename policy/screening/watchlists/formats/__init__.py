"""The published forms of watchlists: each module reads one into entries."""
