from django.apps import AppConfig


class PolicyConfig(AppConfig):
    """Rule sets, decisions, limits and the review queue: a tenant app."""

    name = "policy"
    label = "policy"

    def ready(self) -> None:
        from evidence.types import register_section
        from policy.operations import provision
        from policy.packet import PolicySection
        from policy.reviews.operations.leaving import follow_member
        from zentra.tenants.members.registry import on_member_changed
        from zentra.tenants.operations import register_provisioner

        register_section(PolicySection())
        register_provisioner(provision)
        on_member_changed(follow_member)
