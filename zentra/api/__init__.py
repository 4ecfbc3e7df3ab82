"""The API edge: credentials, strict JSON, problems, idempotency and versions, and one module a resource in ``v1/``."""
