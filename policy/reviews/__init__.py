"""The review queue: cases that people decide, their owners, claims, approvals and history."""
