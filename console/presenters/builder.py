"""The builder's inputs: what is typed of each node, and the choices that its field leaves."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from console.builder import words
from console.builder.acts import MAX_DEPTH
from console.builder.amounts import BLANK_LINES, amount_lines
from console.builder.closing import lines
from console.builder.typed import Path, Problem, TypedNode, TypedRule, place_of, written
from console.marks import mark
from console.types import Mark
from console.types.builder import AmountLine, Input, NodeView, ProblemLine
from console.types.ledger import Option
from policy.decisions.explaining import ExplainedNode
from policy.subjects import FIELDS, KINDS

_BLANK_CORRIDORS: Final = 1


@dataclass(frozen=True, slots=True)
class Scene:
    """What a tree is drawn with: what is wrong and what was seen by node, the lists there are, where one goes on."""

    problems: Mapping[Path, Sequence[tuple[str, str]]] = field(default_factory=dict)
    seen: Mapping[Path, Mark] = field(default_factory=dict)
    lists: tuple[str, ...] = ()
    focus: Path | None = None


def choices(values: Mapping[str, str] | Iterable[str], chosen: str) -> tuple[Option, ...]:
    """Options of a select; what is chosen and not among them is offered too, so that it is not lost."""
    titles = dict(values) if isinstance(values, Mapping) else {each: each for each in values}
    if chosen and chosen not in titles:
        titles[chosen] = chosen
    return tuple(Option(value, title, value == chosen) for value, title in titles.items())


def problems_by_node(root: TypedNode | None, problems: Iterable[Problem]) -> dict[Path, list[tuple[str, str]]]:
    """What is wrong, by the node that it points at: (part, message)."""
    found: dict[Path, list[tuple[str, str]]] = {}
    for each in problems:
        if root is not None and each.pointer.startswith("/when"):
            path, part = place_of(root, each.pointer)
            found.setdefault(path, []).append((part, each.message))
    return found


def summary(root: TypedNode | None, problems: Iterable[Problem]) -> tuple[ProblemLine, ...]:
    """Every problem with a link to where it is."""
    told = []
    for each in problems:
        if root is not None and each.pointer.startswith("/when"):
            path, _ = place_of(root, each.pointer)
            told.append(
                ProblemLine(
                    f"Condition {number_of(path)}" if path else "Conditions", each.message, f"#n-{written(path)}"
                )
            )
        else:
            part = each.pointer.strip("/").split("/")[0] or "rule"
            told.append(
                ProblemLine(part.replace("_", " ").capitalize(), each.message, f"#r-{_INPUT_OF.get(part, part)}")
            )
    return tuple(told)


_INPUT_OF: Final = {"scope": "kinds", "window": "span", "limit": "limit-amount", "counts": "counts-kinds"}


def number_of(path: Path) -> str:
    """How people call a node: "1.2"; the root has no number."""
    return ".".join(str(each + 1) for each in path)


# --- around the tree -------------------------------------------------------------------------------------------------


def around_inputs(rule: TypedRule, problems: Sequence[Problem], *, lanes: Sequence[str]) -> tuple[Input, ...]:
    """Name, action, score, reason, lane, tags, and what happens without an answer."""
    wrong = _wrong(problems)
    return (
        Input("text", "r.name", "Name", rule.first("name"), problem=wrong("name"), placeholder="limit.single_intent",
              hint="Lower case, with a point between words. Decisions are found by it."),
        Input("select", "r.action", "When it holds", options=choices(words.ACTIONS, rule.first("action") or "review"),
              problem=wrong("action")),
        Input("whole", "r.score", "Score, 0 to 100", rule.first("score"), problem=wrong("score"),
              hint="Scores of all rules that hold add up to the lane."),
        Input("text", "r.reason", "Reason, as people read it", rule.first("reason"), problem=wrong("reason"),
              placeholder="above the limit of a single intent"),
        Input("select", "r.lane", "At least lane",
              options=choices({"": "as the score says", **{each: each for each in lanes}}, rule.first("lane")),
              problem=wrong("lane")),
        Input("select", "r.on_missing", "When something is not known",
              options=choices({"": "as the rule set says", "review": "hold for review", "decline": "decline"},
                              rule.first("on_missing")), problem=wrong("on_missing")),
        Input("lines", "r.tags", "Tags for routing, one a line", _lines(rule.parts.get("tags", ())),
              problem=wrong("tags"), placeholder="avoid:rail_south"),
        Input("ticks", "r.four_eyes", "Approval",
              options=(Option("yes", "two people have to approve", "yes" in rule.parts.get("four_eyes", ())),)),
        Input("ticks", "r.is_enabled", "State",
              options=(Option("yes", "enabled", "yes" in rule.parts.get("is_enabled", ())),)),
    )  # fmt: skip


def scope_inputs(rule: TypedRule, problems: Sequence[Problem]) -> tuple[Input, ...]:
    """Where it holds: nothing chosen is everywhere."""
    wrong = _wrong(problems)
    return (
        Input("ticks", "r.kinds", "Kinds of intent", options=_ticks(KINDS, rule.parts.get("kinds", ())),
              problem=wrong("scope"), hint="None ticked: every kind."),
        Input("corridors", "r.corridor", "Corridors", corridors=_corridors(rule),
              hint="Empty: every corridor. * is any country or method."),
        Input("lines", "r.accounts", "Accounts, one a line", _lines(rule.parts.get("accounts", ()))),
        Input("lines", "r.segments", "Segments, one a line", _lines(rule.parts.get("segments", ()))),
    )  # fmt: skip


def limit_inputs(limit: TypedRule, problems: Sequence[Problem]) -> tuple[Input, ...]:
    """What a limit counts, over which window, and how much is allowed."""
    wrong = _wrong(problems)
    measure, by = limit.first("measure") or "sum", limit.first("by") or "customer"
    kinds = limit.parts.get("counts.kinds", ())
    return (
        Input("select", "r.measure", "What is counted", options=choices(words.MEASURES, measure), refreshes=True,
              problem=wrong("measure")),
        Input("select", "r.by", "Whose", options=choices(words.BYS, by), problem=wrong("by")),
        _span("r.", limit.parts, wrong("window")),
        Input("ticks", "r.counts.kinds", "Which intents count", options=_ticks(KINDS, kinds),
              hint="None ticked: every kind.", problem=wrong("counts")),
        _measured("r.", limit.parts, measure, "limit", "At most", wrong("limit")),
    )  # fmt: skip


def _wrong(problems: Sequence[Problem]) -> Callable[[str], str]:
    """What gives the first message about a part of the rule."""

    def about(part: str) -> str:
        return next((each.message for each in problems if f"{each.pointer}/".startswith(f"/{part}/")), "")

    return about


def _corridors(rule: TypedRule) -> tuple[tuple[str, str, str], ...]:
    ends = [rule.parts.get(f"corridor.{end}", ()) for end in words.CORRIDOR]
    typed = [line for line in zip(*ends, strict=False) if any(each.strip() for each in line)]
    return (
        *((source, destination, method) for source, destination, method in typed),
        *([("", "", "")] * _BLANK_CORRIDORS),
    )


def _ticks(values: Iterable[str], chosen: Iterable[str]) -> tuple[Option, ...]:
    told = set(lines(chosen))
    known = list(values)
    return tuple(Option(each, each, each in told) for each in [*known, *sorted(told - set(known))])


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(texts)


# --- the tree --------------------------------------------------------------------------------------------------------


def node_view(root: TypedNode, scene: Scene) -> NodeView:
    """The whole tree, ready to draw."""
    return _node(root, (), scene, siblings=1, between="")


def _node(node: TypedNode, path: Path, scene: Scene, *, siblings: int, between: str) -> NodeView:
    wrong = scene.problems.get(path, ())
    inner = {"all": "and", "any": "or", "not": "or"}.get(node.kind, "")
    inputs = _group_inputs(node, path) if node.is_group else leaf_inputs(node, path, scene.lists, wrong)
    told = {each.problem for each in inputs if each.problem}
    return NodeView(
        id=f"n-{written(path)}",
        path=written(path),
        number=number_of(path),
        kind=node.kind,
        title=words.KIND_WORDS[node.kind],
        is_group=node.is_group,
        inputs=inputs,
        of=tuple(
            _node(each, (*path, position), scene, siblings=len(node.of), between=inner if position else "")
            for position, each in enumerate(node.of)
        ),
        problems=tuple(message for _, message in wrong if message not in told),
        held=scene.seen.get(path),
        is_focus=scene.focus == path,
        is_root=not path,
        is_first=not path or path[-1] == 0,
        is_last=not path or path[-1] == siblings - 1,
        may_grow=len(path) + 2 <= MAX_DEPTH,
        may_unwrap=node.is_group and (bool(path) or (len(node.of) == 1 and node.of[0].is_group)),
        between=between,
    )


def seen_mark(node: ExplainedNode) -> Mark:
    """What a node saw in a test, and whether it held."""
    if not node.was_asked:
        return mark("not asked", says="not looked at")
    saw = f", saw {node.saw}" if node.saw else ""
    if node.holds is None:
        return mark("unknown", says=f"cannot be said{saw}")
    return mark("crossed", says=f"holds{saw}") if node.holds else mark("pending", says=f"does not hold{saw}")


def _group_inputs(node: TypedNode, path: Path) -> tuple[Input, ...]:
    kinds = {key: words.KIND_WORDS[key] for key in ("all", "any", "not")}
    own = f"n-{written(path)}."
    return (Input("select", f"{own}kind", "It holds when", options=choices(kinds, node.kind), refreshes=True),)


def leaf_inputs(
    node: TypedNode, path: Path, lists: tuple[str, ...], wrong: Sequence[tuple[str, str]]
) -> tuple[Input, ...]:
    """The inputs of a comparison, a window or a structuring check."""
    own = f"n-{written(path)}."

    def about(part: str) -> str:
        return next((message for at, message in wrong if f"{at}/".startswith(f"{part}/")), "")

    if node.kind == "window":
        measure = node.first("measure") or "sum"
        return (
            Input("select", f"{own}measure", "What is counted", options=choices(words.MEASURES, measure),
                  refreshes=True, problem=about("measure")),
            Input("select", f"{own}by", "Whose", options=choices(words.BYS, node.first("by")), problem=about("by")),
            _span(own, node.parts, about("window")),
            Input("select", f"{own}compare", "Comparison", problem=about("compare"),
                  options=choices({each: words.WORDS[each] for each in words.COMPARES}, node.first("compare") or "gt")),
            _measured(own, node.parts, measure, "value", "Than", about("value")),
            Input("ticks", f"{own}counts.kinds", "Which intents count", problem=about("counts/kinds"),
                  options=_ticks(KINDS, node.parts.get("counts.kinds", ())), hint="None ticked: every kind."),
            amount_input(own, node.parts, "from", "Only amounts from", about("counts/from_minor"), optional=True),
            amount_input(own, node.parts, "below", "Only amounts below", about("counts/below_minor"), optional=True),
        )  # fmt: skip
    if node.kind == "structuring":
        return (
            Input("whole", f"{own}at_least", "At least so many", node.first("at_least"), problem=about("at_least")),
            Input("select", f"{own}by", "Whose", options=choices(words.BYS, node.first("by")), problem=about("by")),
            _span(own, node.parts, about("window")),
            Input("whole", f"{own}within_percent", "Within so many percent", node.first("within_percent"),
                  problem=about("within_percent")),
            amount_input(own, node.parts, "limit", "Under the limit of", about("limit")),
        )  # fmt: skip
    return _condition_inputs(node, own, lists, about)


def _condition_inputs(
    node: TypedNode, own: str, lists: tuple[str, ...], about: Callable[[str], str]
) -> tuple[Input, ...]:
    name = node.first("field")
    known = FIELDS.get(name)
    fields = {each.name: each.words.removeprefix("the ") for each in FIELDS.values()}
    kind = known.type if known else "text"
    allowed = words.COMPARISONS[kind]
    op = node.first("op") if node.first("op") in allowed else allowed[0]
    head = (
        Input("select", f"{own}field", "What", options=choices(fields, name), refreshes=True, problem=about("field")),
        Input("select", f"{own}op", "Comparison", options=choices({each: words.WORDS[each] for each in allowed}, op),
              refreshes=True, problem=about("op")),
    )  # fmt: skip
    offered = known.choices if known else ()
    if op in words.KNOWN:
        return head
    if op in words.LISTS:
        lists_there = {"": "choose a list", **{each: each for each in lists}}
        chosen = choices(lists_there, node.first("list"))
        return (*head, Input("select", f"{own}list", "List", options=chosen, problem=about("list")))
    if op in words.MANY_VALUES:
        return (*head, _many(own, node, offered, about("values")))
    if op in words.TEXTS:
        return (*head, Input("text", f"{own}text", "Text", node.first("text"), problem=about("text")))
    names = (("min", "From"), ("max", "To")) if op == "between" else (("value", "Value"),)
    return (*head, *(_one(own, node, part, label, kind, offered, about(part)) for part, label in names))


def _many(own: str, node: TypedNode, offered: tuple[str, ...], problem: str) -> Input:
    said = node.parts.get("values", ())
    if offered:
        return Input("ticks", f"{own}values", "Any of", options=_ticks(offered, said), problem=problem)
    return Input("lines", f"{own}values", "Values, one a line", _lines(said), problem=problem)


def _one(own: str, node: TypedNode, part: str, label: str, kind: str, offered: tuple[str, ...], problem: str) -> Input:
    if kind == "amount":
        return amount_input(own, node.parts, part, label, problem)
    said = node.first(part)
    if kind == "boolean":
        return Input("select", f"{own}{part}", label, options=choices({"yes": "true", "no": "false"}, said or "yes"),
                     problem=problem)  # fmt: skip
    if offered:
        there = {"": "choose", **{each: each for each in offered}}
        return Input("select", f"{own}{part}", label, options=choices(there, said), problem=problem)
    hints = {"country": "US", "currency": "USD"}
    return Input(
        "whole" if kind == "integer" else "text",
        f"{own}{part}",
        label,
        said,
        problem=problem,
        placeholder=hints.get(kind, ""),
    )


def amount_input(
    own: str, parts: Mapping[str, tuple[str, ...]], name: str, label: str, problem: str, *, optional: bool = False
) -> Input:
    """An amount: lines of currency and major units, and the rest in minor units."""
    typed = amount_lines(parts, name)
    shown = [*typed, *([("", "")] * BLANK_LINES)]
    otherwise = (parts.get(f"{name}.otherwise") or ("",))[0]
    return Input(
        "amount",
        f"{own}{name}",
        label,
        is_folded=optional and not typed and not otherwise.strip() and not problem,
        lines=tuple(AmountLine(number, code, text) for number, (code, text) in enumerate(shown, start=1)),
        otherwise=otherwise,
        problem=problem,
    )


def _measured(
    own: str, parts: Mapping[str, tuple[str, ...]], measure: str, name: str, label: str, problem: str
) -> Input:
    if measure == "sum":
        return amount_input(own, parts, name, label, problem)
    said = (parts.get(f"{name}.otherwise") or ("",))[0]
    return Input("whole", f"{own}{name}.otherwise", label, said, problem=problem)


def _span(own: str, parts: Mapping[str, tuple[str, ...]], problem: str) -> Input:
    chosen = (parts.get("span") or ("rolling",))[0]
    unit = (parts.get("unit") or ("hours",))[0]
    return Input(
        "span",
        f"{own}span",
        "Window",
        options=choices({"rolling": "the last", **words.CALENDARS}, chosen),
        length=(parts.get("length") or ("",))[0],
        units=choices(tuple(words.UNITS), unit),
        problem=problem,
    )
