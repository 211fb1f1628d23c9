"""A run while it goes on, and what it leaves in its folder."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import keras

from kerazoo.data.images import ImageData
from kerazoo.errors import CorruptFileError, InterruptedRunError
from kerazoo.training import curves, memory
from kerazoo.training.checkpoints import State
from kerazoo.training.epoch import EpochResult
from kerazoo.training.interrupts import Interrupts
from kerazoo.training.loop import Training
from kerazoo.training.options import TrainOptions
from kerazoo.training.progress import ProgressBar, epoch_line
from kerazoo.training.replicas import Replicas
from kerazoo.training.run_folder import RunFolder
from kerazoo.weights import keras_file
from kerazoo.weights.preprocessing import UNIT

Say = Callable[[str], None]


class Run:
    """A training with its folder.

    Args:
        options: What is trained, on what, how.
        data: The data that they name.
        training: The training, one of whose callbacks is `bar`.
        final: Returns a model to take the weights and be saved.
        folder: Where to leave what comes of it; None for workers other than the chief.
        replicas: Where it runs.
        bar: Shows how far it is.
        say: Takes the lines for a person to read.
    """

    def __init__(
        self,
        options: TrainOptions,
        data: ImageData,
        training: Training,
        final: Callable[[], keras.Model],
        folder: RunFolder | None,
        replicas: Replicas,
        bar: ProgressBar,
        say: Say,
    ) -> None:
        self._options = options
        self._data = data
        self._training = training
        self._final = final
        self._folder = folder
        self._replicas = replicas
        self._bar = bar
        self._say = say
        self._results: list[EpochResult] = []

    @property
    def epoch(self) -> int:
        """The epoch that is to be trained next, from 1."""
        return min(self._training.position.epoch + 1, self._options.recipe.epochs)

    def _of(self) -> dict[str, Any]:
        """Return the options that decide what the run comes to, for its checkpoints to hold."""
        options = self._options
        kept = {"model": options.model, "limit": options.limit}
        return kept | dataclasses.asdict(options.recipe)

    def take_up(self, state: State) -> None:
        """Go on where a checkpoint was saved.

        Raises:
            CorruptFileError: It is the checkpoint of another run.
        """
        began = state.record.get("of", {})
        if odd := [name for name, value in self._of().items() if began.get(name, value) != value]:
            raise CorruptFileError(
                f"config.json is not as the run began: put {odd[0]} back to {began[odd[0]]!r}"
            )
        self._training.take_up(state)
        try:
            self._results = [EpochResult(**row) for row in state.record.get("results", [])]
        except TypeError as error:
            raise CorruptFileError("the checkpoint is of another kerazoo") from error
        if len(self._results) != self._training.position.epoch:
            raise CorruptFileError("the checkpoint is of another run: it lacks results of epochs")
        if self._folder:
            self._folder.write_metrics(self._results)

    def go(self, evaluate_again: bool) -> dict[str, Any]:
        """Train to the end and leave everything in the folder; return the summary.

        Args:
            evaluate_again: Whether callbacks may have changed the weights after the last epoch.

        Raises:
            InterruptedRunError: It was stopped by Ctrl-C or SIGTERM, after it was saved.
            KerazooError, OSError: It failed.
        """
        training, size = self._training, self._options.recipe.batch_size
        with Interrupts() as interrupts:
            advising = memory.advising(training.model, size, self._replicas.count)
            with self._replicas.watchdog(), advising:
                try:
                    self._train(interrupts)
                finally:
                    self._bar.close()
                final = self._results[-1]
                if evaluate_again:
                    final = dataclasses.replace(
                        final, **training.evaluate(self._replicas.restart_watchdog)
                    )
            return self._end(final)

    def _end(self, final: EpochResult) -> dict[str, Any]:
        """Leave everything in the folder; return the summary."""
        folder = self._folder
        out = folder.path if folder else None
        told = summary(self._options, self._data, self._results, final, out)
        if folder:
            self._leave(folder)
            folder.write_json("summary.json", told)
            folder.checkpoints.remove()
        return told

    def _train(self, interrupts: Interrupts) -> None:
        training, save_every = self._training, self._options.save_every

        def between() -> None:
            self._replicas.restart_watchdog()
            if self._replicas.any(interrupts.requested):
                self._bar.close()
                self._stop()
            if save_every is not None and training.steps_taken % save_every == 0:
                self._save()

        for result in training.epochs(between):
            self._results.append(result)
            if self._folder:
                self._folder.write_metrics(self._results)
            self._save()
            if self._folder:
                self._folder.keep()
            self._say(epoch_line(result, self._options.recipe.epochs))

    def _save(self) -> None:
        """Save a checkpoint; an earlier run in the place of this one stays."""
        position = self._training.position
        if not self._folder or self._folder.checkpoints.has(position.epoch, position.step):
            return
        state = self._training.state()
        results = [dataclasses.asdict(result) for result in self._results]
        whole = State(state.arrays, {**state.record, "results": results, "of": self._of()})
        self._folder.checkpoints.save(position.epoch, position.step, whole)
        self._folder.stay()

    def _stop(self) -> NoReturn:
        """Save and raise that the run was interrupted; all workers wait for the chief to save."""
        told = f"interrupted in epoch {self.epoch} of {self._options.recipe.epochs}"
        self._save()
        if folder := self._folder:
            if folder.earlier_run:
                told += f"; the earlier run in '{folder.earlier_run}' is as it was, "
                told += f"and --resume '{folder.path}' goes on with this one in its place"
            else:
                self._leave(folder)
                told += f"; the model as it was then is in '{folder.path}', "
                told += f"and --resume '{folder.path}' goes on from there"
        self._replicas.wait()
        raise InterruptedRunError(told)

    def _leave(self, folder: RunFolder) -> None:
        """Write the model, ending in softmax as the zoo's models do, and the curves."""
        final = self._final()
        final.set_weights(self._training.weights())
        final.preprocessing = UNIT
        with folder.replacing("model.keras") as path:
            keras_file.write(final, path)
        if self._results:
            title = f"{self._options.model} on {self._data.name}"
            with folder.replacing("curves.png") as path, path.open("wb") as file:
                curves.draw(self._results, title, file)


def summary(
    options: TrainOptions,
    data: ImageData,
    results: Sequence[EpochResult],
    final: EpochResult,
    out: Path | None,
) -> dict[str, Any]:
    """Return what a run came to, as summary.json has it.

    Args:
        options: What was trained.
        data: What it was trained on.
        results: What each epoch came to.
        final: What the weights that are kept come to.
        out: The run folder.
    """
    return {
        "model": options.model,
        "data": data.name,
        "epochs": final.epoch,
        "train_accuracy": final.train_accuracy,
        "validation_accuracy": final.validation_accuracy,
        "test_accuracy": final.test_accuracy,
        "seconds": round(sum(result.seconds for result in results), 3),
        "images_per_second": round(
            statistics.harmonic_mean([result.images_per_second for result in results]), 1
        ),
        "train_images": data.train.size,
        "validation_images": data.validation.size,
        "test_images": data.test.size,
        "seed": options.recipe.seed,
        "dry_run": options.dry_run,
        "out": str(out) if out else None,
    }
