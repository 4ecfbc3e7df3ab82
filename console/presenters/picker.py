"""The event types that an endpoint can subscribe to, by stage, as boxes to tick."""

from collections.abc import Collection

from console.presenters.catalogue import STAGES
from console.types.endpoints import StageChoices, TypeChoice
from evidence.catalogue import ALL, EventType


def stage_choices(chosen: Collection[str]) -> tuple[StageChoices, ...]:
    """Names by stage, each group with the patterns that stand for a first word; what is chosen is ticked."""
    found = []
    for key, title, _, tone in STAGES:
        kinds = [kind for kind in ALL if kind.stage == key and kind.is_deliverable]
        if kinds:
            names = tuple(TypeChoice(kind.name, kind.title, kind.name in chosen) for kind in kinds)
            found.append(StageChoices(title=title, tone=tone, patterns=_patterns(kinds, chosen), names=names))
    return tuple(found)


def _patterns(kinds: list[EventType], chosen: Collection[str]) -> tuple[TypeChoice, ...]:
    """``ledger.*`` and the like, where it stands for more than one name."""
    first = [kind.name.partition(".")[0] for kind in kinds]
    words = [word for word in dict.fromkeys(first) if first.count(word) > 1]
    return tuple(TypeChoice(f"{word}.*", f"every {word} event", f"{word}.*" in chosen) for word in words)
