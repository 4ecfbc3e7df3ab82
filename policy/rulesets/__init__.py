"""Rule sets: drafts, their checks, their publication by a second person, and what one would have decided."""
