"""Golden files: committed results that a test recomputes and compares."""

import difflib
from pathlib import Path

import pytest


def check(path: Path, text: str, overwrite: bool) -> None:
    """Fail with the differing lines if a golden file is not `text`, or write it.

    Args:
        path: The golden file.
        text: What came out.
        overwrite: Whether to write the file instead, as pytest's --overwrite asks.
    """
    if overwrite:
        path.write_text(text, encoding="utf-8")
        return
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    differing = [
        line
        for line in difflib.ndiff(before.splitlines(), text.splitlines())
        if line.startswith(("- ", "+ "))
    ]
    if differing:
        lines = "\n".join(differing)
        pytest.fail(
            f"{path.name} differs (-: committed, +: recomputed):\n{lines}\n"
            "If the change is right, run the same test with --overwrite to renew the file",
            pytrace=False,
        )
