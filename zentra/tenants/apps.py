from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "zentra.tenants"
    label = "tenants"

    def ready(self) -> None:
        from zentra.core import tenancy
        from zentra.tenants import queries
        from zentra.tenants.mail.notices import tell_role_changed
        from zentra.tenants.members.registry import on_member_changed

        tenancy.register_resolver(queries.tenant_ref)
        tenancy.register_lister(queries.list_active_refs, kept=queries.list_kept_refs)
        on_member_changed(tell_role_changed)
