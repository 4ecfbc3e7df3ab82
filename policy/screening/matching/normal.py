"""Names as they are compared: Latin letters, small, without accents, marks, company forms and particles.

Transliteration is anyascii's, character by character; how different transliterations meet is `phonetic`'s work.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from anyascii import anyascii

from policy.screening.matching.nicknames import NICKNAMES
from policy.screening.matching.words import ABBREVIATIONS, FORMS, PARTICLES

MAX_TOKENS: Final = 16
MAX_NAME: Final = 300
# Chinese and Japanese write no spaces, Korean none within a given name: each sign is read as a syllable of its own.
_IDEOGRAPHS: Final = re.compile("([\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff])")
_MARKS: Final = re.compile(r"['`´’‘ʼʻ\"]")
_INITIALS: Final = re.compile(r"\b(\w)\.(?=\w\b)")
_NO_LETTER: Final = re.compile(r"[^a-z0-9]+")
_FORMS_BY_FIRST: Final[dict[str, list[tuple[str, ...]]]] = {}
for _form in FORMS:
    _FORMS_BY_FIRST.setdefault(_form[0], []).append(_form)


@dataclass(frozen=True, slots=True)
class NormalName:
    """A name made comparable. ``said`` are its words before nicknames were resolved, at the same places."""

    tokens: tuple[str, ...]
    said: tuple[str, ...]

    @property
    def text(self) -> str:
        """The words that are compared, one after the other."""
        return " ".join(self.tokens)


@lru_cache(maxsize=20_000)
def normalise(name: str, *, is_person: bool) -> NormalName:
    """The words of a name; none when it has no letter or digit."""
    words = _words(name[:MAX_NAME])
    if not is_person:
        words = _without_forms([ABBREVIATIONS.get(word, word) for word in words])
    said = tuple(([word for word in words if word not in PARTICLES] or words)[:MAX_TOKENS])
    return NormalName(tokens=tuple(NICKNAMES.get(word, word) for word in said) if is_person else said, said=said)


def normal_identifier(value: str) -> str:
    """A number as it is compared: letters and digits only, upper case."""
    return re.sub(r"[^A-Z0-9]", "", anyascii(value).upper())


def _words(name: str) -> list[str]:
    latin = anyascii(_IDEOGRAPHS.sub(r" \1 ", name)).lower()
    plain = _INITIALS.sub(r"\1", _MARKS.sub("", latin))
    return _NO_LETTER.sub(" ", plain).split()


def _without_forms(words: list[str]) -> list[str]:
    """Without Ltd, OOO, GmbH and the like; a name of nothing else is left as it is."""
    kept: list[str] = []
    place = 0
    while place < len(words):
        length = _form_at(words, place)
        if not length:
            kept.append(words[place])
        place += length or 1
    return kept or words


def _form_at(words: list[str], place: int) -> int:
    for form in _FORMS_BY_FIRST.get(words[place], ()):
        if tuple(words[place : place + len(form)]) == form:
            return len(form)
    return 0
