"""Drafts of rules and their way: written, validated, published by somebody who wrote none of it, or discarded."""

from datetime import datetime
from typing import Any, Final

import orjson
from django.db import connection

from evidence.operations import record_events
from evidence.types import NewEvent
from policy.limits.carrying import carry_counters
from policy.rules.defaults import DEFAULT_RULES
from policy.rules.documents import InvalidRuleSet, check_document
from policy.rules.reading import RuleError
from policy.rulesets.errors import (
    DraftEnded,
    DraftNotValidated,
    DraftOutdated,
    MakerCannotPublish,
    NothingChanged,
    StaleDraft,
)
from policy.rulesets.queries import (
    as_second_format,
    diff,
    get_draft,
    known_lists,
    live_rule_set,
    live_spec,
    live_version,
    rule_set_document,
)
from policy.rulesets.types import DraftRecord, RuleSetRecord
from zentra.core import canonical, ids, telemetry
from zentra.core.actors import Actor
from zentra.core.canonical import NotCanonical

MOST_BYTES: Final = 1_000_000
MOST_NAME: Final = 120
MOST_NOTE: Final = 2_000
_OPEN: Final = ("draft", "validated")


def provision_rules(*, now: datetime) -> None:
    """Give a new workspace its first rule set."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO policy_rule_set (version, rules, published_at, published_by, digest)"
            " VALUES (1, %s, %s, 'svc_policy', %s) ON CONFLICT DO NOTHING",
            [orjson.dumps(DEFAULT_RULES).decode(), now, digest_of(document=DEFAULT_RULES)],
        )


def digest_of(*, document: Any) -> str:
    """SHA-256 of the canonical document, as hex."""
    return canonical.sha256_hex(canonical.dumps(document))


def create_draft(
    *, name: str, actor: Actor, now: datetime, document: Any = None, restores: int | None = None
) -> DraftRecord:
    """Begin a draft: of ``document``, else a copy of the live rules. It may be unfinished; nothing is in force by it.

    Raises:
        InvalidRuleSet: it cannot even be kept: no object, a number that is not whole, too large.
    """
    version, live, _at, _by = live_rule_set()
    kept = as_second_format(live if document is None else document)
    draft_id = ids.new_id("rsd")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO policy_rule_draft (id, name, document, based_on, restores, state, made_by, editors, edited_by,"
            " created_at, edited_at, version) VALUES (%s, %s, %s, %s, %s, 'draft', %s, %s, %s, %s, %s, 1)",
            [
                ids.to_uuid(draft_id, prefix="rsd"), _named(name), _keepable(kept), version, restores, actor.id,
                sorted({actor.id, actor.maker}), actor.id, now, now,
            ],
        )  # fmt: skip
    draft = get_draft(draft_id=draft_id)
    _tell("policy.drafted", draft, actor, now)
    return draft


def edit_draft(
    *,
    draft_id: str,
    document: Any,
    version: int,
    actor: Actor,
    now: datetime,
    name: str | None = None,
    based_on: int | None = None,
) -> DraftRecord:
    """Change a draft that was seen at ``version``; it has to be validated again, and the editor cannot publish it.

    ``based_on`` says that it was brought up to that version of the live rules.

    Raises:
        DraftNotFound, DraftEnded, InvalidRuleSet.
        StaleDraft: somebody changed it meanwhile; who and when.
    """
    draft = _open(get_draft(draft_id=draft_id))
    text = _keepable(as_second_format(document))
    _change(
        draft,
        version,
        "document = %s, name = %s, based_on = %s, state = 'draft', editors = (SELECT array_agg(DISTINCT e ORDER BY e)"
        " FROM unnest(editors || %s::text[]) e), edited_by = %s, edited_at = %s, validated_at = NULL,"
        " validated_by = NULL",
        [
            text,
            draft.name if name is None else _named(name),
            based_on or draft.based_on,
            [actor.id, actor.maker],
            actor.id,
            now,
        ],
    )
    changed = get_draft(draft_id=draft_id)
    _tell("policy.drafted", changed, actor, now)
    return changed


def validate_draft(*, draft_id: str, actor: Actor, now: datetime, version: int | None = None) -> DraftRecord:
    """Check a draft; when nothing is wrong it may be published.

    Raises:
        InvalidRuleSet: with every error and its place; the draft stays one.
        DraftNotFound, DraftEnded, StaleDraft, NothingChanged.
    """
    draft = _open(get_draft(draft_id=draft_id))
    check_document(draft.document, lists=known_lists())
    if diff(left=live_rule_set()[1], right=draft.document).is_empty:
        raise NothingChanged("The draft says what the live rules say.")
    _change(
        draft, draft.version if version is None else version,
        "state = 'validated', validated_at = %s, validated_by = %s", [now, actor.id],
    )  # fmt: skip
    validated = get_draft(draft_id=draft_id)
    _tell("policy.validated", validated, actor, now)
    return validated


def publish_draft(
    *, draft_id: str, actor: Actor, now: datetime, note: str = "", version: int | None = None
) -> RuleSetRecord:
    """Put a validated draft in force, as the next version. Whoever wrote any of it cannot; the database holds it too.

    Decisions in flight end by the old rules before the new version stands.

    Raises:
        DraftNotFound, DraftEnded, StaleDraft.
        DraftNotValidated: it was not validated, or changed since.
        MakerCannotPublish: the actor wrote some of it.
        DraftOutdated: another version was published since it was begun.
        InvalidRuleSet: a list that it names is gone.
    """
    _queue_publishers()
    draft = _open(get_draft(draft_id=draft_id))
    if draft.state != "validated":
        raise DraftNotValidated("Validate the draft before it is published.")
    if {actor.id, actor.maker} & set(draft.editors):
        raise MakerCannotPublish("You wrote some of these rules; somebody else has to publish them.")
    _hold_lists()
    after = check_document(draft.document, lists=known_lists())
    if draft.based_on != live_version():
        raise _outdated(draft)
    before = live_spec()
    number = draft.based_on + 1
    _change(
        draft, draft.version if version is None else version,
        "state = 'published', ended_at = %s, ended_by = %s, published_version = %s", [now, actor.id, number],
    )  # fmt: skip
    _insert(draft, number, actor, now, note)
    carry_counters(before=before, after=after, version=number)
    published = rule_set_document(version=number)
    _tell_published(published, actor, now)
    return published


def discard_draft(*, draft_id: str, actor: Actor, now: datetime, version: int | None = None) -> DraftRecord:
    """Give a draft up; it stays to be read. Raises DraftNotFound, DraftEnded, StaleDraft."""
    draft = _open(get_draft(draft_id=draft_id))
    _change(
        draft, draft.version if version is None else version,
        "state = 'discarded', ended_at = %s, ended_by = %s", [now, actor.id],
    )  # fmt: skip
    discarded = get_draft(draft_id=draft_id)
    _tell("policy.discarded", discarded, actor, now)
    return discarded


def roll_back(*, to_version: int, actor: Actor, now: datetime) -> DraftRecord:
    """A validated draft of an earlier version. Somebody else has to publish it, as every other.

    Raises:
        NoSuchRuleSet, NothingChanged, InvalidRuleSet (a list that it names is gone).
    """
    earlier = rule_set_document(version=to_version)
    draft = create_draft(
        name=f"Back to version {to_version}", document=earlier.document, restores=to_version, actor=actor, now=now
    )
    return validate_draft(draft_id=draft.id, actor=actor, now=now)


def _queue_publishers() -> None:
    """One publication after another: each locks every draft that may be published, in one order for everybody."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM policy_rule_draft WHERE state = 'validated' ORDER BY id FOR UPDATE")


def _hold_lists() -> None:
    """No list goes while rules that may name it come into force: taking one away waits, and is then refused."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM policy_list WHERE removed_at IS NULL ORDER BY id FOR SHARE")


def _insert(draft: DraftRecord, number: int, actor: Actor, now: datetime, note: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO policy_rule_set (version, rules, published_at, published_by, draft_id, editors, note, digest,"
            " restores) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (version) DO NOTHING",
            [
                number, orjson.dumps(draft.document).decode(), now, actor.id, ids.to_uuid(draft.id, prefix="rsd"),
                list(draft.editors), note.strip()[:MOST_NOTE], digest_of(document=draft.document), draft.restores,
            ],
        )  # fmt: skip
        if cursor.rowcount != 1:
            # Another draft was published between our look and now; what we changed is rolled back with this.
            raise _outdated(draft)


def _outdated(draft: DraftRecord) -> DraftOutdated:
    return DraftOutdated(
        f"It was begun on version {draft.based_on}; version {live_version()} is live. Compare, and edit it on that.",
        based_on=draft.based_on,
        live=live_version(),
    )


def _open(draft: DraftRecord) -> DraftRecord:
    if draft.state not in _OPEN:
        raise DraftEnded(f"It was {draft.state} at {draft.ended_at:%H:%M:%S} UTC.", state=draft.state)
    return draft


def _change(draft: DraftRecord, version: int, changes: str, values: list[Any]) -> None:
    """Compare-and-set: the row count tells whether another person got there first."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE policy_rule_draft SET {changes}, version = version + 1"  # noqa: S608  # columns named in this module
            " WHERE id = %s AND version = %s AND state IN ('draft', 'validated')",
            [*values, ids.to_uuid(draft.id, prefix="rsd"), version],
        )
        if cursor.rowcount == 1:
            return
    stands = _open(get_draft(draft_id=draft.id))
    raise StaleDraft(
        f"{stands.edited_by} changed it at {stands.edited_at:%H:%M:%S} UTC.",
        edited_by=stands.edited_by,
        edited_at=stands.edited_at.isoformat(),
        version=stands.version,
    )


def _named(name: str) -> str:
    return " ".join(name.split())[:MOST_NAME] or "Draft"


def _keepable(document: Any) -> str:
    """The document as the database keeps it; raises InvalidRuleSet for what has no canonical form."""
    try:
        content = canonical.dumps(document)
    except (NotCanonical, RecursionError) as error:
        raise _refused(f"It cannot be kept: {error}") from error
    if not isinstance(document, dict) or len(content) > MOST_BYTES or b"\\u0000" in content:
        raise _refused(f"It must be a JSON object of at most {MOST_BYTES} bytes, without NUL.")
    return content.decode()


def _refused(message: str) -> InvalidRuleSet:
    return InvalidRuleSet(message, errors=[RuleError("", "not_canonical", message).as_dict()])


def _facts(document: Any) -> dict[str, object]:
    return {
        "rules": _length(document, "rules"),
        "limits": _length(document, "limits"),
        "digest": digest_of(document=document),
    }


def _length(document: Any, place: str) -> int:
    items = document.get(place)
    return len(items) if isinstance(items, list) else 0


def _tell(name: str, draft: DraftRecord, actor: Actor, now: datetime) -> None:
    data = {"draft_id": draft.id, "version": draft.version, "based_on": draft.based_on, **_facts(draft.document)}
    record_events(events=[NewEvent(type=name, actor=actor, trace_id=telemetry.trace_id(), data=data)], now=now)


def _tell_published(published: RuleSetRecord, actor: Actor, now: datetime) -> None:
    data = {
        "version": published.version,
        "draft_id": published.draft_id,
        "restores": published.restores,
        **_facts(published.document),
    }
    record_events(
        events=[NewEvent(type="policy.published", actor=actor, trace_id=telemetry.trace_id(), data=data)], now=now
    )
