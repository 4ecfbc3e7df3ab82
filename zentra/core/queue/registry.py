"""Which function does which kind of work. Registered by each app's ``tasks.py``."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from zentra.core import marks
from zentra.core.tenancy import TenantRef


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A claimed item, as its handler sees it. ``attempts`` counts this one."""

    id: UUID
    workspace_id: UUID
    kind: str
    ref: str
    due_at: datetime
    attempts: int
    claim_id: UUID


class Defer(Exception):
    """Raised by a handler: not now, and this was no attempt."""

    def __init__(self, until: datetime, reason: str = "") -> None:
        super().__init__(reason)
        self.until = until
        self.reason = reason


Handler = Callable[[WorkItem, TenantRef], None]
PeriodicWork = Callable[[TenantRef], None]


@dataclass(frozen=True, slots=True)
class Periodic:
    """Work done for every active workspace at an interval."""

    name: str
    every_seconds: float
    run: PeriodicWork


class Engine(Protocol):
    """What does the work of lanes in a worker process: many items at once on threads and loops of its own."""

    def wake(self) -> None:
        """Start if not started; there may be work. Returns at once."""

    def stop(self) -> None:
        """Take nothing more and finish what is at hand."""


EngineMaker = TypeVar("EngineMaker", bound=Callable[[], Engine])

_handlers: dict[str, Handler] = {}
_engines: list[Callable[[], Engine]] = []
_periodics: dict[str, Periodic] = {}


def handles(kind: str) -> Callable[[Handler], Handler]:
    """Register the handler of a kind. It runs outside any transaction and enters the workspace itself."""

    def register(handler: Handler) -> Handler:
        if kind in _handlers:
            raise RuntimeError(f"Two handlers for work of kind {kind!r}.")
        _handlers[kind] = marks.system(handler)
        return handler

    return register


def periodic(name: str, *, every_seconds: float) -> Callable[[PeriodicWork], PeriodicWork]:
    """Register work to be done for every active workspace at an interval; doing it twice must be harmless."""

    def register(run: PeriodicWork) -> PeriodicWork:
        _periodics[name] = Periodic(name=name, every_seconds=every_seconds, run=marks.system(run))
        return run

    return register


def register_engine(engine: EngineMaker) -> EngineMaker:
    """Register how this process gets at its engine; workers wake it as they are woken."""
    _engines.append(engine)
    return engine


def engines() -> list[Engine]:
    """The engines of this process."""
    return [engine() for engine in _engines]


def handler_of(kind: str) -> Handler | None:
    """The handler of a kind, if some app registered one."""
    return _handlers.get(kind)


def kinds() -> list[str]:
    """Every registered kind."""
    return sorted(_handlers)


def periodics() -> list[Periodic]:
    """Every registered periodic work."""
    return list(_periodics.values())
