"""What one epoch came to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EpochResult:
    """What one epoch came to.

    Attributes:
        epoch: From 1.
        data: Name of the data set that the figures are of.
        loss: Mean cross-entropy of the training images, each as its step met it.
        train_accuracy: Share of the epoch's last training batch that is right after its step.
        validation_loss: Mean cross-entropy on the validation split.
        validation_accuracy: Share of the validation split that is right.
        test_loss: Mean cross-entropy on the test split.
        test_accuracy: Share of the test split that is right.
        seconds: Wall time of the epoch, evaluation included.
        images_per_second: Training images over the wall time of the training steps.
    """

    epoch: int
    data: str
    loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    test_loss: float
    test_accuracy: float
    seconds: float
    images_per_second: float

    def logs(self) -> dict[str, float]:
        """Return what Keras callbacks are given, under Keras's names."""
        return {
            "loss": self.loss,
            "accuracy": self.train_accuracy,
            "val_loss": self.validation_loss,
            "val_accuracy": self.validation_accuracy,
            "test_loss": self.test_loss,
            "test_accuracy": self.test_accuracy,
        }
