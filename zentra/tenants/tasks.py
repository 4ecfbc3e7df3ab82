"""The work of this app's packages, found here by the queue."""

from zentra.tenants.exports import tasks as exports
from zentra.tenants.mail import tasks as mail
from zentra.tenants.passwords import tasks as passwords
from zentra.tenants.provisioning import tasks as provisioning
from zentra.tenants.roles import tasks as roles
from zentra.tenants.services import tasks as services
from zentra.tenants.sessions import tasks as sessions
from zentra.tenants.staff import tasks as staff

__all__ = ["exports", "mail", "passwords", "provisioning", "roles", "services", "sessions", "staff"]
