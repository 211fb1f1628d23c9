"""Fonts of figures, also for Chinese."""

import contextlib
import functools
import logging
import warnings
from collections.abc import Iterator

# Families that are usual on Linux, Windows and macOS, the best first.
CHINESE = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "WenQuanYi Zen Hei",
    "SimHei",
)
PACKAGE = "fonts-noto-cjk"  # of Debian and Ubuntu, with the first of them

logger = logging.getLogger("kerazoo")


@contextlib.contextmanager
def for_text(text: str) -> Iterator[None]:
    """Draw and write figures that show a text; the log says if no font has all its characters."""
    from matplotlib import rc_context

    with (
        warnings.catch_warnings(record=True) as caught,
        rc_context({"font.family": families(text)}),
    ):
        warnings.simplefilter("always")
        yield
    missing = [each for each in caught if "missing from font" in str(each.message)]
    for each in caught:
        if each not in missing:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    if missing:
        logger.warning(
            "a figure has boxes in place of characters that no font here has: install a font that "
            "has them, such as the package %s",
            PACKAGE,
        )


def families(text: str) -> list[str]:
    """Return the families for a text of a figure, one for Chinese among them if it has any."""
    font = chinese() if any(map(is_chinese, text)) else None
    return ["DejaVu Sans", *([font] if font else [])]


def is_chinese(character: str) -> bool:
    """Return whether a character is Chinese, or its punctuation."""
    return "\u2e80" <= character <= "\uffef"


@functools.cache
def chinese() -> str | None:
    """Return the family of an installed font that has Chinese characters, None if there is none."""
    from matplotlib import font_manager

    manager = font_manager.fontManager
    listed = {font.fname for font in manager.ttflist}
    for path in font_manager.findSystemFonts():  # matplotlib's list may be older than a font
        if path not in listed and _has_chinese(path):
            manager.addfont(path)
    names = {font.name for font in manager.ttflist}
    known = [name for name in CHINESE if name in names]
    others = (font.name for font in manager.ttflist if _has_chinese(font.fname))
    return known[0] if known else next(others, None)


def _has_chinese(path: str) -> bool:
    """Return whether a font has Chinese characters, each with its own glyph.

    A font of last resort has one glyph for all.
    """
    from matplotlib import font_manager

    try:
        font = font_manager.get_font(path)
    except (OSError, RuntimeError):  # damaged, or of a format that matplotlib does not read
        return False
    glyphs = {font.get_char_index(ord(character)) for character in "\u5377\u79ef\u7f51\u7edc"}
    return len(glyphs) == 4 and 0 not in glyphs
