"""The READMEs: what commands write is fresh, links lead to files, both languages agree."""

import re

import pytest

from tests import readme
from tests.helpers.markdown import BLOCK, FRONT, NUMBER, READMES, ROOT, blocks, text_of

LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
COMPARED = re.compile(r"\[([^\]]+)\]\((tests/[^)]+\.py)\)")


@pytest.mark.parametrize("name", READMES)
def test_what_commands_write_is_fresh(name: str) -> None:
    text = text_of(name)
    assert readme.written(text) == text, f"{name} is stale: python -m tests.readme --write"


def test_a_stale_figure_is_renewed() -> None:
    errata = readme.verdicts("erratum")
    assert readme.written("<!--errata-->7<!--/-->") == f"<!--errata-->{errata}<!--/-->"


@pytest.mark.parametrize("name", READMES)
def test_links_lead_to_files(name: str) -> None:
    for target in LINK.findall(BLOCK.sub("", text_of(name))):
        if not target.startswith("http"):
            assert (ROOT / name).parent.joinpath(target).exists(), f"{name}: {target}"


def test_the_front_page_is_short() -> None:
    assert len(text_of("README.md").encode()) <= 8192


def test_both_languages_have_the_same_headings_commands_figures_and_links() -> None:
    english, chinese = map(text_of, FRONT)
    assert re.findall(r"^#+", english, re.MULTILINE) == re.findall(r"^#+", chinese, re.MULTILINE)
    codes = [
        [(each.language, each.code, each.output) for each in blocks(text)]
        for text in (english, chinese)
    ]
    assert codes[0] == codes[1]
    links = [sorted(LINK.findall(text)) for text in (english, chinese)]
    assert [each for each in links[0] if each not in FRONT] == [
        each for each in links[1] if each not in FRONT
    ]
    numbers = [
        sorted(match[0].rstrip(".,") for match in NUMBER.finditer(BLOCK.sub("", text)))
        for text in (english, chinese)
    ]
    assert numbers[0] == numbers[1]
    assert not re.search(r"[一-鿿]", english.replace("中文", ""))
    assert len(re.findall(r"[一-鿿]", chinese)) > 500


def test_the_ticks_of_the_comparison_lead_to_tests() -> None:
    links = COMPARED.findall(text_of("README.md"))
    assert len(links) >= 9
    for _, path in links:
        assert "def test_" in text_of(path), path
