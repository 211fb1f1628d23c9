"""Write what commands compute into the READMEs: `python -m tests.readme --write`.

Between `<!--name-->` and `<!--/-->` stands what a function here returns; a block of "text" after a
block of "sh" is what its command prints.
"""

import csv
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import kerazoo.documents
from kerazoo import registry, text
from kerazoo.text import COUNTS, in_units
from kerazoo.weights import shipped
from tests.helpers.markdown import BLOCK, READMES, ROOT, WRITTEN
from tests.helpers.shell import commands, run
from tests.results import FILE as RESULTS

LEDGER = Path(kerazoo.documents.__file__).with_name("ledger.csv")


def accuracy(model: str) -> str:
    """Return the accuracy on MNIST's test images of the weights that ship."""
    (card,) = (card for card in shipped.cards("mnist") if card["model"] == model)
    return f"{card['test_accuracy']:.4f}"


def verdicts(name: str) -> str:
    """Return how many rows of the ledger have a verdict."""
    with LEDGER.open(encoding="utf-8") as file:
        return str(Counter(row["verdict"] for row in csv.DictReader(file))[name])


def wrong_numbers() -> str:
    """Return the table of the notes' errata."""
    with LEDGER.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["verdict"] == "erratum"]
    cells = [
        f"| `{row['document']}`, {row['line']} | {_plain(row['claim'])} | "
        f"{_plain(row['stated'])} | {_plain(_right(row))} |"
        for row in rows
    ]
    return _table("| document, line | what | as stated | right |", cells)


def _right(row: Mapping[str, str]) -> str:
    """Return the note, after the recomputed value if that is one number, or a shape as stated."""
    value, note, stated = row["recomputed"], row["note"], row["stated"]
    states_a_shape = stated.startswith("(") and stated.endswith(")")
    if value.startswith(("(", "{")) and not states_a_shape:
        return note
    return f"{int(value):,}: {note}" if value.isdigit() else f"{value}: {note}"


def _plain(cell: str) -> str:
    """Return a cell without what Markdown takes for its own."""
    return re.sub(r"([*|_])", r"\\\1", cell)


def models() -> str:
    """Return the table of all networks and their results."""
    with RESULTS.open(encoding="utf-8") as file:
        results = {row["model"]: row for row in csv.DictReader(file)}
    infos = sorted(map(registry.find, results), key=lambda info: (info.year, info.params))
    rows = [
        f"| `{info.name}` | {_paper(info)} | {info.params:,} | {in_units(info.macs, COUNTS)} | "
        f"{text.figure(float(row['latency_ms']))} ms | {_accuracies(row)} |"
        for info in infos
        for row in [results[info.name]]
    ]
    head = "| network | source | parameters | MACs | latency | MNIST | digits, narrow |"
    return _table(head, rows)


def _accuracies(row: Mapping[str, str]) -> str:
    """Return the cells of the accuracies on MNIST and on the digits, of which one is empty."""
    value = float(row["accuracy"])
    return f"{value:.4f} |" if row["data"] == "mnist" else f"| {value:.3f}"


def _paper(info: registry.ModelInfo) -> str:
    return f"[{info.paper}]({info.url})" if info.url else info.paper


def _table(head: str, rows: list[str]) -> str:
    return "\n".join(["", "", head, "|" + "---|" * (head.count("|") - 1), *rows, "", ""])


def cards() -> str:
    """Return the cards of the weights that ship, a section for each."""
    return "\n".join(["", "", *map(_card, shipped.cards()), ""])


def _card(card: shipped.CardContent) -> str:
    data, recipe, test = card["data"], card["recipe"], card["test_accuracy"]
    sizes = (f"{data[f'{split}_images']:,}" for split in ("train", "validation", "test"))
    by_class = card.get("class_accuracy", {})
    rows = {
        "command": f"`{card['command']}`",
        "data": "{}: {} images to train on, {} to validate, {} to test".format(
            data["name"], *sizes
        ),
        "images": f"{text.shape(data['image_shape'])}, preprocessing {card['preprocessing']}",
        "recipe": ", ".join(f"{name.replace('_', ' ')} {recipe[name]}" for name in recipe),
        "accuracy": f"test {test:.4f}, validation {card['validation_accuracy']:.4f}",
        "by class": ", ".join(f"{name} {value:.3f}" for name, value in by_class.items()),
        "made by": f"kerazoo {card['versions']['kerazoo']}, {card['device']}, seed {card['seed']}",
        "file": f"`{card['file']}`, sha256 `{card['sha256']}`",
    }
    lines = [f"| {name} | {value} |" for name, value in rows.items() if value]
    return "\n".join([f"## {card['model']}", "", "| | |", "|---|---|", *lines, ""])


VALUES: Mapping[str, Callable[[], str]] = {
    "mnist_cnn": lambda: accuracy("mnist_cnn"),
    "lenet5": lambda: accuracy("lenet5"),
    "errata": lambda: verdicts("erratum"),
    "wrong_numbers": wrong_numbers,
    "models": models,
    "cards": cards,
}


def written(content: str) -> str:
    """Return a README with all that commands write into it as they compute it now."""
    content = WRITTEN.sub(lambda match: f"<!--{match[1]}-->{VALUES[match[1]]()}<!--/-->", content)
    parts, end, code = [], 0, ""
    for match in BLOCK.finditer(content):
        if match[1] == "text":
            printed = "".join(run(words)[1] for words in commands(code))
            parts += [content[end : match.start(2)], printed]
            end = match.end(2)
        code = match[2]
    return "".join([*parts, content[end:]])


def main(arguments: list[str]) -> int:
    """Write the READMEs, or name those that are stale; return the exit code."""
    stale = 0
    for name in READMES:
        path = ROOT / name
        content = path.read_text(encoding="utf-8")
        if (new := written(content)) != content:
            stale += 1
            print(f"{'wrote' if arguments == ['--write'] else 'stale:'} {name}")
            if arguments == ["--write"]:
                path.write_text(new, encoding="utf-8")
    return int(stale > 0 and arguments != ["--write"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
