"""A run: a training with the directory that it writes to."""

import dataclasses
import logging
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from kerazoo.data import names
from kerazoo.data.images import ImageData
from kerazoo.errors import CorruptFileError, InterruptedRunError
from kerazoo.training import callbacks, curves, runs
from kerazoo.training.checkpoints import State
from kerazoo.training.config import identity
from kerazoo.training.memory import Memory
from kerazoo.training.options import TrainOptions
from kerazoo.training.record import INCOMPLETE
from kerazoo.training.replicas import Replicas
from kerazoo.training.result import EpochResult
from kerazoo.training.run_folder import RunFolder
from kerazoo.training.setup import create, reading
from kerazoo.training.trainer import Trainer
from kerazoo.values import is_integer, short
from kerazoo.weights import keras_file
from kerazoo.weights.card import Card

SHOWN_CLASSES = 10
SPLITS = ("validation", "test")
MEASURED = ("train_accuracy", *(f"{split}_{of}" for split in SPLITS for of in ("loss", "accuracy")))

logger = logging.getLogger("kerazoo")


@dataclasses.dataclass(frozen=True)
class Run:
    """A training with its directory."""

    options: TrainOptions
    data: ImageData
    trainer: Trainer
    folder: RunFolder | None  # None for workers other than the chief, and for a dry run
    replicas: Replicas
    callbacks: Sequence[keras.callbacks.Callback]  # of the user

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
            if name == "epochs" and is_integer(began.get(name)) and began[name] <= value:
                continue  # it is prolonged
            if began.get(name, value) != value:
                raise CorruptFileError(
                    f"'{self.options.out}/{runs.CONFIG}' was changed after the run began: "
                    f"set {name} to {short(began[name])}"
                )
        if began.get("epochs") != self.options.recipe.epochs:
            state = State(state.arrays, {**state.record, "stop_training": False})
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
        with callbacks.StopOnSignal(self.replicas) as stopping:
            observers = [bar, saving, callbacks.EpochLog(trainer, recipe.epochs), stopping]
            if folder:
                observers.insert(1, callbacks.MetricsFile(trainer, folder))
            size = min(recipe.batch_size, self.data.train.size)
            memory = Memory(trainer.model, self.data.image_shape, self.replicas.count)
            with self.replicas.watchdog(), reading(self.data), memory.advising(size):
                try:
                    trainer.fit(observers)
                except InterruptedRunError as error:
                    saving.save()
                    raise self._interrupted() from error
                finally:
                    bar.close()
                final, by_class = trainer.evaluate()
            _log_by_class(by_class)
            self._log_saved()
            return self._finish(self.summary(final, by_class))

    def _finish(self, result: dict[str, Any]) -> dict[str, Any]:
        if folder := self.folder:
            self._write_model_and_curves(folder, self.trainer.model.get_weights(), result)
            folder.remove_earlier_run()
            folder.write_json(runs.SUMMARY, result)
            folder.checkpoints.keep_last()
        return result

    def _interrupted(self) -> InterruptedRunError:
        """Write the model as it is; return the error."""
        message = f"interrupted in epoch {self.epoch} of {self.options.recipe.epochs}"
        if folder := self.folder:
            self._write_model_and_curves(folder, self.trainer.evaluated_weights(), None)
            message += f"; the model so far is in '{folder.path}'"
            if earlier := folder.earlier_run:
                message += f", the earlier run in '{earlier}'"
            how = f"--resume '{folder.path}'"
            if self.callbacks:  # which the command cannot have
                how = f"kerazoo.training.train.resume('{folder.path}', callbacks=[...])"
            message += f", and {how} continues"
        return InterruptedRunError(message)

    def _write_model_and_curves(
        self, folder: RunFolder, weights: list[np.ndarray], result: dict[str, Any] | None
    ) -> None:
        """Write the model, ending with softmax unlike the one that is trained, and the curves."""
        final = create(self.options, self.data, training=False)
        final.set_weights(weights)
        final.preprocessing = self.trainer.preprocessing
        final.kerazoo_card = self._card(result)
        with folder.replacing("model.keras") as path:
            keras_file.write(final, path)
        if self.trainer.results:
            title = f"{self.options.model} on {self.data.name}"
            with folder.replacing("curves.png") as path, path.open("wb") as file:
                curves.draw(self.trainer.results, title, file)

    def _saved_epoch(self) -> int:
        """Return the epoch whose weights are saved, callbacks of the user's aside."""
        results = self.trainer.results
        return best_epoch(results) if self.options.recipe.keep == "best" else results[-1].epoch

    def _log_saved(self) -> None:
        """Log which epoch's weights are saved."""
        results, saved = self.trainer.results, self._saved_epoch()
        best = best_epoch(results)
        which = "the one with the best validation accuracy" if saved == best else "the last one"
        more = "" if saved == best else f"; --keep best saves those of epoch {best}"
        logger.info("the weights of epoch %d are saved, %s%s", saved, which, more)

    def _card(self, result: dict[str, Any] | None) -> Card:
        """Return what the file of the model says of its training."""
        recipe = dataclasses.asdict(self.options.recipe)
        data = {
            "name": names.absolute(self.data.name),
            "fingerprint": self.data.fingerprint,
            "limit": self.options.limit,
        }
        measured = {name: value for name, value in (result or {}).items() if name != "out"}
        return Card(self.data.class_names, self.data.image_shape, data, recipe, measured)

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
            **{name: getattr(final, name) for name in MEASURED},
            "class_accuracy": by_class,
        }
        rates = [result.images_per_second for result in results]
        return {
            "model": options.model,
            "data": data.name,
            "epochs": final.epoch,
            "saved_epoch": self._saved_epoch(),
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


def best_epoch(results: Sequence[EpochResult]) -> int:
    """Return the first epoch with the highest validation accuracy, from 1."""
    return max(results, key=lambda each: (each.validation_accuracy, -each.epoch)).epoch


def _log_by_class(accuracies: Mapping[str, float | None]) -> None:
    """Log the accuracy of each class that has test images, of many classes the lowest."""
    known = {name: each for name, each in accuracies.items() if each is not None}
    shown = sorted(known, key=lambda name: known[name])[:SHOWN_CLASSES]
    listed = ", ".join(f"{name} {known[name]:.4f}" for name in known if name in shown)
    lowest = ", the lowest" if len(shown) < len(known) else ""
    logger.info("test accuracy by class%s: %s", lowest, listed)
