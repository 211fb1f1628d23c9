"""The example programs: what they return, compared with another way to it."""

import io
import os
import runpy
import sys
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import kerazoo
from kerazoo.demos import grad_cam as demo
from kerazoo.errors import UsageError
from kerazoo.examples import (
    count_for_a_paper,
    custom_callback,
    feature_extraction,
    grad_cam,
    serve,
    slim_checkpoint,
    transfer_learning,
)
from kerazoo.inference.classifier import Classifier
from kerazoo.inference.export import export
from legacy_tf1.program import tf1
from tests.helpers.checkpoints import slim_graph

FOLDER = Path(serve.__file__).parent
PROGRAMS = sorted({*FOLDER.glob("*.py")} - {FOLDER / "__init__.py", FOLDER / "program.py"})


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def stroke(path: str) -> np.ndarray:
    """Draw a one in white on black; return its pixels."""
    pixels = np.zeros((28, 28), np.uint8)
    pixels[5:23, 13:16] = 255
    Image.fromarray(pixels).save(path)
    return pixels


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_is_short_and_says_how_it_is_run(path: Path) -> None:
    code = path.read_text(encoding="utf-8")
    assert len(code.splitlines()) < 60
    assert f"python -m kerazoo.examples.{path.stem}" in code
    assert f"[`{path.name}`]({path.name})" in (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("program", "arguments", "code", "message"),
    [
        (transfer_learning, "--nonsense", 2, "unknown argument '--nonsense'"),
        (transfer_learning, "one.png", 2, "unknown argument 'one.png'"),
        (serve, "", 2, "the following arguments are required: model"),
        (serve, "nothing", 1, "SavedModel file does not exist at: nothing"),
        (feature_extraction, "digit.png nothing.png", 2, "there is no file 'nothing.png'"),
        (feature_extraction, "digit.png half.png", 4, "'half.png' is damaged"),
        (grad_cam, "mnist_cnn digit.png digit.png", 2, "'digit.png' is the input"),
        (grad_cam, "mnist_cnn digit.png nowhere/heat.png", 1, "'nowhere' does not exist"),
        (grad_cam, "mnist_cn digit.png heat.png", 2, "did you mean 'mnist_cnn'?"),
        (grad_cam, "mnist_cnn half.png heat.png", 4, "'half.png' is damaged"),
        (slim_checkpoint, "nothing.ckpt digit.png vgg16.keras", 2, "nothing.ckpt"),
        (slim_checkpoint, "digit.png digit.png out.png", 2, "'out.png' must end with .keras"),
    ],
)
def test_bad_input_is_refused_in_one_sentence_and_replaces_nothing(
    program: ModuleType,
    arguments: str,
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stroke("digit.png")
    content = Path("digit.png").read_bytes()
    Path("half.png").write_bytes(content[:-30])
    monkeypatch.setattr(sys, "argv", [program.__name__, *arguments.split()])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(program.__file__), run_name="__main__")
    out, err = capsys.readouterr()
    assert (caught.value.code, out) == (code, "")
    assert err.startswith("kerazoo: ")
    assert message in err
    assert err.count("\n") == 1
    assert sorted(os.listdir()) == ["digit.png", "half.png"]  # noqa: PTH208 - names
    assert Path("digit.png").read_bytes() == content


def test_what_a_program_cannot_use_is_refused() -> None:
    stroke("digit.png")
    Path("weights.keras").write_bytes(b"")
    with pytest.raises(UsageError, match=r"'weights.keras' is the input"):
        slim_checkpoint.main(Path("weights.keras"), Path("digit.png"), Path("weights.keras"))
    flat = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()])
    with pytest.raises(UsageError, match="choose a convolutional network"):
        grad_cam.grad_cam(flat, np.zeros((1, 4, 4, 1), np.float32))
    flat.export("other", verbose=False)
    with pytest.raises(SystemExit, match="export it with --with-preprocessing"):
        serve.app(Path("other"))


def test_features_of_mnist_help_to_tell_even_from_odd() -> None:
    learned, random = transfer_learning.accuracies()
    assert learned > random + 0.03 > 0.6
    model = transfer_learning.even_or_odd()
    known = kerazoo.create_model("mnist_cnn", weights="mnist")
    assert [weight.name for weight in model.trainable_weights] == ["kernel", "bias"]
    np.testing.assert_array_equal(model.get_weights()[0], known.get_weights()[0])


@pytest.mark.usefixtures("thin_networks")
def test_equal_images_have_equal_features() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (224, 224, 3), np.uint8)
    for name, image in (("a.png", noise), ("b.png", noise), ("c.png", noise // 4)):
        Image.fromarray(image).save(name)
    vgg16 = kerazoo.create_model("vgg16", include_top=False)
    kerazoo.export_weights(vgg16, "vgg16.h5", "keras_applications")
    cosines = feature_extraction.main([Path(f"{name}.png") for name in "abc"], weights="vgg16.h5")
    np.testing.assert_allclose(np.diag(cosines), 1, rtol=1e-5)
    assert cosines[0, 1] == pytest.approx(1)
    assert cosines[0, 2] < 0.9999
    model = kerazoo.create_model("vgg16", include_top=False, weights="vgg16.h5")
    part = feature_extraction.part_of(model, "conv3_3")
    maps = keras.Model(model.input, model.get_layer("conv3_3").output)
    images = kerazoo.preprocess(model, noise[None].astype(np.float32))
    np.testing.assert_allclose(part(images), maps(images).numpy().mean(axis=(1, 2)), rtol=1e-4)


def test_grad_cam_is_that_of_the_demo(capsys: pytest.CaptureFixture[str]) -> None:
    image = stroke("digit.png").astype(np.float32)[None, ..., None]
    model = kerazoo.load("mnist_cnn")
    classes, support = grad_cam.grad_cam(model, kerazoo.preprocess(model, image))
    assert classes.tolist() == [1]
    assert (support >= 0).all()
    assert support.max() > 0
    expected = demo.compute(Classifier.of(model), image[0] / 255)
    assert expected.names[0] == "1"
    np.testing.assert_allclose(support[0], expected.maps[0], rtol=1e-3, atol=1e-4)
    lenet = kerazoo.load("lenet5")
    padded = np.zeros((1, *lenet.input_shape[1:]), np.float32)
    assert grad_cam.grad_cam(lenet, padded)[1].shape == (1, 5, 5)
    grad_cam.main("mnist_cnn", Path("digit.png"), Path("heat.png"))
    assert capsys.readouterr().out == "1\n"
    assert Path("heat.png").stat().st_size > 1000


@pytest.mark.usefixtures("thin_networks")
def test_a_checkpoint_of_tf_slim_gives_its_scores() -> None:
    image = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    Image.fromarray(image).save("photo.png")
    with tf.Graph().as_default(), tf1.Session() as session:
        placeholder, logits = slim_graph("vgg_16", 1000, 224)
        session.run(tf1.global_variables_initializer())
        tf1.train.Saver().save(session, "vgg_16.ckpt")
        pixels = image - np.array([123.68, 116.78, 103.94], np.float32)
        (scores,) = session.run(tf.nn.softmax(logits), {placeholder: pixels[None]})
    results = slim_checkpoint.main(Path("vgg_16.ckpt"), Path("photo.png"), Path("vgg16.keras"))
    best = np.sort(scores)[::-1][:5]
    np.testing.assert_allclose([probability for _, probability in results], best, rtol=1e-4)
    assert results[0][0] == scores.argmax()


def test_the_costs_for_a_paper_are_those_of_the_networks() -> None:
    table = count_for_a_paper.costs()
    assert table.loc["ResNet-18"].round(3).tolist() == [11.699, 1.814, 53.219, 435]
    assert table.loc["VGG-16", "parameters (M)"] == pytest.approx(138.357544)
    assert table.loc["VGG-16", "receptive field"] == 212  # of pool5, by hand: 196 + 16
    ours = count_for_a_paper.narrow_resnet()
    assert table.loc["ours", "parameters (M)"] == pytest.approx(ours.count_params() / 1e6)


def test_the_callback_halves_the_rate_after_a_higher_loss() -> None:
    callback = custom_callback.HalveTheRate()
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.5))
    callback.set_model(model)
    for loss in (1.0, 0.5, 0.6, 0.4, 0.7, 0.3):
        callback.on_epoch_end(0, {"val_loss": loss})
    assert callback.rates == [0.5, 0.5, 0.5, 0.25, 0.25, 0.125]
    assert len(custom_callback.main(2, limit=40, out="run")) == 2


def test_the_server_answers_with_the_class_of_an_image() -> None:
    stroke("digit.png")
    export(kerazoo.load("mnist_cnn"), "saved_model", "digits", with_preprocessing=True)
    client = serve.app(Path("digits")).test_client()
    answer = client.post("/", data=Path("digit.png").read_bytes())
    assert answer.status_code == 200
    assert answer.get_json()["class"] == "1"
    assert 0.5 < answer.get_json()["probability"] <= 1
    large = io.BytesIO()
    Image.new("1", (20_000, 5_000)).save(large, "png")
    for body in (b"", b"no image", Path("digit.png").read_bytes()[:60], large.getvalue()):
        assert client.post("/", data=body).status_code == 400
    assert client.post("/", data=bytes(serve.MAX_BYTES + 1)).status_code == 413
    assert client.get("/").status_code == 405
