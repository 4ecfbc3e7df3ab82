"""Text on paper, in whatever script people write: each run of characters in the first font that has them.

Latin, Greek numerals and symbols are drawn in Bitstream Vera, which comes with reportlab and is embedded. Other
alphabets need DejaVu Sans, its bigger sister, where the machine has it. Chinese, Japanese and Korean use the fonts that
PDF viewers bring for them. What nobody has is drawn as a box: a statement never fails because of a name.
"""

from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import Final

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFError, TTFont

REGULAR: Final = "Vera"
BOLD: Final = "VeraBd"
_FALLBACK: Final = {REGULAR: "DejaVuSans", BOLD: "DejaVuSans-Bold"}
_BOX: Final = "\N{WHITE SQUARE}"
# The blocks that each of the viewers' fonts is for; where they overlap, the first one.
_VIEWER_FONTS: Final = (
    ("HYSMyeongJo-Medium", ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7A3))),
    ("HeiseiKakuGo-W5", ((0x3040, 0x30FF), (0xFF66, 0xFF9F))),
    ("STSong-Light", ((0x3000, 0x303F), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFF00, 0xFFEF))),
)


def runs(text: str, font: str) -> Iterator[tuple[str, str]]:
    """(font, characters) of the text in its order; what has no glyph anywhere has become a box."""
    for name, pairs in groupby((_choice(character, font) for character in text), key=lambda pair: pair[0]):
        yield name, "".join(character for _, character in pairs)


def width(text: str, font: str, size: float) -> float:
    """How wide the text is, in points."""
    return sum(float(pdfmetrics.stringWidth(part, name, size)) for name, part in runs(text, font))


def wrap(text: str, font: str, size: float, room: float) -> list[str]:
    """The text in lines no wider than ``room``, broken between words, and in words that are longer."""
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if width(longer, font, size) <= room:
            line = longer
            continue
        if line:
            lines.append(line)
        *full, line = _broken(word, font, size, room)
        lines.extend(full)
    return [*lines, line] if line else lines


def _broken(word: str, font: str, size: float, room: float) -> list[str]:
    pieces, piece, used = [], "", 0.0
    for character in word:
        wide = width(character, font, size)
        if piece and used + wide > room:
            pieces.append(piece)
            piece, used = "", 0.0
        piece, used = piece + character, used + wide
    return [*pieces, piece]


@cache
def _choice(character: str, font: str) -> tuple[str, str]:
    for name in (font, _FALLBACK[font]):
        if ord(character) in _glyphs(name):
            return name, character
    for name, blocks in _VIEWER_FONTS:
        if any(first <= ord(character) <= last for first, last in blocks):
            _glyphs(name)
            return name, character
    return (_FALLBACK[font], _BOX) if ord(_BOX) in _glyphs(_FALLBACK[font]) else (font, "?")


@cache
def _glyphs(name: str) -> frozenset[int]:
    """The code points of a font, which is registered by asking; none where the machine does not have it."""
    if any(name == viewer for viewer, _ in _VIEWER_FONTS):
        pdfmetrics.registerFont(UnicodeCIDFont(name))
        return frozenset()
    try:
        font = TTFont(name, f"{name}.ttf")
    except TTFError:
        return frozenset()
    pdfmetrics.registerFont(font)
    return frozenset(font.face.charToGlyph)
