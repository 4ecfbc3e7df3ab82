from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"
    label = "webhooks"

    def ready(self) -> None:
        """Tell evidence what a packet shows of deliveries and callbacks, and give new workspaces their first months."""
        from evidence.types import register_section
        from webhooks.inbound.matching import note_attempt
        from webhooks.outbound.packet import DeliverySection
        from webhooks.outbound.retention import provide_partitions
        from zentra.routing.types import register_attempt_listener
        from zentra.tenants.operations import register_provisioner

        register_section(DeliverySection())
        register_attempt_listener(note_attempt)
        register_provisioner(provide_partitions)
