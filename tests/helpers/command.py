"""The command `kerazoo VERB`, run in this process."""

import pytest

from kerazoo.cli import main


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error of the command."""
    try:
        code = main(arguments)
    except SystemExit as stop:  # argparse's --help and --version
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err
