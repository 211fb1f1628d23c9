"""Watch and change a training by a Keras callback of your own.

    python -m kerazoo.examples.custom_callback

What it keeps in attributes is saved with the run, so that it resumes where it was stopped:
`kerazoo.training.train.resume(run, callbacks=[HalveTheRate()])`.
"""

import sys
from typing import Any

import keras

import kerazoo
from kerazoo.examples.program import run


class HalveTheRate(keras.callbacks.Callback):
    """Halves the learning rate after an epoch whose validation loss was not the lowest.

    Attributes:
        lowest: The lowest validation loss.
        rates: The learning rate of each epoch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lowest = float("inf")
        self.rates: list[float] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keep the rate, and halve it where that helps."""
        assert logs
        optimizer = self.model.optimizer
        self.rates.append(float(optimizer.learning_rate))
        if logs["val_loss"] > self.lowest:
            optimizer.learning_rate = self.rates[-1] / 2
        self.lowest = min(self.lowest, logs["val_loss"])


def main(epochs: int = 8, **options: Any) -> list[float]:
    """Train on scikit-learn's digits, at a rate that is too high; return the rates."""
    callback = HalveTheRate()
    summary = kerazoo.train(
        "mnist_cnn", "digits", learning_rate=0.02, epochs=epochs, callbacks=[callback], **options
    )
    print("rates:", *(f"{rate:.4f}" for rate in callback.rates))
    print("accuracy on the test images:", summary["test_accuracy"])
    return callback.rates


if __name__ == "__main__":
    sys.exit(run(main))
