"""``make bench``: everything that is measured, one after the other."""

from bench import intents, posting

posting.measure()
intents.measure()
