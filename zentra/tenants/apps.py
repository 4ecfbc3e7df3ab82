from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "zentra.tenants"
    label = "tenants"

    def ready(self) -> None:
        from zentra.core import tenancy
        from zentra.tenants import queries

        tenancy.register_resolver(queries.tenant_ref)
        tenancy.register_lister(queries.list_active_refs)
