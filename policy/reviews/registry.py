"""Who is told what a person made of an alert: the app that raised it registers a resolver for its kind."""

from datetime import datetime
from typing import Protocol

from policy.reviews.types import AlertWord
from zentra.core.actors import Actor


class Resolver(Protocol):
    """Takes a person's word on what an alert points at, in the transaction that keeps it; what it raises refuses it."""

    def __call__(self, *, reference: str, state: AlertWord, note: str, actor: Actor, now: datetime) -> None: ...


_resolvers: dict[str, Resolver] = {}


def register_resolver(kind: str, resolver: Resolver) -> None:
    """Tell this resolver of each resolved alert of a kind; a second one for the same kind is a mistake."""
    if _resolvers.get(kind, resolver) is not resolver:
        raise RuntimeError(f"Two resolvers for alerts of kind {kind!r}.")
    _resolvers[kind] = resolver


def resolver_of(kind: str) -> Resolver | None:
    """The resolver of a kind, if some app registered one."""
    return _resolvers.get(kind)
