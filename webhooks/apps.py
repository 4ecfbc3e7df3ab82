from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"
    label = "webhooks"

    def ready(self) -> None:
        """Tell evidence what a packet shows of deliveries and callbacks."""
        from evidence.types import register_section
        from webhooks.outbound.packet import DeliverySection

        register_section(DeliverySection())
