"""Access reviews: who may do what, written down at a moment, looked through line by line, and signed."""
