from django.apps import AppConfig
from django.conf import settings
from django.utils.module_loading import autodiscover_modules

from zentra.core import telemetry


class QueueConfig(AppConfig):
    name = "zentra.core.queue"
    label = "queue"

    def ready(self) -> None:
        telemetry.configure_logging(debug=settings.DEBUG)
        # Each app's tasks.py registers its handlers by kind.
        autodiscover_modules("tasks")
