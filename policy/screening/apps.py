from django.apps import AppConfig


class ScreeningConfig(AppConfig):
    """Parties, their verification, screening against watchlists, and monitoring: a tenant app."""

    name = "policy.screening"
    label = "screening"
