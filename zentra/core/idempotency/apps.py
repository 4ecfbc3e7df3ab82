from django.apps import AppConfig


class IdempotencyConfig(AppConfig):
    name = "zentra.core.idempotency"
    label = "idempotency"
