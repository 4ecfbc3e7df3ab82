from django.apps import AppConfig


class ScreeningConfig(AppConfig):
    """Parties, their verification, screening against watchlists, and monitoring: a tenant app."""

    name = "policy.screening"
    label = "screening"

    def ready(self) -> None:
        from policy.reviews.registry import register_resolver
        from policy.screening.operations.activations import rescreen_on_activation
        from policy.screening.operations.resolving import resolve_from_case
        from policy.screening.watchlists.registry import on_activation

        register_resolver("screening", resolve_from_case)
        on_activation(rescreen_on_activation)
