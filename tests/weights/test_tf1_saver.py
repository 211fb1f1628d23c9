"""Saver files of the documents' TF1 program, in and out, proved by predictions."""

from pathlib import Path

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.data import mnist
from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.weights import checkpoint_writer, export_weights, load_weights
from kerazoo.weights.checkpoint import Checkpoint
from legacy_tf1 import mnist_cnn
from legacy_tf1.mnist_data import DataSets, read_digits, read_mnist
from legacy_tf1.program import Program
from tests.helpers.checkpoints import assert_refused, assert_same_weights, cut_short


def train(data: DataSets, path: Path) -> np.ndarray:
    """Train the TF1 program for an epoch, save it, and return its logits of the test images."""
    with Program(mnist_cnn.build) as program:
        mnist_cnn.train(program, data, epochs=1, batch_size=100, save=path)
        return program.forward(data.test.images)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    path = tmp_path_factory.mktemp("tf1") / "my_mnist_model"
    return path, train(read_digits(), path)


def keras_logits(images: np.ndarray, path: Path) -> np.ndarray:
    model = kerazoo.create_model("mnist_cnn", classifier_activation=None)
    load_weights(model, path)
    return model.predict(images.reshape(-1, 28, 28, 1), batch_size=1000, verbose=0)


def test_a_trained_checkpoint_gives_the_same_logits(trained: tuple[Path, np.ndarray]) -> None:
    path, wanted = trained
    got = keras_logits(read_digits().test.images, path)
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.full
def test_a_checkpoint_trained_on_mnist_gives_the_same_10000_predictions(
    mnist_dir: Path, tmp_path: Path
) -> None:
    data = read_mnist(mnist_dir)
    wanted = train(data, tmp_path / "my_mnist_model")
    test = mnist.load((28, 28, 1), mnist_dir).test
    images, labels = next(iter(test.batches(10_000)))
    got = keras_logits(images.numpy(), tmp_path / "my_mnist_model")
    assert len(got) == 10_000
    np.testing.assert_array_equal(got.argmax(-1), wanted.argmax(-1))
    assert (got.argmax(-1) == labels.numpy()).mean() > 0.97


def test_the_optimizers_state_is_skipped_with_a_warning(
    trained: tuple[Path, np.ndarray], caplog: pytest.LogCaptureFixture
) -> None:
    load_weights(kerazoo.create_model("mnist_cnn"), trained[0])
    state = "train/beta1_power, train/beta2_power, 8 tensors .../Adam, 8 tensors .../Adam_1"
    assert caplog.messages == [f"'{trained[0]}': skipped {state}"]


def test_the_folder_is_as_good_as_the_prefix(trained: tuple[Path, np.ndarray]) -> None:
    path, wanted = trained
    got = keras_logits(read_digits().test.images, path.parent)
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


def test_the_program_restores_what_is_exported_and_continues(tmp_path: Path) -> None:
    model = kerazoo.create_model("mnist_cnn", classifier_activation=None)
    export_weights(model, tmp_path / "back", "tf1")
    data = read_digits()
    with Program(mnist_cnn.build) as program:
        saved = {each.op.name for each in program.nodes.saver._var_list}
        with program.session.graph.as_default():
            program.nodes.saver.restore(program.session, str(tmp_path / "back"))
        for name, value in program.weights.items():
            layer, kind = name.split("/")
            (weight,) = [each for each in model.get_layer(layer).weights if each.name == kind]
            np.testing.assert_array_equal(value, weight)
        images = data.test.images
        np.testing.assert_allclose(
            program.forward(images), model(images.reshape(-1, 28, 28, 1)), rtol=1e-5, atol=1e-5
        )
        batches = [data.train.next_batch(100) for _ in range(20)]
        losses = program.train(batches)
        assert losses[-1] < losses[0]
    assert set(Checkpoint(tmp_path / "back")) == saved


def test_a_fresh_state_of_adam_is_exported(tmp_path: Path) -> None:
    """The slots are those of a program that has not trained yet."""
    export_weights(kerazoo.create_model("mnist_cnn"), tmp_path / "back", "tf1")
    file = Checkpoint(tmp_path / "back")
    with Program(mnist_cnn.build) as program, program.session.graph.as_default():
        program.nodes.saver.save(program.session, str(tmp_path / "fresh"))
    fresh = Checkpoint(tmp_path / "fresh")
    for name in fresh.keys() - {f"{layer}/kernel" for layer in ("conv1", "conv2", "fc1", "output")}:
        np.testing.assert_array_equal(file[name], fresh[name], name)


def test_there_and_back_is_identical(trained: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    model = kerazoo.create_model("mnist_cnn")
    load_weights(model, trained[0])
    export_weights(model, tmp_path / "back", "tf1")
    again = kerazoo.create_model("mnist_cnn")
    load_weights(again, tmp_path / "back")
    assert_same_weights(model, again)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"fc1/bias": None}, "fc1/bias is missing$"),
        ({"fc2/bias": np.ones(3, np.float32)}, "fc2/bias is unexpected; leave"),
        ({"fc1/bias": np.ones(3, np.float32)}, "fc1/bias is 3 where fc1/bias is 64$"),
    ],
)
def test_tensors_that_do_not_fit_are_named(
    changes: dict[str, np.ndarray | None], match: str, tmp_path: Path
) -> None:
    model = kerazoo.create_model("mnist_cnn")
    tensors = {f"{weight.path}": weight.numpy() for weight in model.weights}
    merged = {**tensors, **changes}
    kept = {name: value for name, value in merged.items() if value is not None}
    checkpoint_writer.write(tmp_path / "x", kept)
    refuse(model, tmp_path / "x", match)


def refuse(model: keras.Model, path: Path, match: str) -> None:
    assert_refused(model, lambda: load_weights(model, path), CorruptFileError, match)


def test_a_file_cut_short_is_corrupt(trained: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    model = kerazoo.create_model("mnist_cnn")
    export_weights(model, tmp_path / "x", "tf1")
    cut_short(tmp_path / "x.data-00000-of-00001")
    refuse(kerazoo.create_model("mnist_cnn"), tmp_path / "x", "x.data-00000-of-00001' is damaged")


def test_another_model_is_not_the_program(tmp_path: Path) -> None:
    for options, match in (
        ({"include_top": False}, "the TF1 program is mnist_cnn, and 'mnist_cnn' has other layers"),
        (
            {"classes": 3},
            "output/kernel of the TF1 program is 64x10, and that of 'mnist_cnn' 64x3$",
        ),
    ):
        model = kerazoo.create_model("mnist_cnn", **options)
        with pytest.raises(UsageError, match=match):
            export_weights(model, tmp_path / "x", "tf1")
    assert not list(tmp_path.iterdir())


def test_an_earlier_file_is_kept_if_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = kerazoo.create_model("mnist_cnn")
    export_weights(model, tmp_path / "x", "tf1")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(**_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("tensorflow.raw_ops.SaveV2", fail)
    with pytest.raises(OSError, match="the disk is full"):
        export_weights(kerazoo.create_model("mnist_cnn"), tmp_path / "x", "tf1")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
