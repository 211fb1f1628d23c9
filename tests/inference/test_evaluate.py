"""`kerazoo evaluate`: the figures of a training to the last digit, and NumPy by hand."""

import dataclasses
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
from kerazoo.inference import figures
from kerazoo.inference.classifier import Classifier, logits
from kerazoo.inference.evaluate import Evaluation, Mistake, evaluate
from kerazoo.inference.evaluation import evaluate_model
from kerazoo.training import curves
from kerazoo.training.options import make_options
from kerazoo.training.train import train
from kerazoo.weights.card import Card
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


@pytest.mark.parametrize("micro_batches", [1, 2])
@pytest.mark.parametrize("flattened", [False, True])
def test_logits_are_made_probabilities(
    model: keras.Model, micro_batches: int, flattened: bool
) -> None:
    other = kerazoo.create_model(tiny.NAME, classifier_activation=None, weights=model)
    if flattened:
        other = keras.Model(other.input, keras.layers.Reshape((10,))(other.output))
    random = data()
    expected = evaluate(Classifier.of(model), random, batch_size=25)
    classifier = Classifier.of(other)
    images, _ = next(iter(random.test.batches(60)))
    np.testing.assert_allclose(
        classifier.probabilities(images), model.predict(images, verbose=0), rtol=1e-5
    )
    result = evaluate(classifier, random, batch_size=25, micro_batches=micro_batches)
    assert result.loss == pytest.approx(expected.loss, rel=1e-6)
    np.testing.assert_array_equal(result.confusion, expected.confusion)


def test_classes_are_known_by_their_ids_too(model: keras.Model) -> None:
    """As those of ImageNet, of which data sets have WordNet's."""
    random, names = data(), tuple("abcdefghij")
    expected = evaluate(Classifier.of(model), random)
    model.kerazoo_card = Card(names, SHAPE, class_ids=tuple("0123456789"))
    try:
        classifier = Classifier.of(model)
        by_id = evaluate(classifier, random)
        by_name = evaluate(classifier, dataclasses.replace(random, class_names=names))
    finally:
        del model.kerazoo_card
    assert by_id.loss == by_name.loss == expected.loss
    assert by_id.class_names == names


def test_data_that_changed_since_the_training_are_reported(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The data are those of the run, also in another directory, and as many images of them."""
    rng = np.random.default_rng(0)
    for number in range(60):
        (path := Path("photos") / str(number % 2) / f"{number}.png").parent.mkdir(
            parents=True, exist_ok=True
        )
        Image.fromarray(rng.integers(0, 256, (28, 28), np.uint8)).save(path)
    summary = begin("folder:photos", limit=4)
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    result, title = evaluate_model(kerazoo.load("../run"))
    assert "on 4 test images of folder:" in title
    assert result.accuracy == summary["test_accuracy"]
    assert "has changed" not in caplog.text
    Path("../photos/0/0.png").unlink()
    evaluate_model(kerazoo.load("../run"))
    assert "has changed since the training of 'tiny_cnn', which may have seen" in caplog.text


def test_a_model_gives_probabilities_again_after_it(model: keras.Model) -> None:
    before = model.predict(np.zeros((1, *SHAPE)), verbose=0)
    with logits(model) as found:
        assert found
        inside = model(np.zeros((1, *SHAPE))).numpy()
        np.testing.assert_allclose(np.exp(inside) / np.exp(inside).sum(), before, rtol=1e-5)
    np.testing.assert_array_equal(model(np.zeros((1, *SHAPE))).numpy(), before)


def begin(data: str = "digits", **options: Any) -> dict[str, Any]:
    given = {"epochs": 2, "batch_size": 30, "out": Path("run"), **options}
    return train(make_options(tiny.NAME, data=data, **given))


def evaluate_in_process(*arguments: str) -> dict[str, Any]:
    """Return what the command prints in a process of its own, with the threads of a training."""
    ended = Process(tiny.command, "evaluate", *arguments, "--format", "json").ended()
    assert ended.code == 0, ended.err
    result: dict[str, Any] = json.loads(ended.out)
    return result


def test_it_gives_what_the_summary_of_the_run_says() -> None:
    """Also of a copy of the file alone."""
    ended = Process(
        tiny.command,
        *("train", "--model", tiny.NAME, "--data", "digits", "--epochs", "2", "--out", "run"),
    ).ended()
    assert ended.code == 0, ended.err
    summary = json.loads(ended.out)
    shutil.copy("run/model.keras", "copy.keras")
    for split, source in (("validation", "run"), ("test", "copy.keras")):
        result = evaluate_in_process(source, "--split", split)
        assert result["loss"] == summary[f"{split}_loss"]
        assert result["accuracy"] == summary[f"{split}_accuracy"]
        shutil.rmtree("run", ignore_errors=True)
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


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["圆形", "直线"], "install a font that has them"),
        (["$\\frac{$", "a" * 300], ""),
    ],
)
def test_figures_have_names_of_any_kind(
    names: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Warnings are errors here; no other font is installed."""
    monkeypatch.setattr("kerazoo.fonts.chinese", lambda: None)
    image = np.zeros((4, 4, 3))
    mistakes = [Mistake(number, names[0], names[1], 0.9, image) for number in range(7)]
    evaluation = Evaluation(0.5, np.array([[3, 7], [0, 1]]), None, mistakes, tuple(names))
    written = figures.write(evaluation, Path("figures"), f"a model on {names[0]}")
    for path in written:
        with Image.open(path) as figure:
            assert min(figure.size) > 300
    assert message in caplog.text
    assert bool(caplog.messages) == bool(message)


@pytest.mark.usefixtures("tensorflow_started")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nothing"], 2, "there is no run, file or model 'nothing'"),
        (["lenet5", "--data", "digits", "--figures", "file"], 2, "'file' is not a directory"),
        (["folder"], 2, "there is no run in 'folder': name"),
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
    Path("file").touch()
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
