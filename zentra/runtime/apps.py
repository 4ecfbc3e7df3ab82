from django.apps import AppConfig


class RuntimeConfig(AppConfig):
    """Intents and their states: a tenant app."""

    name = "zentra.runtime"
    label = "runtime"

    def ready(self) -> None:
        from evidence.types import register_check, register_section
        from zentra.runtime.packet import IntentProjection, IntentSection
        from zentra.runtime.queries import count_unended
        from zentra.tenants.provisioning.registry import register_in_flight

        register_section(IntentSection())
        register_check(IntentProjection())
        register_in_flight(lambda schema: count_unended(schema=schema))
