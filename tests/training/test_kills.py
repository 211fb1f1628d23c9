"""Resuming a killed training is bit-exact: `kill -9`, at chosen moments."""

import signal
from pathlib import Path

import pytest

from kerazoo.files import UNFINISHED_RUN
from kerazoo.recipe import Recipe
from kerazoo.training.options import TrainOptions
from kerazoo.training.runs import is_run
from kerazoo.training.train import resume, train
from tests.helpers import tiny
from tests.helpers.kills import command_killed_at
from tests.helpers.processes import Process
from tests.helpers.runs import metrics, weights
from tests.kill_and_resume import kill_and_resume

RECIPE = Recipe(epochs=2, batch_size=20)
OPTIONS = ["--model", tiny.NAME, "--data", "digits", "--limit", "60", "--epochs", "2"]
OPTIONS += ["--batch-size", "20", "--save-every", "2"]  # of three steps an epoch


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run that was never stopped."""
    out = tmp_path_factory.mktemp("whole") / "run"
    options = TrainOptions(tiny.NAME, "digits", limit=60, recipe=RECIPE, out=out, save_every=2)
    train(options)
    return out


@pytest.mark.parametrize(
    ("calls", "half_written"),
    [
        ([("kerazoo.training.checkpoints:_sha256", 1)], "epoch-000000-step-000000002"),
        # two for each checkpoint that is read or written: both times in the second that is written
        (
            [("kerazoo.training.checkpoints:_sha256", calls) for calls in (4, 6)],
            "epoch-000001-step-000000001",
        ),
        ([("kerazoo.training.curves:draw", 1)], None),
    ],
    ids=["before anything is saved", "twice in a checkpoint", "at its end"],
)
def test_killed_at_a_call_and_resumed_it_ends_as_one_never_stopped(
    calls: list[tuple[str, int]], half_written: str | None, whole: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    arguments = [*OPTIONS, "--out", str(run)]
    for place, count in calls:
        ended = Process(command_killed_at, place, count, "train", *arguments).ended()
        assert (ended.code, ended.error) == (-signal.SIGKILL, "")
        arguments = ["--resume", str(run)]
    left = [path.name for path in (run / "checkpoints").glob(f"{UNFINISHED_RUN}*/*")]
    assert left == ([half_written] if half_written else [])
    resume(run)
    assert weights(run) == weights(whole)
    assert metrics(run) == metrics(whole)
    assert len(list((run / "checkpoints").iterdir())) == 1


@pytest.mark.parametrize("moment", ["kerazoo ", f"{tiny.NAME} on digits", "epoch 1", "epoch 2"])
def test_twenty_signals_end_a_run_well_and_resumed_it_ends_as_one_never_stopped(
    moment: str, whole: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    process = Process(tiny.command, "train", *OPTIONS, "--out", str(run))
    process.read_until(moment)
    for number in [signal.SIGTERM, signal.SIGINT] * 10:
        process.send(number)
    ended = process.ended()
    assert (ended.code == 0) == (run / "summary.json").exists()
    if ended.code:
        assert (ended.code, ended.error.count("\n")) == (130, 1)
        assert ended.error.startswith("kerazoo: interrupted")
    if is_run(run):  # otherwise nothing was done yet
        resume(run)
        assert weights(run) == weights(whole)
        assert metrics(run) == metrics(whole)


@pytest.mark.full
def test_kills_at_random_moments(tmp_path: Path) -> None:
    kill_and_resume(tmp_path, kills=2, seed=0, report=print)
