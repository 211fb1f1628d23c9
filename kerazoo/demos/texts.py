"""Texts of figures in two languages."""

from __future__ import annotations

from typing import Any, NamedTuple

LANGUAGES = ("en", "zh")


class Text(NamedTuple):
    """A text in English and in Chinese."""

    en: str
    zh: str

    def in_language(self, language: str) -> str:
        """Return the text in one of `LANGUAGES`."""
        return str(getattr(self, language))

    def format(self, *values: Any, **named: Any) -> Text:
        """Return the text with values in its places, as `str.format` does."""
        return Text(*(each.format(*values, **named) for each in self))
