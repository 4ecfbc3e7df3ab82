"""What is stored encrypted under ``ZENTRA_SECRET_KEYS``: every place of it, and how it moves to a newer key."""
