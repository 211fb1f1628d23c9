"""The READMEs, their blocks of code, and the parts that a command writes into them."""

import itertools
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FRONT = ("README.md", "README.zh.md")
READMES = [
    *FRONT,
    *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("kerazoo/**/README.md")),
    "legacy_tf1/README.md",
    "tests/README.md",
]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
WRITTEN = re.compile(r"<!--(\w+)-->(.*?)<!--/-->", re.DOTALL)
NUMBER = re.compile(r"\d[\d.,]*(e[+-]\d+)?")


@dataclass(frozen=True)
class Block:
    """A block of code, and the block without a language after it, which is its output.

    Attributes:
        line: Where it begins.
        language: "sh", "python" or another.
        code: Its content.
        output: What it prints, "" if the README does not say; lines of "..." stand for others.
        is_exact: Whether every number in it is reproducible.
    """

    line: int
    language: str
    code: str
    output: str
    is_exact: bool


def text_of(name: str) -> str:
    """Return a README by its path."""
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    """Return the blocks with a language."""
    found = []
    matches = [*BLOCK.finditer(text)]
    for match, after in itertools.zip_longest(matches, matches[1:]):
        language, code = match.groups()
        if language not in ("", "text"):
            kind, output = after.groups() if after else ("none", "")
            line = text[: match.start()].count("\n") + 1
            shown = output if kind in ("", "text") else ""
            found.append(Block(line, language, code, shown, kind == "text"))
    return found


def shows(printed: str, output: str, is_exact: bool) -> bool:
    """Return whether a README's output is what was printed, up to its numbers or to the letter.

    A line of "..." stands for any lines; so do the begin and the end.
    """

    def pattern(line: str) -> str:
        if line == "...":
            return r"(.*\n)*?"
        if is_exact:
            return re.escape(line) + "\n"
        words = NUMBER.sub("#", line).split()
        return " *" + " +".join(map(re.escape, words)) + " *\n"

    if not is_exact:
        printed = NUMBER.sub("#", printed)
    lines = [line.rstrip() for line in output.splitlines()]
    return re.search("^" + "".join(map(pattern, lines)), printed + "\n", re.MULTILINE) is not None
