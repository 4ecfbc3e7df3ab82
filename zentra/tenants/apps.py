from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "zentra.tenants"
    label = "tenants"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from zentra.core import tenancy
        from zentra.tenants import queries
        from zentra.tenants.mail.notices import tell_role_changed
        from zentra.tenants.members.registry import on_member_changed
        from zentra.tenants.services.operations.issuers import end_credentials_beyond
        from zentra.tenants.sessions.requests import begin_at_sign_in

        tenancy.register_resolver(queries.tenant_ref)
        tenancy.register_lister(queries.list_active_refs, kept=queries.list_kept_refs)
        on_member_changed(tell_role_changed)
        on_member_changed(end_credentials_beyond)
        user_logged_in.connect(begin_at_sign_in, dispatch_uid="zentra.tenants.sessions")
