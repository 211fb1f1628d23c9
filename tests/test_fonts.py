"""A font for Chinese is found, whatever its name, and none that only seems to have Chinese."""

import warnings
from pathlib import Path

import pytest
from matplotlib import font_manager

from kerazoo import fonts


def test_what_has_no_chinese_is_no_font_for_it() -> None:
    latin = font_manager.findfont("DejaVu Sans")
    # matplotlib's font of last resort, which some of its versions have, has one glyph for a block
    last_resort = map(str, Path(latin).parent.glob("LastResort*"))
    for path in (latin, __file__, *last_resort):
        assert not fonts._has_chinese(path)


def test_what_is_installed_after_matplotlib_listed_the_fonts_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    added: list[str] = []

    class Manager:
        """A list of fonts that is older than a font."""

        def __init__(self) -> None:
            self.ttflist: list[font_manager.FontEntry] = []

        def addfont(self, path: str) -> None:
            added.append(path)
            self.ttflist = [font_manager.FontEntry(fname=path, name="New")]

    monkeypatch.setattr(font_manager, "fontManager", Manager())
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: ["new.ttf", "latin.ttf"])
    monkeypatch.setattr(fonts, "_has_chinese", lambda path: path == "new.ttf")
    fonts.chinese.cache_clear()
    assert fonts.chinese() == "New"
    assert added == ["new.ttf"]
    fonts.chinese.cache_clear()


def test_english_asks_for_no_font(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "chinese", lambda: "Some Font")
    assert fonts.families("cat, dog") == ["DejaVu Sans"]
    assert fonts.families("猫") == ["DejaVu Sans", "Some Font"]
    monkeypatch.setattr(fonts, "chinese", lambda: None)
    assert fonts.families("猫") == ["DejaVu Sans"]


def test_other_warnings_than_of_missing_characters_are_kept() -> None:
    with pytest.warns(UserWarning, match="another"), fonts.for_text("cat"):
        warnings.warn("another", stacklevel=1)
