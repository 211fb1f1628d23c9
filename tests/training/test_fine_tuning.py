"""From a checkpoint of tf-slim with five classes to a folder of three others, by one command."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.datasets import load_digits

import kerazoo
from kerazoo.cli import main
from kerazoo.training import curves
from kerazoo.weights.card import Card
from kerazoo.weights.features import load_features
from kerazoo.weights.preprocessing import SLIM_VGG
from legacy_tf1 import slim_nets  # noqa: F401 - TensorFlow finds by it what tf-slim needs
from legacy_tf1.program import tf1
from tests.helpers import thin, tiny

SIDE = 48
OLD, NEW = range(5), range(5, 8)
OPTIONS = ["--model", "resnet50", "--model-option", "stride_on=last_3x3"]
OPTIONS += ["--input-shape", f"{SIDE}x{SIDE}", "--data", "folder:new", "--batch-size", "16"]


def digits(classes: range) -> tuple[np.ndarray, np.ndarray]:
    """Return the images of some classes, uint8 [n, SIDE, SIDE, 3], and labels from 0."""
    data = load_digits()
    chosen = np.isin(data.target, classes)
    images = np.rint(data.images[chosen] * 255 / 16).astype(np.uint8)
    large = [np.asarray(Image.fromarray(each).resize((SIDE, SIDE))) for each in images]
    return np.stack([np.stack(large)] * 3, axis=-1), data.target[chosen] - classes[0]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """Return a checkpoint of tf-slim's ResNet-50, trained on five classes by tf-slim's graph.

    A few steps are enough where it need not have learned anything.
    """
    import tf_slim
    from tf_slim.nets import resnet_v1

    steps = 60 if pytestconfig.getoption("--full") else 2
    path = tmp_path_factory.mktemp("slim") / "resnet_v1_50.ckpt"
    images, labels = digits(OLD)
    with pytest.MonkeyPatch.context() as patch, tf.Graph().as_default(), tf1.Session() as session:
        thin.make_thin(patch)
        tf1.set_random_seed(1)
        inputs = tf1.placeholder(tf.float32, (None, SIDE, SIDE, 3))
        targets = tf1.placeholder(tf.int32, (None,))
        settings = resnet_v1.resnet_arg_scope(batch_norm_decay=0.9)
        with warnings.catch_warnings(), tf_slim.arg_scope(settings):
            warnings.simplefilter("ignore")  # slim calls deprecated functions
            logits, _ = resnet_v1.resnet_v1_50(inputs, len(OLD), is_training=True)
        loss = tf1.losses.sparse_softmax_cross_entropy(targets, logits[:, 0, 0])
        with tf.control_dependencies(tf1.get_collection(tf1.GraphKeys.UPDATE_OPS)):
            step = tf1.train.AdamOptimizer(0.001).minimize(loss)
        session.run(tf1.global_variables_initializer())
        rng = np.random.default_rng(0)
        for _ in range(steps):
            rows = rng.integers(0, len(labels), 32)
            batch = images[rows] - np.array(SLIM_VGG.mean)
            session.run(step, {inputs: batch, targets: labels[rows]})
        tf1.train.Saver().save(session, str(path))
    return path


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a hundred images of each of three other classes into a folder, twenty to train on."""
    monkeypatch.chdir(tmp_path)
    images, labels = digits(NEW)
    for label in range(len(NEW)):
        for number, row in enumerate(np.flatnonzero(labels == label)[:100]):
            split = "train" if number < 20 else "validation" if number < 30 else "test"
            path = Path("new") / split / str(NEW[label]) / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(images[row]).save(path)


def trained(capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    assert main(["train", *OPTIONS, *more]) == 0
    shown = capsys.readouterr()
    summary: dict[str, Any] = json.loads(shown.out)
    return {**summary, "log": shown.err}


@pytest.mark.usefixtures("tensorflow_started", "thin_networks")
def test_one_command_fine_tunes_a_checkpoint_of_slim(
    checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--weights", str(checkpoint), "--freeze", "features", "--epochs", "1"]
    summary = trained(capsys, *arguments, "--out", "run")
    assert "new layers, which start with random weights: fc" in summary["log"]
    model = kerazoo.load("run")
    assert model.kerazoo_card.class_names == ("5", "6", "7")
    assert model.preprocessing.name == "slim_vgg"
    source = kerazoo.create_model("resnet50", stride_on="last_3x3", classes=5, weights=checkpoint)
    same = [
        np.array_equal(weight, other)
        for layer in source.layers[1:-1]
        for weight, other in zip(
            layer.get_weights(), model.get_layer(layer.name).get_weights(), strict=True
        )
    ]
    assert len(same) > 200
    assert all(same)


@pytest.mark.full
@pytest.mark.usefixtures("tensorflow_started", "thin_networks")
def test_it_learns_more_from_few_images_than_from_random_weights(
    checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Averaged over three seeds, after as many epochs."""
    accuracies: dict[str, list[float]] = {"fine-tuned": [], "random": []}
    for seed in ("1", "2", "3"):
        common = ["--epochs", "4", "--seed", seed, "--out"]
        fine = trained(capsys, *common, f"fine-{seed}", "--weights", str(checkpoint))
        accuracies["fine-tuned"].append(fine["test_accuracy"])
        accuracies["random"].append(trained(capsys, *common, f"random-{seed}")["test_accuracy"])
    print(accuracies)
    fine_tuned, random = (np.mean(each) for each in accuracies.values())
    assert fine_tuned > random + 0.05


def test_weights_may_be_a_run_or_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "draw", lambda results, title, file: file.write(b""))
    options: dict[str, Any] = {"epochs": 1, "limit": 30, "learning_rate": 1e-12}
    first = kerazoo.train("mnist_cnn", "folder:new", weights="mnist", **options)
    model = kerazoo.load(first["out"])
    assert model.output_shape == (None, 3)
    kept = kerazoo.load("mnist_cnn").get_layer("conv2").get_weights()[0]
    np.testing.assert_allclose(model.get_layer("conv2").get_weights()[0], kept, atol=1e-6)
    second = kerazoo.train(model, "folder:new", **options)
    third = kerazoo.train("mnist_cnn", "folder:new", weights=second["out"], **options)
    for name in ("conv1", "output"):
        weights = kerazoo.load(third["out"]).get_layer(name).get_weights()[0]
        np.testing.assert_allclose(weights, model.get_layer(name).get_weights()[0], atol=1e-6)


def test_a_narrower_input_gives_the_whole_top_anew(caplog: pytest.LogCaptureFixture) -> None:
    options: dict[str, Any] = {"head": "dense", "alpha": 0.0625, "classes": 4}
    large = kerazoo.create_model("vgg11", input_shape=(64, 64, 3), **options)
    small = kerazoo.create_model("vgg11", input_shape=(32, 32, 3), **options)
    before = small.get_layer("fc7").get_weights()[0]
    with caplog.at_level("INFO", "kerazoo"):
        load_features(small, large, tuple("abcd"))
    assert caplog.messages == ["new layers, which start with random weights: fc6, fc7, fc8"]
    np.testing.assert_array_equal(small.get_layer("fc7").get_weights()[0], before)
    for layer in ("conv1_1", "conv5_2"):
        expected = large.get_layer(layer).get_weights()[0]
        np.testing.assert_array_equal(small.get_layer(layer).get_weights()[0], expected)


def test_auxiliary_heads_are_new_where_the_weights_have_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    plain = kerazoo.create_model(tiny.NAME)
    model = kerazoo.create_model(tiny.NAME, auxiliary_heads=True)
    with caplog.at_level("INFO", "kerazoo"):
        load_features(model, plain, tuple("0123456789"))
    (line,) = caplog.messages
    assert line == "new layers, which start with random weights: auxiliary"
    for name in ("conv", "conv_bn", "classifier"):
        for weight, loaded in zip(
            plain.get_layer(name).get_weights(), model.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(weight, loaded)


@pytest.mark.parametrize(("names", "is_new"), [("0123456789", False), ("abcdefghij", True)])
def test_as_many_other_classes_have_a_new_last_layer(names: str, is_new: bool) -> None:
    source, model = (kerazoo.create_model(tiny.NAME) for _ in range(2))
    source.kerazoo_card = Card(tuple("0123456789"), (28, 28, 1))
    load_features(model, source, tuple(names))
    for name, kept in (("conv", True), ("classifier", not is_new)):
        kernel, other = (each.get_layer(name).get_weights()[0] for each in (source, model))
        assert np.array_equal(kernel, other) == kept
