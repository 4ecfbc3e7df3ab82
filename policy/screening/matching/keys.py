"""Keys under which names are found: 32-bit hashes of how pairs of words sound, of n-grams, and of identifiers.

One word in common says little and finds thousands, so most keys are pairs of words. Each also stands with one sound of
one word left out (and of both, where a name has two words): a mistake in a name still leaves keys in common, and
PostgreSQL's own GIN over integer arrays answers without an extension. Hashes that collide cost a comparison, no more.
"""

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Final
from zlib import crc32

from policy.screening.matching.normal import NormalName
from policy.screening.matching.phonetic import code_of, variants_of
from policy.screening.matching.words import WEAK

MAX_WORDS: Final = 7
"""Of longer names the longest words count."""
FORGIVING: Final = 4
"""Up to so many words a mistake is looked for; longer names have pairs enough without it."""
N_GRAM: Final = 3
LONGEST_GRAMMED: Final = 16
LONG_WORD: Final = 6
"""A word so long may be a company's whole name where the other side has one word more."""
MIN_IDENTIFIER: Final = 5


def index_keys(names: Iterable[NormalName], identifiers: Iterable[str]) -> list[int]:
    """The keys of an entry: of its normal names, and of its identifiers' normal forms."""
    return _hashed([key for tokens in _read(names) for key in _index(tokens)] + _identifiers(identifiers))


def search_keys(names: Iterable[NormalName]) -> list[int]:
    """The keys by which entries are looked for that may have one of these names."""
    return _hashed(key for tokens in _read(names) for key in _search(tokens))


def identifier_keys(identifiers: Iterable[str]) -> list[int]:
    """The keys of identifiers' normal forms; short ones say nothing and have none."""
    return _hashed(_identifiers(identifiers))


def _read(names: Iterable[NormalName]) -> dict[tuple[str, ...], None]:
    """Names with nicknames resolved and as they were written, each once."""
    return dict.fromkeys(tokens for name in names for tokens in (name.tokens, name.said) if tokens)


def _index(tokens: tuple[str, ...]) -> Iterator[str]:
    words = _telling(tokens)
    codes = _codes(words)
    yield from _pairs(codes)
    yield from _joined(tokens)
    if len(codes) == 1:
        yield from _single(codes[0], "".join(words))
    elif len(codes) == 2:
        yield from (f"t:{code_of(word)}" for word in words if len(word) >= LONG_WORD)


def _search(tokens: tuple[str, ...]) -> Iterator[str]:
    words = _telling(tokens)
    codes = _codes(words)
    yield from _pairs(codes)
    yield from _joined(tokens)
    if len(codes) == 1:
        yield from _single(codes[0], "".join(words))
        yield f"t:{codes[0]}"
    elif len(codes) == 2:
        yield from (f"s:{code_of(word)}" for word in words if len(word) >= LONG_WORD)


def _telling(tokens: tuple[str, ...]) -> list[str]:
    """The words that tell; of a name of nothing but weak words, all of them."""
    telling = [token for token in tokens if token not in WEAK and len(token) > 1] or list(tokens)
    longest = sorted(telling, key=len, reverse=True)[:MAX_WORDS]
    return [token for token in telling if token in longest]


def _codes(words: list[str]) -> list[str]:
    """How words sound, each sound once."""
    return list(dict.fromkeys(map(code_of, words)))


def _pairs(codes: list[str]) -> Iterator[str]:
    for one, other in combinations(codes, 2):
        yield f"{min(one, other)}+{max(one, other)}"
        if len(codes) > FORGIVING:
            continue
        for exact, wrong in ((one, other), (other, one)):
            yield from (f"{exact}+~{left}" for left in variants_of(wrong))
    if len(codes) == 2:
        first, second = ((code, [v for v in variants_of(code) if len(code) > 3]) for code in sorted(codes))
        yield from (f"~{one}+~{other}" for one in first[1] for other in second[1])


def _joined(tokens: tuple[str, ...]) -> Iterator[str]:
    """Words written together or apart: Abdul Rahman, Abdulrahman."""
    if 2 <= len(tokens) <= FORGIVING:
        yield f"s:{code_of(''.join(tokens))}"
        yield f"s:{code_of(''.join(sorted(tokens)))}"
    if 3 <= len(tokens) <= FORGIVING:
        for place in range(len(tokens) - 1):
            together = code_of(tokens[place] + tokens[place + 1])
            others = [code_of(token) for token in tokens[:place] + tokens[place + 2 :]]
            yield from (f"{min(together, other)}+{max(together, other)}" for other in others)


def _single(code: str, word: str) -> Iterator[str]:
    """A name of one word: its sound, one sound left out, and pairs of its n-grams, since one alone finds thousands."""
    yield from (f"s:{left}" for left in variants_of(code))
    grams = [word[place : place + N_GRAM] for place in range(min(len(word), LONGEST_GRAMMED) - N_GRAM + 1)]
    for place, gram in enumerate(grams):
        yield from (f"g:{gram}+{other}" for other in grams[place + N_GRAM :])


def _identifiers(identifiers: Iterable[str]) -> list[str]:
    return [f"#{value}" for value in identifiers if len(value) >= MIN_IDENTIFIER and any(c.isdigit() for c in value)]


def _hashed(keys: Iterable[str]) -> list[int]:
    """Signed 32-bit numbers, each once, in order."""
    return sorted({crc32(key.encode()) - 2**31 for key in keys})
