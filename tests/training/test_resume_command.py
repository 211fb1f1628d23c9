"""`kerazoo train --resume` as a user types it."""

import contextlib
import errno
import hashlib
import itertools
import json
import math
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import pytest
from PIL import Image

from kerazoo.cli import main
from kerazoo.errors import InterruptedRunError, KerazooError
from kerazoo.files import locked
from kerazoo.recipe import Recipe
from kerazoo.training import callbacks
from kerazoo.training import run as training_run
from kerazoo.training import runs as training_runs
from kerazoo.training.callbacks import StopOnSignal
from kerazoo.training.checkpoints import Checkpoints
from kerazoo.training.options import TrainOptions
from kerazoo.training.run_folder import RunFolder
from kerazoo.training.runs import EARLIER
from kerazoo.training.train import resume, train
from tests.helpers import tiny
from tests.helpers.processes import error_in
from tests.helpers.runs import files, metrics, weights

RECIPE = Recipe(epochs=3, batch_size=10)


@pytest.fixture(autouse=True)
def in_tmp_path(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    curves_at_once: None,
    tensorflow_started: None,
) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("kerazoo.training.setup.MAX_STEPS_PER_CALL", 2)  # of three an epoch
    terminated = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, terminated)


def options(**given: Any) -> TrainOptions:
    """Return the options of a run of three epochs, each of three steps."""
    return TrainOptions(tiny.NAME, "digits", limit=30, **{"recipe": RECIPE, **given})


def begin(*callbacks: keras.callbacks.Callback, **given: Any) -> None:
    train(options(**given), callbacks)


def interrupted(epochs: int, **given: Any) -> str:
    """Begin a run that a signal reaches after so many epochs; return its message."""
    return stopped(epochs, lambda: train(options(**given)))


def stopped(epochs: int, go: Callable[[], object]) -> str:
    """Return the message of a run that a signal reaches after so many more epochs."""

    class Once(StopOnSignal):
        ended = 0

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.ended += 1

        @property
        def requested(self) -> bool:
            return self.ended == epochs

        @requested.setter
        def requested(self, _: bool) -> None: ...

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks, "StopOnSignal", Once)
        with pytest.raises(InterruptedRunError) as caught:
            go()
    return str(caught.value)


class Runs:
    """Runs that are made once: `put` gives a test its own copy."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, out: str) -> Path:
        """Copy "whole", a run never stopped, or "interrupted 2", one stopped after two epochs.

        One "with its checkpoints" was killed after its summary was written.
        """
        if not (made := self._folder / name).exists():
            if name == "whole":
                begin(out=made)
            elif name == "with its checkpoints":
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(Checkpoints, "keep_last", lambda _: None)
                    begin(out=made)
            else:
                interrupted(int(name.removeprefix("interrupted ")), out=made)
        return Path(shutil.copytree(made, out))

    def assert_as_never_stopped(self, out: str) -> None:
        whole = self.put("whole", "whole")
        assert weights(Path(out)) == weights(whole)
        assert metrics(Path(out)) == metrics(whole)
        assert {path.name for path in Path(out).iterdir()} == {
            path.name for path in whole.iterdir()
        }


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("runs"))


@pytest.mark.parametrize("epochs", [0, 2])
def test_an_interrupted_run_resumes(
    epochs: int, runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    message = interrupted(epochs, out=Path("run"))
    assert message == (
        f"interrupted in epoch {epochs + 1} of 3; the model so far is in 'run', "
        "and --resume 'run' continues"
    )
    assert main(["train", "--resume", "run"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary == json.loads(Path("run/summary.json").read_text())
    assert summary["epochs"] == 3
    runs.assert_as_never_stopped("run")


class Signals(keras.callbacks.Callback):
    """Sends this process a signal in mid-epoch."""

    def __init__(self, number: signal.Signals | None) -> None:
        super().__init__()
        self.number = number

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.number and batch == 1:
            os.kill(os.getpid(), self.number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_mid_epoch_saves_there(number: signal.Signals, runs: Runs) -> None:
    with pytest.raises(InterruptedRunError, match="interrupted in epoch 1 of 3"):
        begin(Signals(number), out=Path("run"))
    (checkpoint,) = Path("run/checkpoints").iterdir()
    assert checkpoint.name == "epoch-000000-step-000000002"
    record = json.loads((checkpoint / "record.json").read_text())
    assert (record["position"]["epoch"], record["position"]["step"]) == (0, 2)
    resume(Path("run"), callbacks=[Signals(None)])
    runs.assert_as_never_stopped("run")


def test_a_run_that_may_not_be_read_is_skipped(
    runs: Runs, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        runs.put("whole", f"runs/{name}")

    lstat = Path.lstat

    def refuse(path: Path) -> os.stat_result:
        if path.parent.name == "a":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return lstat(path)

    monkeypatch.setattr(Path, "lstat", refuse)  # as in a directory without permissions
    assert main(["train", "--resume"]) == 0
    warning = "kerazoo: warning: 'runs/a' is skipped: a file could not be read or written"
    assert capsys.readouterr().err.startswith(warning)


def test_the_latest_unfinished_run_resumes(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    runs.put("whole", "runs/c")
    first, second = (runs.put("interrupted 2", f"runs/{name}") for name in "ab")
    for run, time in (("a", 1e9), ("b", 2e9), ("c", 3e9)):
        os.utime(Path("runs", run, "config.json"), (time, time))
    assert main(["train", "--resume"]) == 0
    assert (second / "summary.json").exists()
    assert not (first / "summary.json").exists()
    assert main(["train", "--resume"]) == 0
    capsys.readouterr()
    assert main(["train", "--resume"]) == 0
    summary, message = capsys.readouterr()
    assert message.startswith("the run in 'runs/")
    assert message.endswith("' is already finished\n")
    assert json.loads(summary)["epochs"] == 3


def test_a_run_killed_before_its_first_checkpoint_begins_anew(runs: Runs) -> None:
    runs.put("interrupted 0", "run")
    shutil.rmtree("run/checkpoints")
    Path("run/model.keras").unlink()  # which is written after a checkpoint
    resume(Path("run"))
    runs.assert_as_never_stopped("run")


def test_a_run_killed_at_its_very_end_leaves_all(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training_run.Run, "summary", fail)
        with pytest.raises(KeyboardInterrupt):
            begin(out=Path("run"))
    assert not Path("run/summary.json").exists()
    resume(Path("run"))
    runs.assert_as_never_stopped("run")


@pytest.mark.parametrize("arguments", [["run"], []])
def test_a_run_killed_after_its_very_end_is_tidied_up(
    arguments: list[str], runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.put("with its checkpoints", "runs/run")
    assert len(list(Path("runs/run/checkpoints").iterdir())) == 2
    assert main(["train", "--resume", *(f"runs/{name}" for name in arguments)]) == 0
    assert "is already finished" in capsys.readouterr().err
    runs.assert_as_never_stopped("runs/run")


def test_a_summary_of_an_earlier_version_is_one(
    runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.put("whole", "run")
    summary = json.loads(Path("run/summary.json").read_text())
    del summary["class_accuracy"]
    Path("run/summary.json").write_text(json.dumps(summary))
    assert main(["train", "--resume", "run"]) == 0
    assert json.loads(capsys.readouterr().out) == {**summary, "out": "run"}


def test_a_finished_run_that_another_process_uses_is_left_alone(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It begins to use it after it was checked."""
    run = runs.put("with its checkpoints", "run")
    check, before = training_runs.check_run, files(run)
    with contextlib.ExitStack() as other:

        def check_and_lose(path: Path) -> None:
            check(path)
            other.enter_context(locked(path))

        monkeypatch.setattr(training_runs, "check_run", check_and_lose)
        assert main(["train", "--resume", "run"]) == 2
    assert "a run is in progress in 'run'" in capsys.readouterr().err
    assert files(run) == before


def test_an_earlier_run_is_kept_until_the_new_one_has_ended_an_epoch(runs: Runs) -> None:
    begin(recipe=Recipe(epochs=1, batch_size=10, seed=5), out=Path("run"))
    before = files(Path("run"))
    message = interrupted(0, out=Path("run"), overwrite=True)
    assert f"the earlier run in 'run/{EARLIER}', and --resume 'run' continues" in message
    assert files(Path("run") / EARLIER) == before
    assert stopped(0, lambda: resume(Path("run"))) == message
    assert files(Path("run") / EARLIER) == before
    stopped(1, lambda: resume(Path("run")))
    assert not (Path("run") / EARLIER).exists()
    resume(Path("run"))
    runs.assert_as_never_stopped("run")


class FailsAfter(keras.callbacks.Callback):
    def __init__(self, batch: int) -> None:
        super().__init__()
        self.batch = batch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch == self.batch:
            raise RuntimeError


def test_an_earlier_run_is_restored_where_the_new_one_fails_before_it_is_saved(
    runs: Runs,
) -> None:
    runs.put("whole", "run")
    before = files(Path("run"))
    with pytest.raises(RuntimeError):
        begin(FailsAfter(1), out=Path("run"), overwrite=True)
    assert files(Path("run")) == before
    with pytest.raises(RuntimeError):
        begin(FailsAfter(2), out=Path("run"), overwrite=True, save_every=1)
    assert (Path("run") / "checkpoints").is_dir()
    assert files(Path("run") / EARLIER) == before


@pytest.mark.parametrize(
    ("kept", "given", "expected"),
    [
        ("none", [], "none"),
        ("mirrored", [], "mirrored"),
        ("auto", [], "auto"),
        ("multiworker", [], "auto"),
        ("none", ["--strategy", "mirrored"], "mirrored"),
    ],
)
def test_a_run_continues_with_the_strategy_it_began_with(
    kept: str, given: list[str], expected: str, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def replicas(strategy: str, _: object) -> None:
        seen.append(strategy)
        raise KerazooError

    monkeypatch.setattr("kerazoo.training.train.Replicas", replicas)
    runs.put("interrupted 2", "run")
    config = json.loads(Path("run/config.json").read_text())
    Path("run/config.json").write_text(json.dumps({**config, "strategy": kept}))
    assert main(["train", "--resume", "run", *given]) == 1
    assert seen == [expected]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--resume", "nowhere"],
            "there is no run in 'nowhere': --resume takes the",
        ),
        (["--resume"], "there is no run in 'runs': name its directory, --resume DIR"),
        (["--resume", "run", "--seed", "3"], "--seed cannot be combined with --resume"),
        (["--resume", "run", "--model", "lenet5"], "--model cannot be combined with --resume"),
        (["--resume", "run", "--save-every", "5"], "--save-every cannot be combined with --resume"),
        ([], "--model NAME is missing, or --resume"),
        (["--resume", ""], "the path is empty"),
    ],
)
def test_usage_errors_exit_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_a_run_in_progress_is_reported_before_tensorflow_starts(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.put("interrupted 2", "run")
    monkeypatch.setattr("kerazoo.training.command._start", None)
    started = ["train", "--model", "mnist_cnn", "--out", "run", "--overwrite"]
    with RunFolder.reopen(Path("run")):
        for arguments in (["train", "--resume", "run"], started):
            assert main(arguments) == 2
            assert "a run is in progress in 'run': wait until it ends" in capsys.readouterr().err


class TestRefuses:
    """A run that cannot be resumed is reported, and is unchanged."""

    @pytest.fixture(autouse=True)
    def run(self, runs: Runs) -> None:
        runs.put("interrupted 2", "run")

    def refused(self, code: int, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
        before = files(Path("run"))
        assert main(["train", "--resume", "run", *arguments]) == code
        assert files(Path("run")) == before
        error = error_in(capsys.readouterr().err)
        assert error.count("\n") == 1
        return error

    def test_other_data(self, capsys: pytest.CaptureFixture[str]) -> None:
        config = json.loads(Path("run/config.json").read_text())
        config["dataset"]["fingerprint"] = "0"
        Path("run/config.json").write_text(json.dumps(config))
        assert "digits is not what 'run' was trained on" in self.refused(4, capsys)

    @pytest.mark.parametrize("name", ["interrupted 2", "whole"])
    def test_other_data_by_their_name(
        self, name: str, runs: Runs, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for label, number in itertools.product("ab", range(4)):
            path = Path("photos", label, f"{number}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8), 20 * number).save(path)
        shutil.rmtree("run")
        runs.put(name, "run")
        error = self.refused(4, capsys, "--data", "folder:photos", "--epochs", "7")
        assert "photos is not what 'run' was trained on: name the original" in error

    @pytest.mark.parametrize(("name", "value"), [("batch_size", 64), ("seed", 2), ("epochs", 2)])
    def test_a_configuration_that_was_edited(
        self, name: str, value: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        config = json.loads(Path("run/config.json").read_text())
        Path("run/config.json").write_text(json.dumps({**config, name: value}))
        message = f"'run/config.json' was changed after the run began: set {name} to {config[name]}"
        assert message in self.refused(4, capsys)

    def test_tensorboard_that_was_turned_on_in_the_configuration(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        config = json.loads(Path("run/config.json").read_text())
        Path("run/config.json").write_text(json.dumps({**config, "tensorboard": True}))
        message = "is of the callbacks ['History'], not of ['TensorBoard', 'History']: resume in"
        assert message in self.refused(2, capsys)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("micro_batches", "a"),
            ("strategy", []),
            ("jit", "yes"),
            ("tensorboard", 1),
            ("learning_rate", True),
            ("learning_rate", 10**400),
            ("model", "vgg"),
            ("dataset", {"name": "no such set", "fingerprint": ""}),
            ("dataset", {"name": "digits", "fingerprint": None}),
            ("versions", {"kerazoo": 1}),
            ("versions", {"kerazoo": "1", "numpy": [1]}),
            ("versions", "kerazoo"),
        ],
    )
    def test_other_values_in_the_configuration(
        self, name: str, value: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        config = json.loads(Path("run/config.json").read_text())
        Path("run/config.json").write_text(json.dumps({**config, name: value}))
        self.refused(4, capsys)

    @pytest.mark.parametrize("name", ["epochs", "model", "dataset"])
    def test_half_a_configuration(self, name: str, capsys: pytest.CaptureFixture[str]) -> None:
        config = json.loads(Path("run/config.json").read_text())
        del config[name]
        Path("run/config.json").write_text(json.dumps(config))
        assert f"config.json of the run lacks '{name}'" in self.refused(4, capsys)

    @pytest.mark.parametrize("content", ["", "{", "[1]", "{}", "[" * 100_000])
    @pytest.mark.parametrize("with_checkpoints", [True, False])
    def test_a_configuration_that_cannot_be_read(
        self, with_checkpoints: bool, content: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        Path("run/config.json").write_text(content)
        if not with_checkpoints:
            shutil.rmtree("run/checkpoints")
        if with_checkpoints or content:
            assert "'run/config.json' is damaged: resuming needs a" in self.refused(4, capsys)
        else:  # as a run leaves it that is killed at its start
            assert "there is no run in 'run'" in self.refused(2, capsys)

    @pytest.mark.parametrize("content", ["", "{", "[1]", "{}", "[" * 100_000])
    def test_a_summary_that_cannot_be_read(
        self, content: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        Path("run/summary.json").write_text(content)
        message = self.refused(4, capsys)
        assert "'run/summary.json' is damaged or of another run: remove it" in message
        Path("run/summary.json").unlink()
        assert main(["train", "--resume", "run"]) == 0

    def test_a_summary_of_a_finished_run_that_cannot_be_read(
        self, runs: Runs, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shutil.rmtree("run")
        runs.put("whole", "run")
        Path("run/summary.json").write_text("{")
        message = "remove it, and --resume continues from the last checkpoint"
        assert message in self.refused(4, capsys)
        shutil.rmtree("run/checkpoints")
        message = "restore it from a copy, or train again with --out 'run' --overwrite"
        assert message in self.refused(4, capsys)
        begin(out=Path("run"), overwrite=True)
        runs.assert_as_never_stopped("run")

    def test_the_summary_of_an_unfinished_run(
        self, runs: Runs, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """It fits config.json, and the checkpoints do not show the end."""
        whole = runs.put("whole", "whole")
        (whole / "summary.json").rename("run/summary.json")
        message = self.refused(4, capsys)
        assert "of another run: remove it, and --resume continues from the last" in message
        Path("run/summary.json").unlink()
        assert main(["train", "--resume", "run"]) == 0

    @pytest.mark.parametrize(
        "change",
        [
            {"model": "lenet5"},
            {"data": "mnist"},
            {"seed": 2},
            {"epochs": 4},
            {"epochs": 0},
            {"epochs": "3"},
            {"dry_run": True},
        ],
    )
    def test_the_summary_of_another_run(
        self,
        change: dict[str, Any],
        runs: Runs,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        shutil.rmtree("run")
        runs.put("with its checkpoints", "run")
        summary = json.loads(Path("run/summary.json").read_text())
        Path("run/summary.json").write_text(json.dumps({**summary, **change}))
        message = self.refused(4, capsys)
        assert "'run/summary.json' is damaged or of another run: remove it" in message
        Path("run/summary.json").unlink()
        assert main(["train", "--resume", "run"]) == 0
        assert json.loads(Path("run/summary.json").read_text())["epochs"] == 3

    @pytest.mark.parametrize(
        "name", ["checkpoints", "config.json", "metrics.csv", "summary.json", "tensorboard"]
    )
    def test_links(self, name: str, capsys: pytest.CaptureFixture[str]) -> None:
        path, copy = Path("run", name), Path("copy")
        if path.exists():
            path.rename(copy)
        path.symlink_to(copy.resolve())
        assert f"'run/{name}' is a link: replace it" in self.refused(4, capsys)

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("config.json", "'run/config.json' is damaged"),
            ("summary.json", "'run/summary.json' is damaged or of another run"),
        ],
    )
    def test_a_pipe(self, name: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
        Path("run", name).unlink(missing_ok=True)
        os.mkfifo(Path("run", name))
        assert message in self.refused(4, capsys)

    @pytest.mark.parametrize(
        ("name", "owner"), [("config.json", "open"), ("checkpoints", "iterdir")]
    )
    def test_what_may_not_be_read(
        self,
        name: str,
        owner: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        whole = getattr(Path, owner)

        def fail(path: Path, *arguments: Any, **options: Any) -> Any:
            if path.name == name:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return whole(path, *arguments, **options)

        before = files(Path("run"))
        with monkeypatch.context() as patch:
            patch.setattr(Path, owner, fail)
            assert main(["train", "--resume", "run"]) == 1
        assert f"'run/{name}': permission denied" in capsys.readouterr().err
        assert files(Path("run")) == before

    def test_results_without_checkpoints(self, capsys: pytest.CaptureFixture[str]) -> None:
        shutil.rmtree("run/checkpoints")
        for name in ("metrics.csv", "model.keras"):
            message = self.refused(4, capsys)
            assert "'run' has results and no checkpoint to continue from: restore" in message
            Path("run", name).unlink()
        assert main(["train", "--resume", "run"]) == 0

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"position": {"epoch": 1000}}, "belongs to another training"),
            ({"position": {"step": -5}}, "was written by an incompatible version of kerazoo"),
            ({"position": {"loss": -1e308}}, "was written by an incompatible version of kerazoo"),
            ({"position": {"step": 1, "hits": 11, "seconds": 1.0}}, "belongs to another training"),
            ({"results": []}, "belongs to another training"),
            ({"random": None}, "the checkpoint is incomplete"),
            ({"run": None}, "the checkpoint is incomplete"),
            ({"run": 5}, "the checkpoint is incomplete"),
            ({"results": [{"epoch": 1}] * 2}, "was written by an incompatible version of kerazoo"),
            ({"results": 5}, "was written by an incompatible version of kerazoo"),
            ({"position": 5}, "was written by an incompatible version of kerazoo"),
            ({"position": {"epoch": True}}, "was written by an incompatible version of kerazoo"),
            ({"position": {"loss": math.nan}}, "was written by an incompatible version of kerazoo"),
            ({"position": {"hits": 10**30}}, "belongs to another training"),
            ({"position": {"step": 3, "seconds": 0.0}}, "belongs to another training"),
            ({"stop_training": "no"}, "was written by an incompatible version of kerazoo"),
            ({"callbacks": [5]}, "was written by an incompatible version of kerazoo"),
            ({"random": 5}, "no valid state of the random generators"),
            ({"random": {"python": 5}}, "no valid state of the random generators"),
            ({"random": {"python": [3, [-1] * 625, None]}}, "no valid state"),
            ({"random": {"python": [3, [1] * 625, "a"]}}, "no valid state"),
            ({"random": {"numpy": ["MT19937", [1] * 624, 10**6, 0, 0.0]}}, "no valid state"),
            ({"random": {"numpy": ["MT19937", [1] * 624, -5, 0, 0.0]}}, "no valid state"),
            ({"random": {"numpy": ["MT19937", [1], 0, 0, 0.0]}}, "no valid state"),
            ({"random": {"numpy": ["MT19937", [10**30] * 624, 0, 0, 0.0]}}, "no valid state"),
        ],
    )
    def test_a_checkpoint_of_another_training(
        self, change: dict[str, Any], message: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for folder in Path("run/checkpoints").iterdir():
            record = json.loads((folder / "record.json").read_text())
            for name, value in change.items():
                if value is None:
                    del record[name]
                elif isinstance(value, dict) and name != "run":
                    record[name].update(value)
                else:
                    record[name] = value
            (folder / "record.json").write_text(json.dumps(record))
            manifest = json.loads((folder / "manifest.json").read_text())
            content = (folder / "record.json").read_bytes()
            manifest["record.json"] = hashlib.sha256(content).hexdigest()
            (folder / "manifest.json").write_text(json.dumps(manifest))
        assert message in self.refused(4, capsys)

    def test_checkpoints_that_are_a_file(self, capsys: pytest.CaptureFixture[str]) -> None:
        shutil.rmtree("run/checkpoints")
        Path("run/checkpoints").touch()
        assert "'run/checkpoints' is not a directory" in self.refused(4, capsys)

    def test_a_folder_that_cannot_be_written_to(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
        assert "'run' cannot be written to" in self.refused(1, capsys)

    def test_checkpoints_that_are_all_damaged(self, capsys: pytest.CaptureFixture[str]) -> None:
        for path in Path("run/checkpoints").rglob("manifest.json"):
            path.write_text("")
        assert "all checkpoints in 'run/checkpoints' are damaged" in self.refused(4, capsys)


def test_the_checkpoint_before_is_used_where_the_last_is_damaged(
    runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.put("interrupted 2", "run")
    last = max(Path("run/checkpoints").iterdir())
    (last / "arrays.npz").write_bytes((last / "arrays.npz").read_bytes()[:-1])
    assert main(["train", "--resume", "run"]) == 0
    assert f"the checkpoint '{last}' is skipped: " in capsys.readouterr().err
    runs.assert_as_never_stopped("run")
