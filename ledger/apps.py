from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """Accounts, postings, entries and balances: the money core, a tenant app."""

    name = "ledger"
    label = "ledger"
    verbose_name = "Ledger"

    def ready(self) -> None:
        from evidence.types import register_check, register_section
        from ledger.packet import LedgerProjection, LedgerSection
        from ledger.provisioning import make_chart
        from zentra.tenants.operations import register_provisioner

        register_section(LedgerSection())
        register_check(LedgerProjection())
        register_provisioner(make_chart)
