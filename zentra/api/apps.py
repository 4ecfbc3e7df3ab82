from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The API edge keeps no tables of its own."""

    name = "zentra.api"
    label = "api"
