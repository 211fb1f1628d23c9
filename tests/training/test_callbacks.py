import io
import logging
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from kerazoo.training.callbacks import EpochLog, ProgressBar
from kerazoo.training.result import EpochResult


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_names_the_data_and_fits_80_columns(caplog: pytest.LogCaptureFixture) -> None:
    trainer: Any = SimpleNamespace(
        results=[EpochResult(9, "mnist", 0.5, 0.99, 0.4, 0.98, 0.3, 0.97654, 2.0, 100.0)]
    )
    with caplog.at_level(logging.INFO, "kerazoo"):
        EpochLog(trainer, 10).on_epoch_end(8)
    (line,) = caplog.messages
    assert line == "epoch  9/10, accuracy on mnist: train 0.9900, validation 0.9800, test 0.9765"
    assert len(line) <= 80


def drive(bar: ProgressBar) -> None:
    for epoch in range(2):
        bar.on_epoch_begin(epoch)
        bar.on_train_batch_end(2)
        bar.on_train_batch_end(4)
        bar.on_epoch_end(epoch)
    bar._bar.refresh()


def test_the_bar_counts_images_over_all_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    bar = ProgressBar(epochs=2, images=47, batch_size=10)
    drive(bar)
    assert bar._bar.n == 94
    shown = terminal.getvalue()
    assert "epoch 2/2" in shown
    assert "94.0/94.0" in shown
    assert "images/s" in shown
    bar.close()


def test_what_an_earlier_process_has_done_is_not_of_this_ones_speed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    bar = ProgressBar(epochs=2, images=47, batch_size=10)
    bar.on_epoch_begin(1)
    for first, last in ((2, 3), (4, 4)):
        bar.on_train_batch_begin(first)
        bar.on_train_batch_end(last)
    assert (bar._bar.initial, bar._bar.n) == (47 + 20, 94)
    bar.close()


def test_there_is_no_bar_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    bar = ProgressBar(epochs=2, images=47, batch_size=10)
    drive(bar)
    bar.close()
    assert capsys.readouterr().err == ""


def test_there_is_a_line_a_minute_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seconds = iter([0, 59, 61, 100, 121])
    monkeypatch.setattr("kerazoo.training.callbacks.time.monotonic", lambda: next(seconds))
    bar = ProgressBar(epochs=2, images=4700, batch_size=1000)
    bar.on_epoch_begin(1)
    with caplog.at_level(logging.INFO, "kerazoo"):
        for batch in range(4):
            bar.on_train_batch_end(batch, {"loss": 0.5})
    assert caplog.messages == [
        "epoch 2/2, 2,000 of 4,700 images, loss 0.5000",
        "epoch 2/2, 4,000 of 4,700 images, loss 0.5000",
    ]
    bar.close()


def test_a_training_at_chance_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    result = EpochResult(1, "mnist", 2.3, 0.1, 2.3, 0.1, 2.3, 0.1, 2.0, 100.0)
    for at_chance, warnings in ((True, 1), (False, 0)):
        caplog.clear()
        trainer: Any = SimpleNamespace(
            results=[result], is_at_chance=lambda at=at_chance: at, steps_taken=9
        )
        log = EpochLog(trainer, 10)
        for epoch in range(5):
            log.on_epoch_end(epoch)
        texts = [
            each
            for each in caplog.messages
            if "9 steps in all, the model is still at chance: try another" in each
        ]
        assert len(texts) == warnings
