"""What an attacker tries first, and what is answered. `docs/security.md` says which requirement each test proves."""
