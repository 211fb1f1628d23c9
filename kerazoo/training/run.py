"""A run: a training with the directory that it writes to."""

import dataclasses
import logging
import statistics
from collections.abc import Mapping
from typing import Any

from kerazoo.data.images import ImageData
from kerazoo.errors import CorruptFileError, InterruptedRunError
from kerazoo.training import callbacks, curves, machine, runs
from kerazoo.training.checkpoints import State
from kerazoo.training.config import identity
from kerazoo.training.options import TrainOptions
from kerazoo.training.record import INCOMPLETE
from kerazoo.training.replicas import Replicas
from kerazoo.training.result import EpochResult
from kerazoo.training.run_folder import RunFolder
from kerazoo.training.setup import create, reading
from kerazoo.training.trainer import Trainer
from kerazoo.values import short
from kerazoo.weights import keras_file
from kerazoo.weights.preprocessing import UNIT

SHOWN_CLASSES = 10

logger = logging.getLogger("kerazoo")


@dataclasses.dataclass(frozen=True)
class Run:
    """A training with its directory."""

    options: TrainOptions
    data: ImageData
    trainer: Trainer
    folder: RunFolder | None  # None for workers other than the chief, and for a dry run
    replicas: Replicas

    @property
    def epoch(self) -> int:
        """The epoch to train next, from 1."""
        return min(self.trainer.position.epoch + 1, self.options.recipe.epochs)

    def resume_from(self, state: State) -> None:
        """Let the training continue where a checkpoint was saved.

        Raises:
            CorruptFileError: It is the checkpoint of another run.
        """
        began = state.record.get("run")
        if not isinstance(began, dict):
            raise CorruptFileError(INCOMPLETE)
        for name, value in identity(self.options).items():
            if began.get(name, value) != value:
                raise CorruptFileError(
                    f"'{self.options.out}/{runs.CONFIG}' was changed after the run began: "
                    f"set {name} to {short(began[name])}"
                )
        self.trainer.resume(state)
        if self.folder:
            self.folder.write_metrics(self.trainer.results)

    def fit(self) -> dict[str, Any]:
        """Train to the end and write everything; return the summary.

        The weights are evaluated once more: callbacks may have changed them after the last epoch.

        Raises:
            InterruptedRunError: Ctrl-C or SIGTERM stopped it, after it was saved.
            CorruptFileError: The data are damaged.
            KerazooError: The loss or a weight is not finite, memory runs out, or another worker has
                ended.
            OSError: A file cannot be written.
        """
        trainer, recipe, folder = self.trainer, self.options.recipe, self.folder
        run = identity(self.options)
        saving = callbacks.Checkpointer(trainer, folder, run, self.options.save_every)
        bar = callbacks.ProgressBar(recipe.epochs, self.data.train.size, recipe.batch_size)
        with callbacks.StopOnSignal(saving, self.replicas) as stopping:
            observers = [bar, saving, callbacks.EpochLog(trainer, recipe.epochs), stopping]
            if folder:
                observers.insert(1, callbacks.MetricsFile(trainer, folder))
            size = min(recipe.batch_size, self.data.train.size)
            advising = machine.advising(trainer.model, size, self.replicas.count)
            with self.replicas.watchdog(), reading(self.data), advising:
                try:
                    trainer.fit(observers)
                except InterruptedRunError as error:
                    raise self._interrupted() from error
                finally:
                    bar.close()
                final, by_class = trainer.evaluate()
            _log_by_class(by_class)
            return self._finish(self.summary(final, by_class))

    def _finish(self, result: dict[str, Any]) -> dict[str, Any]:
        if self.folder:
            self._write_model_and_curves(self.folder)
            self.folder.remove_earlier_run()
            self.folder.write_json(runs.SUMMARY, result)
            self.folder.checkpoints.remove()
        return result

    def _interrupted(self) -> InterruptedRunError:
        """Write the model as it is, while all workers wait for the chief; return the error."""
        message = f"interrupted in epoch {self.epoch} of {self.options.recipe.epochs}"
        if folder := self.folder:
            self._write_model_and_curves(folder)
            message += f"; the model so far is in '{folder.path}'"
            if earlier := folder.earlier_run:
                message += f", the earlier run in '{earlier}'"
            message += f", and --resume '{folder.path}' continues"
        self.replicas.wait()
        return InterruptedRunError(message)

    def _write_model_and_curves(self, folder: RunFolder) -> None:
        """Write the model, ending with softmax unlike the one that is trained, and the curves."""
        final = create(self.options, self.data)
        final.set_weights(self.trainer.model.get_weights())
        final.preprocessing = UNIT
        with folder.replacing("model.keras") as path:
            keras_file.write(final, path)
        if self.trainer.results:
            title = f"{self.options.model} on {self.data.name}"
            with folder.replacing("curves.png") as path, path.open("wb") as file:
                curves.draw(self.trainer.results, title, file)

    def summary(
        self, final: EpochResult, by_class: Mapping[str, float | None] | None = None
    ) -> dict[str, Any]:
        """Return the content of summary.json.

        Args:
            final: The result of the saved weights.
            by_class: Their accuracy on the test images of each class; None for a dry run, whose
                summary has no accuracies.
        """
        options, data = self.options, self.data
        results = self.trainer.results
        accuracies = {
            f"{split}_accuracy": getattr(final, f"{split}_accuracy")
            for split in ("train", "validation", "test")
        } | {"class_accuracy": by_class}
        rates = [result.images_per_second for result in results]
        return {
            "model": options.model,
            "data": data.name,
            "epochs": final.epoch,
            **({} if by_class is None else accuracies),
            "seconds": round(sum(result.seconds for result in results), 3),
            "images_per_second": round(statistics.harmonic_mean(rates), 1),
            "train_images": data.train.size,
            "validation_images": data.validation.size,
            "test_images": data.test.size,
            "seed": options.recipe.seed,
            "dry_run": options.dry_run,
            "out": str(self.folder.path) if self.folder else None,
        }


def _log_by_class(accuracies: Mapping[str, float | None]) -> None:
    """Log the accuracy of each class that has test images, of many classes the lowest."""
    known = {name: each for name, each in accuracies.items() if each is not None}
    shown = sorted(known, key=lambda name: known[name])[:SHOWN_CLASSES]
    listed = ", ".join(f"{name} {known[name]:.4f}" for name in known if name in shown)
    lowest = ", the lowest" if len(shown) < len(known) else ""
    logger.info("test accuracy by class%s: %s", lowest, listed)
