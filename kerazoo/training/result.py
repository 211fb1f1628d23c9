"""The losses and accuracies of an epoch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EpochResult:
    """The losses, accuracies and times of an epoch.

    Attributes:
        epoch: From 1.
        data: Name of the data set.
        loss: Mean cross-entropy of the training images, each as its step computed it.
        train_accuracy: Fraction of the training images that their steps classified correctly.
        validation_loss: Mean cross-entropy on the validation split.
        validation_accuracy: Fraction of the validation split that is classified correctly.
        test_loss: Mean cross-entropy on the test split.
        test_accuracy: Fraction of the test split that is classified correctly.
        seconds: Wall time of the steps and the evaluation.
        images_per_second: Training images over the wall time of the steps.
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
        """Return what Keras callbacks get, under Keras's names."""
        return {
            "loss": self.loss,
            "accuracy": self.train_accuracy,
            "val_loss": self.validation_loss,
            "val_accuracy": self.validation_accuracy,
            "test_loss": self.test_loss,
            "test_accuracy": self.test_accuracy,
        }
