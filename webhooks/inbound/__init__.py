"""What providers send us: verified on raw bytes, stored, deduplicated, applied once."""
