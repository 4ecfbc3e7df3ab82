from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class QueueConfig(AppConfig):
    name = "zentra.core.queue"
    label = "queue"

    def ready(self) -> None:
        # Each app's tasks.py registers its handlers by kind.
        autodiscover_modules("tasks")
