"""The READMEs: every block runs as printed, what commands write is fresh, both languages agree."""

import contextlib
import io
import re
import subprocess
from pathlib import Path

import pytest

from kerazoo.accounting import rules
from kerazoo.cli import main
from tests import readme
from tests.helpers import workshop
from tests.helpers.readme import BLOCK, FRONT, NUMBER, READMES, ROOT, Block, blocks, shows
from tests.helpers.shell import commands, run

LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
COMPARED = re.compile(r"\[([^\]]+)\]\((tests/[^)]+)\)")
# Commands that install kerazoo or run its tests; .ci/run has the first ones.
NOT_RUN = re.compile(r"pip install|(python|coverage run) -m (pytest|tests)\b|coverage combine")
# Several minutes; --full runs them.
LONG = ("kerazoo demo --all --out figures", "kerazoo train --model lenet5 --recipe paper")
NEEDS_A_FONT = "no installed font has Chinese characters"


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def parameters(*languages: str) -> list[str]:
    return [
        name
        for name in READMES
        if any(each.language in languages for each in blocks(text_of(name)))
    ]


@pytest.fixture
def in_workshop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, thin_networks: None, tensorflow_started: None
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(rules, "_of_users", {})
    workshop.furnish(tmp_path, monkeypatch)


@pytest.mark.usefixtures("in_workshop")
@pytest.mark.parametrize("name", parameters("sh", "python"))
def test_every_block_runs_as_printed(name: str, request: pytest.FixtureRequest) -> None:
    namespace: dict[str, object] = {}
    for block in blocks(text_of(name)):
        if block.language == "python" and "_builder.constructor" not in block.code:
            printed = run_python(block, namespace)
        elif block.language == "sh":
            printed = run_shell(block, request.config.getoption("--full"))
        else:
            continue
        if printed is not None:
            place = f"{name}:{block.line}"
            assert shows(printed, block.output, block.is_exact), f"{place} prints\n{printed}"


def run_python(block: Block, namespace: dict[str, object]) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(block.code, namespace)
    return out.getvalue()


def run_shell(block: Block, full: bool) -> str | None:
    """Return what a block prints; None if a command of it is not run."""
    printed, is_whole = "", True
    for words in commands(block.code):
        line = " ".join(words)
        if NOT_RUN.match(line) or (line.startswith(LONG) and not full):
            is_whole = False
            continue
        code, text = run(words)
        assert code == 0 or NEEDS_A_FONT in text, f"{line}\n{text}"
        printed += text
    return printed if is_whole else None


def test_the_commands_that_install_and_test_are_those_of_the_continuous_integration() -> None:
    script = text_of(".ci/run")
    first, tests, *_ = (block for block in blocks(text_of("README.md")) if block.language == "sh")
    assert [*commands(first.code)] == [
        ["pip", "install", "."],
        ["python", "train.py", "--model", "mnist_cnn"],
    ]
    assert [*commands(tests.code)] == [["pip", "install", ".[test]"], ["python", "-m", "pytest"]]
    assert 'pip install --quiet ".[test]"' in script
    assert "\npython -m pytest\n" in script


@pytest.mark.parametrize("name", parameters("bash"))
def test_scripts_for_clusters_are_bash_and_their_options_are_known(name: str) -> None:
    for block in blocks(text_of(name)):
        if block.language == "bash":
            subprocess.run(["bash", "-n"], input=block.code.encode(), check=True)
            for line in re.findall(r"kerazoo train ([^\n$]*)", block.code):
                assert main(["train", *line.split(), "--help"]) == 0


@pytest.mark.usefixtures("tensorflow_started")
@pytest.mark.parametrize("name", READMES)
def test_what_commands_write_is_fresh(name: str) -> None:
    text = text_of(name)
    assert readme.written(text) == text, f"{name} is stale: python -m tests.readme --write"


def test_a_stale_figure_is_renewed() -> None:
    errata = readme.verdicts("erratum")
    assert readme.written("<!--errata-->7<!--/-->") == f"<!--errata-->{errata}<!--/-->"


def test_the_output_of_a_readme_is_compared() -> None:
    printed = "epoch 1/2, accuracy 0.50\nepoch 2/2, accuracy 0.75\nwrote x.png\n"
    assert shows(printed, "epoch 1/2, accuracy 0.9\n...\nwrote x.png\n", is_exact=False)
    assert not shows(printed, "epoch 1/2, loss 0.9\n", is_exact=False)
    assert not shows(printed, "wrote x.png\nepoch 1/2, accuracy 0.50\n", is_exact=False)
    assert shows(printed, "wrote x.png\n", is_exact=True)
    assert not shows(printed, "epoch 1/2, accuracy 0.51\n", is_exact=True)


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
