"""View-models of the rooms of finance: sheets of cells, figures, acts with their fields. Frozen and ready to print."""

from dataclasses import dataclass

from console.types import Chip, Mark, Moment
from console.types.ledger import Figure, Option
from console.types.plots import Chart


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one place of a sheet; ``tick`` is the value of a box that chooses its row."""

    text: str = ""
    url: str = ""
    css: str = ""
    mark: Mark | None = None
    moment: Moment | None = None
    currency: str = ""
    title: str = ""
    note: str = ""
    tick: str = ""
    name: str = ""
    is_ticked: bool = False
    minor: int | None = None
    is_words: bool = False  # what people named is not in the type of ids


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    css: str = ""


@dataclass(frozen=True, slots=True)
class SheetRow:
    key: str
    cells: tuple[Cell, ...]
    is_selected: bool = False
    css: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: its caption, columns, rows, and what is said when there are none."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[SheetRow, ...]
    empty_title: str = "Nothing here yet"
    empty_words: str = ""
    css: str = ""
    title: str = ""
    label: str = ""
    next_url: str = ""
    first_url: str = ""
    form: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    title: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A field of a form: with ``options`` a select, with ``is_long`` a text area, else an input of this type."""

    name: str
    label: str
    value: str = ""
    type: str = "text"
    options: tuple[Option, ...] = ()
    placeholder: str = ""
    hint: str = ""
    is_required: bool = True
    is_long: bool = False
    maximum: int = 500
    is_ticked: bool = False
    accept: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """Something that a person can do here: a button with the form that opens under it, or at once without fields."""

    key: str
    title: str
    url: str
    verb: str = ""
    words: str = ""
    asks: tuple[Ask, ...] = ()
    hidden: tuple[tuple[str, str], ...] = ()
    shortcut: str = ""
    is_primary: bool = False
    is_warning: bool = False
    takes_file: bool = False
    is_open: bool = False
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    value: str
    url: str = ""
    copy: str = ""
    css: str = ""
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """A named list of facts."""

    title: str
    rows: tuple[Fact, ...]
    label: str = ""
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """A line of a reckoning: a name, an amount, and what it is of a whole."""

    name: str
    value: str
    share: str = ""
    css: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Reckoning:
    title: str
    rows: tuple[Pair, ...]
    note: str = ""
    mark: Mark | None = None
    url: str = ""

    @property
    def has_shares(self) -> bool:
        """Whether its lines tell what they are of a whole."""
        return any(row.share for row in self.rows)


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody wrote, or a file that they put here."""

    key: str
    author: str
    at: Moment
    text: str = ""
    file_name: str = ""
    file_url: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One of the five steps of a closeout."""

    number: int
    title: str
    value: str
    words: str
    is_on: bool = False
    is_done: bool = False
    url: str = ""
    goes_before: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class FinancePage:
    """A page of these rooms: what it is, its figures, sheets, and beside them facts and acts."""

    heading: str
    words: str = ""
    mark: Mark | None = None
    crumbs: tuple[tuple[str, str], ...] = ()
    tabs: tuple[Chip, ...] = ()
    filters: tuple[Chip, ...] = ()
    more_filters: tuple[Chip, ...] = ()
    third_filters: tuple[Chip, ...] = ()
    figures: tuple[Figure, ...] = ()
    chart: Chart | None = None
    second_chart: Chart | None = None
    sheets: tuple[Sheet, ...] = ()
    reckonings: tuple[Reckoning, ...] = ()
    facts: tuple[Facts, ...] = ()
    acts: tuple[Act, ...] = ()
    links: tuple[Chip, ...] = ()
    problem: Problem | None = None
    note: str = ""
    poll_url: str = ""
    percent: int | None = None
    is_code: bool = False
    at: str = ""
    side_note: str = ""

    @property
    def has_side(self) -> bool:
        """Whether anything stands beside the sheets."""
        return bool(self.facts or self.acts or self.side_note)


@dataclass(frozen=True, slots=True)
class FormPage:
    """A form on a page of its own, with what was typed and what was refused."""

    heading: str
    words: str
    crumbs: tuple[tuple[str, str], ...]
    url: str
    asks: tuple[Ask, ...]
    verb: str
    back_url: str
    hidden: tuple[tuple[str, str], ...] = ()
    problem: Problem | None = None
    is_narrow: bool = False
    also: tuple[tuple[str, str], ...] = ()
    sheets: tuple[Sheet, ...] = ()
    takes_file: bool = False
    words_below: str = ""


@dataclass(frozen=True, slots=True)
class MappingPage:
    """The wizard of a CSV mapping: how the file is read, and what comes of it row by row."""

    heading: str
    words: str
    crumbs: tuple[tuple[str, str], ...]
    url: str
    file_name: str
    asks: tuple[Ask, ...]
    columns: tuple[Ask, ...]
    preview: Sheet | None
    sample: str
    problem: Problem | None = None
    is_sound: bool = False
    back_url: str = ""
    note: str = ""
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Hint:
    """A suggestion: what it would pair with, how sure, and the parts that it was told from."""

    score: str
    words: str
    take_url: str
    parts: tuple[tuple[str, str], ...] = ()
    difference: str = ""
    act: Act | None = None


@dataclass(frozen=True, slots=True)
class WorkbenchPage:
    """Lines on the left, entries on the right, the difference on top."""

    heading: str
    words: str
    crumbs: tuple[tuple[str, str], ...]
    tabs: tuple[Chip, ...]
    here: str
    lines: Sheet
    entries: Sheet
    currency: str
    line_sum: str
    entry_sum: str
    difference: str
    is_level: bool
    chosen_lines: int
    chosen_entries: int
    text: str = ""
    hints: tuple[Hint, ...] = ()
    hints_for: str = ""
    hints_words: str = ""
    match_url: str = ""
    recent: Sheet | None = None
    undo: Act | None = None
    kept: tuple[tuple[str, str], ...] = ()
    limit: str = ""
    at: str = ""
    reason: str = ""
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class ExceptionPage:
    """An exception, both sides of it, and what can be done."""

    page: FinancePage
    left: Facts
    right: Facts
    difference: str
    difference_words: str
    currency: str
    is_level: bool
    hints: tuple[Hint, ...] = ()
    remarks: tuple[Remark, ...] = ()
    note_url: str = ""
    is_open: bool = True
    note_text: str = ""
    note_error: str = ""


@dataclass(frozen=True, slots=True)
class DeskPage:
    """The exceptions desk: the list, what is chosen in it, and what is done to several at once."""

    page: FinancePage
    bulk: tuple[Act, ...] = ()
    aging: Sheet | None = None


@dataclass(frozen=True, slots=True)
class CloseoutTab:
    """What one of the views of a period has to show; ``below`` stands under both columns."""

    reckonings: tuple[Reckoning, ...] = ()
    sheets: tuple[Sheet, ...] = ()
    below: tuple[Sheet, ...] = ()
    acts: tuple[Act, ...] = ()
    links: tuple[Chip, ...] = ()


@dataclass(frozen=True, slots=True)
class CloseoutPage:
    """A period on its way to being closed."""

    page: FinancePage
    steps: tuple[Step, ...]
    tab: str
    reckonings: tuple[Reckoning, ...] = ()
    sheets: tuple[Sheet, ...] = ()
    below: tuple[Sheet, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleForm:
    """One matching rule as a line of a form; ``key`` is empty in the line for another one."""

    number: int
    key: str
    is_on: bool
    kind: Ask
    numbers: tuple[Ask, ...]
    words: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class RulesPage:
    """The rules of an account: a form for those who may change them, a list for the others."""

    heading: str
    words: str
    crumbs: tuple[tuple[str, str], ...]
    tabs: tuple[Chip, ...]
    url: str
    version: int
    rules: tuple[RuleForm, ...]
    versions: Sheet
    note: str = ""
    problem: Problem | None = None
    details: tuple[str, ...] = ()
