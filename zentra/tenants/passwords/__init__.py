"""What a password must be, wherever one is set: first set-up, invitation, reset and change ask the same."""
