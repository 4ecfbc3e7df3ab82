"""Lists that rules ask: what is allowed, denied or watched, until when, and who put it there."""
