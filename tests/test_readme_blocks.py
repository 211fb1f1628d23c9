"""The blocks of code in the READMEs run as printed, and print what the READMEs say."""

import contextlib
import io
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Template

import pytest

from kerazoo import cli
from kerazoo.accounting import rules
from tests.helpers import thin, workshop
from tests.helpers.markdown import FRONT, READMES, Block, blocks, shows, text_of
from tests.helpers.shell import commands, run

# Commands that install kerazoo, which .ci/run does, or run its tests; and the first training, which
# has a test of its own.
NOT_RUN = re.compile(
    r"pip install|(python|coverage run) -m (pytest|tests)\b|coverage |python train.py"
)
# They take half a minute or more, even with thin networks: --full runs them.
LONG = (
    "kerazoo demo --all --out figures",
    "kerazoo train --model lenet5 --recipe paper",
    "kerazoo train --model vgg16 --data folder:photos --weights imagenet",
    "python -m kerazoo.examples.",  # their own tests run them too
)
NEEDS_A_FONT = "no installed font has Chinese characters"
ROOMS = [name for name in READMES if name not in FRONT]


def having(names: Sequence[str], *languages: str) -> list[str]:
    """Return the READMEs with a block in one of the languages."""
    return [
        name for name in names if any(each.language in languages for each in blocks(text_of(name)))
    ]


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a directory with all that the READMEs of rooms name; networks are thin."""
    folder = tmp_path_factory.mktemp("workshop")
    with pytest.MonkeyPatch.context() as patch:
        thin.make_thin(patch)
        patch.setattr(rules, "_of_users", {})
        patch.chdir(folder)
        workshop.furnish(folder, patch)
        yield folder


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch, tensorflow_started: None) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def test_every_block_of_the_front_page_runs_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    run_blocks("README.md", request.config.getoption("--full"))


@pytest.mark.full
def test_the_first_training_is_as_printed(
    tmp_path: Path, mnist_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAZOO_MNIST_DIR", str(mnist_dir))
    first, *_ = blocks(text_of("README.md"))
    code, printed = run([*commands(first.code)][-1])
    assert code == 0
    assert shows(printed, first.output, first.is_exact), printed


@pytest.mark.parametrize("name", having(ROOMS, "sh", "python"))
def test_every_block_runs_as_printed(
    name: str, furnished: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(furnished)
    run_blocks(name, request.config.getoption("--full"))


def run_blocks(name: str, full: bool) -> None:
    """Run the blocks of a README one after the other, and compare what they print."""
    namespace: dict[str, object] = {}
    for block in blocks(text_of(name)):
        if block.language == "python" and "_builder.constructor" not in block.code:
            printed: str | None = run_python(block, namespace)
        elif block.language == "sh":
            printed = run_shell(block, full)
        else:
            continue
        if printed is not None and block.output:
            place = f"{name}:{block.line}"
            assert shows(printed, block.output, block.is_exact), f"{place} prints\n{printed}"


def run_python(block: Block, namespace: dict[str, object]) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(block.code, namespace)
    return out.getvalue()


def run_shell(block: Block, full: bool) -> str | None:
    """Return what the commands of a block print, without those that are not run; None of none."""
    printed = None
    for words in commands(block.code):
        line = " ".join(words)
        if NOT_RUN.match(line) or (line.startswith(LONG) and not full):
            continue
        code, text = run(words)
        assert code == 0 or NEEDS_A_FONT in text, f"{line}\n{text}"
        printed = (printed or "") + text
    return printed


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


@pytest.mark.parametrize("name", having(READMES, "bash"))
def test_scripts_for_clusters_are_bash_and_their_options_are_known(name: str) -> None:
    for block in blocks(text_of(name)):
        if block.language == "bash":
            subprocess.run(["bash", "-n"], input=block.code.encode(), check=True)
            known = dict(re.findall(r'^(\w+)="(.*)"$', block.code, re.MULTILINE))
            for line in re.findall(r"^(?!\[).*kerazoo (\w+ .*)$", block.code, re.MULTILINE):
                assert cli._parse(Template(line).substitute(known).split()).run


def test_the_output_of_a_readme_is_compared() -> None:
    printed = "epoch 1/2, accuracy 0.50\nepoch 2/2, accuracy 0.75\nwrote x.png\n"
    assert shows(printed, "epoch 1/2, accuracy 0.9\n...\nwrote x.png\n", is_exact=False)
    assert not shows(printed, "epoch 1/2, loss 0.9\n", is_exact=False)
    assert not shows(printed, "wrote x.png\nepoch 1/2, accuracy 0.50\n", is_exact=False)
    assert shows(printed, "wrote x.png\n", is_exact=True)
    assert not shows(printed, "epoch 1/2, accuracy 0.51\n", is_exact=True)
