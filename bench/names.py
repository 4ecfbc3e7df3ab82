"""Invented people and companies, as unevenly spread as real ones: few names are borne by many."""

import random
from collections.abc import Iterator
from typing import Final


def _words(text: str) -> list[str]:
    return text.split()


_GIVEN: Final = _words(
    """
    Mohammed Ahmed Ali Hassan Omar Yusuf Ibrahim Khaled Ivan Sergey Alexander Dmitry Andrey Vladimir Elena
    Natalia Olga John William James Maria Anna Jose Juan Carlos Luis Wei Li Ming Jun Hui Min Jae Sung Hiroshi
    Kenji Amina Fatima Zahra Hossein Reza Mehdi Tariq Bilal Samir Nadia Leila Karim Viktor Oleg Pavel Roman
    Boris Peter Paul Thomas
    """
)
_STARTS: Final = _words(
    """
    ba be da do fa ga gri ha ja ka ke kho kra la le li ma me mo na ne o pa pe ra re ro sa se sha so ta te tro u
    va ve vo ya za ze zu
    """
)
_MIDDLES: Final = _words(
    """
    ban bek dar den gal gon kar kov lan lev lin mar men mir nar nik pan rad ran rin sar sen shan tar ten tor van
    vel zan zar
    """
)
_ENDS: Final = _words(
    """
    ov ev in sky enko ian adze idze oglu zadeh pour i an ez es er mann sen son ula awi ari uri eddin ani
    """
)
_TRADES: Final = _words(
    """
    Trading Shipping Engineering Industries Technology Logistics Petroleum Services Holding Group International
    Marine Electronics Construction Investment Chemical Steel Transport Consulting Foods
    """
)
_FORMS: Final = ("LLC", "Ltd", "OOO", "GmbH", "S.A.", "FZE", "Co., Ltd.", "JSC", "Limited", "Inc.")


class Names:
    """Names from a seed: the same seed, the same names."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        words = {
            (start + middle + end).capitalize() for start in _STARTS for middle in _MIDDLES for end in _ENDS
        }  # fmt: skip
        self._words = sorted(words)
        self._dice.shuffle(self._words)

    def people(self) -> Iterator[str]:
        """A person's name, family name first as lists write it."""
        while True:
            given = " ".join(self._often(_GIVEN) for _ in range(1 + (self._dice.random() < 0.35)))
            yield f"{self._often(self._words).upper()}, {given}"

    def companies(self) -> Iterator[str]:
        """A company's name, with its trade and its form."""
        while True:
            own = " ".join(self._often(self._words) for _ in range(1 + (self._dice.random() < 0.4)))
            trade = " ".join(self._dice.sample(_TRADES, self._dice.choice((0, 1, 1, 2))))
            yield " ".join(f"{own} {trade} {self._dice.choice(_FORMS)}".split()).upper()

    def misspelt(self, name: str) -> str:
        """A name with one letter changed, left out, doubled or swapped with the next, somewhere in it."""
        place = self._dice.randrange(1, max(2, len(name) - 2))
        letter, following = name[place], name[place + 1 : place + 2]
        kind = self._dice.randrange(4)
        new = (self._dice.choice("aeinorst"), "", letter * 2, following + letter)[kind]
        return name[:place] + new + name[place + (2 if kind == 3 else 1) :]

    def day(self) -> str:
        """A day of birth, ISO 8601."""
        return f"{self._dice.randrange(1940, 2005)}-{self._dice.randrange(1, 13):02}-{self._dice.randrange(1, 29):02}"

    def _often(self, words: list[str]) -> str:
        """One of the words; the first ones come far more often than the last."""
        return words[int(len(words) * self._dice.random() ** 3)]
