"""The work of this app's packages, found here by the queue."""

from zentra.tenants.mail import tasks as mail
from zentra.tenants.staff import tasks as staff

__all__ = ["mail", "staff"]
