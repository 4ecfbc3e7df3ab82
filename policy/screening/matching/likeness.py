"""How alike two names are, word by word: 1 is the same name, 0 shares nothing. Order does not count.

rapidfuzz counts the edits (optimal string alignment, hence a swap of two letters is one). Words are paired best first;
a word that no other answers to costs less on the side that says more, since lists often know more names of somebody
than a payment does.
"""

import re
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import OSA

from policy.screening.matching.normal import NormalName
from policy.screening.matching.phonetic import code_of
from policy.screening.matching.words import WEAK

WEAK_WEIGHT: Final = 0.35
INITIAL_WEIGHT: Final = 0.3
SAME_SOUND: Final = 0.94
CONSONANTS: Final = 0.92
"""What the same consonants are worth where one side writes no vowels, as Arabic does."""
ONE_EDIT: Final = {4: 0.82, 5: 0.88}
"""What one edit leaves of a word, by its length; of longer ones 0.92, of shorter ones nothing."""
TWO_EDITS_FROM: Final = 9
SHORTER_SIDE: Final = 0.75
ONE_WORD_AT_MOST: Final = 0.8
"""A single word that is a part of a longer name is no name by itself, unless it is long and of a company."""
TELLING_WORD: Final = 7
TOGETHER: Final = 0.97
LONGEST_PUT_TOGETHER: Final = 6
_SPELLINGS: Final = tuple(
    (re.compile(pattern), to)
    for pattern, to in (("w|ff$", "v"), ("ij$|iy$|[yj]", "i"), ("kh|ch|q|ck", "k"), ("tz|ts", "z"), (r"(.)\1+", r"\1"))
)
_VOWEL: Final = re.compile("[aeiouy]")
_VOWELS: Final = re.compile("[aeiouy]|(?<=(.))\\1")


def names_alike(left: NormalName, right: NormalName, *, is_person: bool) -> float:
    """How alike two names are, 0 to 1, with nicknames resolved or as they were written, whichever is more alike."""
    resolved = likeness(left.tokens, right.tokens, is_person=is_person)
    if resolved == 1 or (left.tokens == left.said and right.tokens == right.said):
        return resolved
    return max(resolved, likeness(left.said, right.said, is_person=is_person))


def likeness(left: tuple[str, ...], right: tuple[str, ...], *, is_person: bool) -> float:
    """How alike two normal names are, 0 to 1."""
    if not left or not right:
        return 0.0
    if left == right:
        return 1.0
    together = _put_together(left, right), _put_together(right, left)
    return max(_word_by_word(*together, is_person=is_person), _written_together(left, right))


def _word_by_word(left: tuple[str, ...], right: tuple[str, ...], *, is_person: bool) -> float:
    pairs = sorted(((word_likeness(a, b), i, j) for i, a in enumerate(left) for j, b in enumerate(right)), reverse=True)
    paired_left: dict[int, float] = {}
    paired_right: dict[int, float] = {}
    for alike, i, j in pairs:
        if alike > 0 and i not in paired_left and j not in paired_right:
            paired_left[i] = paired_right[j] = alike
    covers = sorted((_covered(left, paired_left), _covered(right, paired_right)))
    alike = covers[1] * SHORTER_SIDE + covers[0] * (1 - SHORTER_SIDE)
    if _is_one_word_of_many(left, right, is_person=is_person):
        return min(alike, ONE_WORD_AT_MOST)
    return alike


def _covered(words: tuple[str, ...], paired: dict[int, float]) -> float:
    weights = [weight_of(word) for word in words]
    return sum(weights[place] * alike for place, alike in paired.items()) / sum(weights)


def _is_one_word_of_many(left: tuple[str, ...], right: tuple[str, ...], *, is_person: bool) -> bool:
    telling = [[word for word in words if weight_of(word) == 1] or list(words) for words in (left, right)]
    short, long = sorted(telling, key=len)
    return len(short) == 1 and len(long) > 1 and (is_person or len(short[0]) < TELLING_WORD)


def _written_together(left: tuple[str, ...], right: tuple[str, ...]) -> float:
    one, other = "".join(left), "".join(right)
    least = 2 / 3 * max(len(one), len(other))
    if min(len(one), len(other)) < least or len(left) == len(right) == 1:
        return 0.0
    alike = max(OSA.normalized_similarity(one, other), OSA.normalized_similarity(_sorted(left), _sorted(right)))
    return float(alike) * TOGETHER if alike >= 0.9 else 0.0


def _put_together(words: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """Two words next to each other as one, where the other side writes them as one: Abdur Rahmani, Abdurrahmani."""
    if not 2 <= len(words) <= LONGEST_PUT_TOGETHER:
        return words
    for place in range(len(words) - 1):
        one = words[place] + words[place + 1]
        if any((len(one) - 2 <= len(other) <= len(one) + 2 and word_likeness(one, other) >= SAME_SOUND)
               or one == other for other in others):  # fmt: skip
            return (*words[:place], one, *words[place + 2 :])
    return words


def _sorted(words: tuple[str, ...]) -> str:
    return "".join(sorted(words))


def weight_of(word: str) -> float:
    """How much a word tells: initials and words of every trade little."""
    if len(word) == 1:
        return INITIAL_WEIGHT
    return WEAK_WEIGHT if word in WEAK else 1


@lru_cache(maxsize=100_000)
def word_likeness(one: str, other: str) -> float:
    """How alike two words are, 0 to 1; what is more than a mistake or two apart is not alike at all."""
    if one == other:
        return 1.0
    if len(one) == 1 or len(other) == 1:
        return 0.75 if one[0] == other[0] else 0.0
    if _is_bare(one) != _is_bare(other):
        return CONSONANTS if _VOWELS.sub("", one) == _VOWELS.sub("", other) else 0.0
    longest = max(len(one), len(other))
    edits = min(OSA.distance(one, other, score_cutoff=2), OSA.distance(_spelt(one), _spelt(other), score_cutoff=2) + 1)
    sound = SAME_SOUND if len(code_of(one)) > 1 and code_of(one) == code_of(other) and not one.isdigit() else 0.0
    if edits == 1 and longest > 3:
        return max(sound, ONE_EDIT.get(longest, 0.92))
    if edits == 2 and longest >= TWO_EDITS_FROM:
        return max(sound, 0.85)
    # Two vowels may differ entirely (Moussa, Musa); words that only share two consonants are not alike.
    return sound if sound and (len(code_of(one)) > 2 or edits <= 2) else 0.0


def _is_bare(word: str) -> bool:
    return len(word) > 2 and word.isalpha() and not _VOWEL.search(word)


@lru_cache(maxsize=100_000)
def _spelt(word: str) -> str:
    """A word without what transliterations spell differently: w and v, y and i, kh and ch, doubled letters."""
    for pattern, to in _SPELLINGS:
        word = pattern.sub(to, word)
    return word
