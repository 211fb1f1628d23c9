"""The command `kerazoo documents`."""

import io
import sys
from collections.abc import Iterator

import pandas as pd
import pytest

from kerazoo.cli import main
from kerazoo.documents import accuracy
from kerazoo.documents import ledger as ledgers
from kerazoo.documents.claim import Claim
from kerazoo.errors import DataMissingError

HOLDS, FAILS = Claim(1, "a claim", 1, 1), Claim(2, "another", 1, 2)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def use(monkeypatch: pytest.MonkeyPatch, *claims: Claim, interrupted: bool = False) -> None:
    """Let the ledger have these claims alone, and Ctrl-C be pressed after them."""

    def yielded() -> Iterator[Claim]:
        yield from claims
        if interrupted:
            raise KeyboardInterrupt

    monkeypatch.setattr(ledgers, "DOCUMENTS", {"cnn-notes": (yielded,)})


def test_it_exits_0_where_all_holds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, HOLDS)
    assert main(["documents", "--no-training"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("place ")
    assert "1 rows: 1 confirmed" in captured.out
    assert captured.err.startswith("kerazoo ")
    assert len(captured.err.splitlines()) == 1
    assert main(["documents", "--no-training", "--format", "csv"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "cnn-notes,1,a claim,1,1,confirmed,"


def test_it_exits_1_where_a_row_does_not_hold(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, HOLDS, FAILS)
    assert main(["documents", "--no-training"]) == 1
    captured = capsys.readouterr()
    assert "FAILED" in captured.out
    assert "1 of 2 rows do not hold" in captured.err


def test_ctrl_c_prints_the_rows_done_so_far(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, HOLDS, FAILS, interrupted=True)
    assert main(["documents", "--no-training", "--format", "csv"]) == 130
    captured = capsys.readouterr()
    assert [line.split(",")[5] for line in captured.out.splitlines()[1:]] == ["confirmed", "FAILED"]
    assert captured.err.endswith("kerazoo: interrupted\n")
    use(monkeypatch, interrupted=True)
    assert main(["documents", "--no-training"]) == 130
    assert capsys.readouterr().out == ""


def test_a_terminal_shows_a_bar_with_the_rows_done_of_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, HOLDS, FAILS)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert main(["documents", "--no-training", "--format", "csv"]) == 1
    assert "documents:" in terminal.getvalue()
    assert f"/{len(pd.read_csv(ledgers.COMMITTED))} [" in terminal.getvalue()
    assert "documents:" not in capsys.readouterr().out


def test_without_mnist_the_accuracies_are_left_out_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(*arguments: object) -> None:
        raise DataMissingError("MNIST is not available")

    use(monkeypatch, HOLDS)
    monkeypatch.setattr(accuracy, "trained", missing)
    monkeypatch.delenv("KERAZOO_MNIST_DIR", raising=False)
    assert main(["documents"]) == 0
    captured = capsys.readouterr()
    assert "the accuracies are not checked: MNIST is not available" in captured.err
    assert "1 rows: 1 confirmed" in captured.out
    assert main(["documents", "--mnist-dir", "nowhere"]) == 3


def test_the_accuracies_of_a_run_are_rows_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = {"last_batch_accuracy": accuracy.BATCH, "test_accuracy": accuracy.TEST}
    metrics = pd.DataFrame(columns)
    use(monkeypatch, Claim(400, "a later line", 1, 1), HOLDS)

    def trained(*arguments: object) -> pd.DataFrame:
        return metrics

    monkeypatch.setattr(accuracy, "trained", trained)
    assert main(["documents", "--format", "csv"]) == 0
    lines = [row.split(",")[1] for row in capsys.readouterr().out.splitlines()[1:]]
    assert lines == ["1", *(str(line) for line in range(318, 328) for _ in range(2)), "400"]
