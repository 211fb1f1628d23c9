"""`kerazoo evaluate`: the figures of a training to the last digit, and NumPy by hand."""

import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

import kerazoo
from kerazoo.cli import main
from kerazoo.data.images import ArraySplit, ImageData
from kerazoo.errors import UsageError
from kerazoo.inference.classifier import Classifier, logits
from kerazoo.inference.evaluate import evaluate
from kerazoo.training import curves
from kerazoo.training.options import TrainOptions, make_recipe
from kerazoo.training.train import train
from tests.helpers import tiny
from tests.helpers.processes import Process

SHAPE = (28, 28, 1)


@pytest.fixture(scope="module", autouse=True)
def tiny_network() -> Any:
    with tiny.entered():
        yield


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(curves, "draw", lambda results, title, file: file.write(b""))


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return kerazoo.create_model(tiny.NAME)


def data(count: int = 60) -> ImageData:
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (count, *SHAPE)).astype(np.uint8)
    split = ArraySplit(images, rng.integers(0, 10, count), SHAPE)
    return ImageData("random", tuple("0123456789"), SHAPE, split, split, split, "")


def test_every_figure_by_hand(model: keras.Model) -> None:
    classifier, random = Classifier.of(model), data()
    result = evaluate(classifier, random, "test", batch_size=25, micro_batches=2)
    images, labels = (np.asarray(each) for each in next(iter(random.test.batches(60))))
    scores = model.predict(images, verbose=0).astype(np.float64)
    chosen = scores.argmax(axis=1)
    assert result.loss == pytest.approx(-np.log(scores[range(60), labels]).mean(), rel=1e-5)
    assert result.accuracy == (chosen == labels).mean()
    ranks = (scores > scores[range(60), labels][:, None]).sum(axis=1)
    assert result.top5 == (ranks < 5).mean()
    for true in range(10):
        for predicted in range(10):
            count = ((labels == true) & (chosen == predicted)).sum()
            assert result.confusion[true, predicted] == count
    for label, row in enumerate(result.by_class().to_dict("records")):
        of_class, of_prediction = labels == label, chosen == label
        assert row["images"] == of_class.sum()
        hits = (of_class & of_prediction).sum()
        counts = of_prediction.sum(), of_class.sum()
        expected = [hits / count if count else np.nan for count in counts]
        np.testing.assert_allclose([row["precision"], row["recall"]], expected)
    wrong = np.flatnonzero(chosen != labels)
    surest = wrong[np.argsort(-scores[wrong, chosen[wrong]], kind="stable")][:20]
    assert [each.place for each in result.mistakes] == surest.tolist()
    first = result.mistakes[0]
    np.testing.assert_array_equal(first.image, images[surest[0]])
    assert (first.label, first.predicted) == (str(labels[surest[0]]), str(chosen[surest[0]]))
    assert first.probability == pytest.approx(scores[surest[0]].max(), rel=1e-5)


def test_scores_without_softmax_at_their_end_are_probabilities(model: keras.Model) -> None:
    outputs = keras.layers.Softmax()(keras.layers.Dense(10)(keras.layers.Flatten()(model.input)))
    other = keras.Model(model.input, outputs)
    with logits(other) as found:
        assert not found
    random = data()
    result = evaluate(Classifier.of(other), random)
    images, labels = (np.asarray(each) for each in next(iter(random.test.batches(60))))
    scores = other.predict(images, verbose=0)[range(60), labels]
    assert result.loss == pytest.approx(-np.log(scores).mean(), rel=1e-5)


def test_a_model_gives_probabilities_again_after_it(model: keras.Model) -> None:
    before = model.predict(np.zeros((1, *SHAPE)), verbose=0)
    with logits(model) as found:
        assert found
        inside = model(np.zeros((1, *SHAPE))).numpy()
        np.testing.assert_allclose(np.exp(inside) / np.exp(inside).sum(), before, rtol=1e-5)
    np.testing.assert_array_equal(model(np.zeros((1, *SHAPE))).numpy(), before)


def begin(**options: Any) -> dict[str, Any]:
    changes = {"epochs": 2, "batch_size": 30, **options}
    return train(
        TrainOptions(tiny.NAME, "digits", recipe=make_recipe(tiny.NAME, **changes), out=Path("run"))
    )


def evaluate_in_process(*arguments: str) -> dict[str, Any]:
    """Return what the command prints in a process of its own, with the threads of a training."""
    ended = Process(tiny.command, "evaluate", *arguments, "--format", "json").ended()
    assert ended.code == 0, ended.err
    result: dict[str, Any] = json.loads(ended.out)
    return result


@pytest.mark.parametrize("source", ["run", "copy.keras"])
def test_it_gives_what_the_summary_of_the_run_says(source: str) -> None:
    """Also of a copy of the file alone."""
    ended = Process(
        tiny.command,
        *("train", "--model", tiny.NAME, "--data", "digits", "--epochs", "2", "--out", "run"),
    ).ended()
    assert ended.code == 0, ended.err
    summary = json.loads(ended.out)
    if source != "run":
        shutil.copy("run/model.keras", source)
        shutil.rmtree("run")
    for split in ("validation", "test"):
        result = evaluate_in_process(source, "--split", split)
        assert result["loss"] == summary[f"{split}_loss"]
        assert result["accuracy"] == summary[f"{split}_accuracy"]
    recalls = {row["class"]: row["recall"] for row in result["classes"]}
    assert recalls == summary["class_accuracy"]


@pytest.mark.usefixtures("tensorflow_started")
def test_the_command_prints_a_table_and_draws_figures(capsys: pytest.CaptureFixture[str]) -> None:
    begin()
    assert main(["evaluate", "run", "--limit", "30", "--figures", "figures"]) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0].split() == ["class", "images", "precision", "recall"]
    assert lines[-1].startswith("tiny_cnn on 30 test images of digits: accuracy 0.")
    for name in ("confusion.png", "mistakes.png"):
        with Image.open(Path("figures") / name) as figure:
            assert min(figure.size) > 300


@pytest.mark.usefixtures("tensorflow_started")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nothing"], 2, "there is no run, file or model 'nothing'"),
        (["folder"], 2, "'folder' is a directory"),
        (["vgg16", "--data", "no_such_set"], 2, "unknown data set 'no_such_set'"),
        (
            ["run", "--data", "folder:other"],
            2,
            "other has classes that the model does not have: cat",
        ),
    ],
)
def test_usage_errors_are_one_sentence(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("folder").mkdir()
    for name in ("cat", "0"):
        for split in ("train", "validation", "test"):
            (folder := Path("other") / split / name).mkdir(parents=True)
            Image.new("L", (28, 28)).save(folder / "1.png")
    if arguments[0] == "run":
        begin(epochs=1)
    capsys.readouterr()
    assert main(["evaluate", *arguments, "--quiet"]) == code
    assert message in capsys.readouterr().err


def test_a_model_without_classes_is_refused() -> None:
    features = kerazoo.create_model(tiny.NAME, include_top=False)
    with pytest.raises(UsageError, match="not a score for each class: create it with include_top"):
        Classifier.of(features)
