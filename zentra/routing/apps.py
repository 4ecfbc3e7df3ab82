from django.apps import AppConfig


class RoutingConfig(AppConfig):
    name = "zentra.routing"
    label = "routing"

    def ready(self) -> None:
        from evidence.types import register_section
        from zentra.routing.packet import RoutingSection

        register_section(RoutingSection())
