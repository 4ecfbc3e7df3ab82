from django.apps import AppConfig


class PolicyConfig(AppConfig):
    """Rule sets, decisions, limits and the review queue: a tenant app."""

    name = "policy"
    label = "policy"

    def ready(self) -> None:
        from evidence.types import register_section
        from policy.operations import provision
        from policy.packet import PolicySection
        from zentra.tenants.operations import register_provisioner

        register_section(PolicySection())
        register_provisioner(provision)
