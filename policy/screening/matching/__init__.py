"""Who on the active watchlists a party may be: names made comparable, keys to find them by, scores that explain."""
