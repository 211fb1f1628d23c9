"""Checkpoints of the real tf-slim, in and out, proved by outputs."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tf_slim.nets import resnet_v1

import kerazoo
from kerazoo.compat import shapes_only
from kerazoo.data.photos import sample_photos
from kerazoo.errors import CorruptFileError, KerazooError, UsageError
from kerazoo.weights import checkpoint_writer, export_weights, load_weights, slim
from kerazoo.weights.checkpoint import Checkpoint
from kerazoo.weights.networks import named_weights
from legacy_tf1 import vgg16_slim
from legacy_tf1.program import tf1
from tests.helpers import thin
from tests.helpers.checkpoints import assert_refused, cut_short, relative_error, slim_graph

VGGS = {"vgg11": "vgg_a", "vgg16": "vgg_16", "vgg19": "vgg_19"}
OTHERS: dict[str, tuple[str, dict[str, object]]] = {
    "alexnet_v2": ("alexnet_v2", {}),
    "inception_v1": ("inception_v1", {}),
    "resnet_v1_50": ("resnet50", {"stride_on": "last_3x3"}),
    "resnet_v1_101": ("resnet101", {"stride_on": "last_3x3"}),
    "resnet_v1_152": ("resnet152", {"stride_on": "last_3x3"}),
}
DEEPER = ("resnet_v1_101", "resnet_v1_152")  # the units of resnet_v1_50, more often


@pytest.fixture(scope="module")
def photos() -> np.ndarray:
    return vgg16_slim.preprocess(sample_photos())


@pytest.fixture(scope="module")
def slim_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """Return a checkpoint of vgg_a in training, with all that it saves besides weights."""
    path = tmp_path_factory.mktemp("slim") / "vgg_a.ckpt"
    with (
        pytest.MonkeyPatch.context() as patch,
        tf.Graph().as_default(),
        tf1.Session() as session,
    ):
        thin.make_thin(patch)
        images, logits = slim_graph("vgg_a", 1001, 224)
        tf1.train.get_or_create_global_step()
        tf1.get_variable("vgg_a/mean_rgb", (3,))
        optimizer = tf1.train.MomentumOptimizer(0.1, 0.9)
        optimizer.minimize(tf.reduce_mean(tf.square(logits)))
        session.run(tf1.global_variables_initializer())
        image = np.random.default_rng(0).normal(scale=60, size=(1, 224, 224, 3))
        wanted = session.run(logits, {images: image})
        tf1.train.Saver().save(session, str(path))
        tf1.train.Saver(write_version=tf1.train.SaverDef.V1).save(session, f"{path}.v1")
    np.save(path.with_name("image.npy"), image)
    return path, wanted


def kerazoo_names(network: str) -> dict[str, str]:
    (match,) = (each for each in slim.NETWORKS if each.name == network)
    return {match.name_of(key): key for key in match.weights()}


@pytest.mark.parametrize(
    ("name", "network", "options"),
    [
        *((name, network, {}) for name, network in VGGS.items()),
        *(
            pytest.param(
                name, network, options, marks=[pytest.mark.full] if network in DEEPER else []
            )
            for network, (name, options) in OTHERS.items()
        ),
    ],
)
@pytest.mark.usefixtures("full_width")
def test_every_weight_has_a_name_and_a_shape_in_slims_graph(
    name: str, network: str, options: dict[str, object]
) -> None:
    with tf.Graph().as_default():
        slim_graph(network, 1001, 224)
        slim_shapes = {each.op.name: tuple(each.shape) for each in tf1.global_variables()}
    with shapes_only():
        model = kerazoo.create_model(name, classes=1001, **options)
    scope, names = f"{slim.SCOPES.get(network, network)}/", kerazoo_names(network)
    shapes = {key: tuple(weight.shape) for key, weight in named_weights(model).items()}
    renamed = {names.pop(name.removeprefix(scope)): shape for name, shape in slim_shapes.items()}
    assert not names
    assert renamed.keys() == shapes.keys()
    for key, shape in renamed.items():
        assert shapes[key] in (shape, (np.prod(shape[:-1]), shape[-1])), key


@pytest.mark.parametrize("network", ["resnet_v1_50", *DEEPER])
@pytest.mark.usefixtures("full_width")
def test_a_resnet_has_the_units_of_slims(network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks: list[Any] = []
    monkeypatch.setattr(
        resnet_v1, "resnet_v1", lambda _, found, *rest, **options: blocks.extend(found)
    )
    getattr(resnet_v1, network)(None)
    units = {f"{each.scope}/unit_{i + 1}" for each in blocks for i in range(len(each.args))}
    names = (name.split("/bottleneck_v1/") for name in kerazoo_names(network))
    assert {unit for unit, *rest in names if rest} == units


def assert_both_ways(
    network: str, name: str, size: int | None, images: np.ndarray, folder: Path, **options: Any
) -> None:
    """Assert that slim's weights give the port slim's logits, and come back to the bit.

    Args:
        network: Its name in tf-slim.
        name: That of the port.
        size: Height and width of slim's graph, None where they are open.
        images: What both are shown.
        folder: Where the checkpoints go.
        options: Of the port.
    """
    path, back = folder / "slim.ckpt", folder / "back.ckpt"
    rng = np.random.default_rng(0)
    graph = tf.Graph()
    with graph.as_default(), tf1.Session() as session:
        placeholder, logits = slim_graph(network, options["classes"], size)
        session.run(tf1.global_variables_initializer())
        for variable in tf1.global_variables():  # statistics and biases that a test can tell apart
            if len(variable.shape) == 1:
                variable.load(rng.uniform(0.5, 1.5, variable.shape), session)
        wanted = session.run(logits, {placeholder: images})
        saver = tf1.train.Saver()
        saver.save(session, str(path))
    model = kerazoo.create_model(name, weights=path, classifier_activation=None, **options)
    assert relative_error(wanted, model(images).numpy()) <= 1e-5
    export_weights(model, back, "slim")
    with graph.as_default(), tf1.Session() as session:
        saver.restore(session, str(back))
        np.testing.assert_array_equal(session.run(logits, {placeholder: images}), wanted)
    before, after = Checkpoint(path), Checkpoint(back)
    assert set(before) == set(after)
    for tensor in before:
        np.testing.assert_array_equal(before[tensor], after[tensor])


@pytest.mark.largest
@pytest.mark.parametrize("name", VGGS)
@pytest.mark.usefixtures("width")
def test_a_vgg_goes_both_ways_on_photos_of_any_size(
    name: str, photos: np.ndarray, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"classes": 1000, "input_shape": (None, None, 3)}
    assert_both_ways(VGGS[name], name, None, photos, tmp_path, **options)


@pytest.mark.parametrize(
    ("network", "width"),
    [
        *thin.both_widths([name for name in OTHERS if name not in DEEPER], full=["inception_v1"]),
        *(pytest.param(network, "thin", marks=pytest.mark.full) for network in DEEPER),
    ],
    indirect=["width"],
)
@pytest.mark.usefixtures("width")
def test_the_other_networks_go_both_ways(network: str, tmp_path: Path) -> None:
    name, options = OTHERS[network]
    image = np.random.default_rng(1).normal(scale=60, size=(1, 224, 224, 3))
    assert_both_ways(network, name, 224, image, tmp_path, classes=1001, **options)


@pytest.mark.parametrize("suffix", ["", ".v1", ".index", ".data-00000-of-00001"])
def test_other_tensors_of_a_training_are_skipped_with_a_warning(
    suffix: str, slim_file: tuple[Path, np.ndarray], caplog: pytest.LogCaptureFixture
) -> None:
    path, wanted = slim_file
    model = kerazoo.create_model("vgg11", classes=1001, classifier_activation=None)
    load_weights(model, f"{path}{suffix}")
    skipped = "global_step, vgg_a/mean_rgb, 22 tensors .../Momentum"
    assert caplog.messages == [f"'{path}{suffix}': skipped {skipped}"]
    image = np.load(path.with_name("image.npy"))
    assert relative_error(wanted, model(image).numpy()) <= 1e-5


def test_1001_classes_are_refused_without_classes_1001(slim_file: tuple[Path, np.ndarray]) -> None:
    model = kerazoo.create_model("vgg11")
    assert_refused(
        model,
        lambda: load_weights(model, slim_file[0]),
        UsageError,
        r"is for classes=1001 and 'vgg11' for 1000: build the model with classes=1001 or "
        r"include_top=False, .*, or keep the one that it has with load_weights\(..., "
        r"ignore=\['vgg_a/fc8/\*'\]\)$",
    )


def test_the_dense_head_takes_the_same_file(slim_file: tuple[Path, np.ndarray]) -> None:
    path, wanted = slim_file
    model = kerazoo.create_model("vgg11", classes=1001, classifier_activation=None, head="dense")
    load_weights(model, path)
    image = np.load(path.with_name("image.npy"))
    assert relative_error(wanted, model(image).numpy()) <= 1e-5


@pytest.mark.parametrize(
    ("options", "left_out"),
    [({"include_top": False}, ("fc6", "fc7", "fc8")), ({"classes": 0}, ("fc8",))],
)
def test_a_model_without_a_top_skips_it(
    options: dict[str, object],
    left_out: tuple[str, ...],
    slim_file: tuple[Path, np.ndarray],
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = kerazoo.create_model("vgg11", **options)
    load_weights(model, slim_file[0])
    names = [f"vgg_a/{layer}/{kind}" for layer in left_out for kind in ("biases", "weights")]
    assert caplog.messages[0].endswith(f"Momentum, {', '.join(names)}")


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("vgg13", "tf-slim has no 'vgg13'"),
        ("mnist_cnn", "tf-slim has no 'mnist_cnn'"),
        ("resnet18", "tf-slim has no 'resnet18'"),
        ("vgg11_lrn", "tf-slim has no 'vgg11_lrn'"),
        ("vgg16c", "tf-slim has no 'vgg16c'"),
        ("alexnet", "tf-slim has no 'alexnet': .* alexnet_v2, "),
        ("googlenet", "tf-slim has no 'googlenet': .* inception_v1$"),
        (
            "resnet50",
            r'^resnet_v1_50 of tf-slim is create_model\("resnet50", stride_on="last_3x3"\), and '
            r"'resnet50' is create_model\(\"resnet50\"\)$",
        ),
    ],
)
def test_networks_that_slim_has_not_are_refused(
    name: str, match: str, slim_file: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    model = kerazoo.create_model(name, include_top=False)
    assert_refused(model, lambda: load_weights(model, slim_file[0]), UsageError, match)
    assert_refused(model, lambda: export_weights(model, tmp_path / "x", "slim"), UsageError, match)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("full_width")
def test_a_network_of_another_width_than_slims_is_refused(tmp_path: Path) -> None:
    model = kerazoo.create_model("vgg11", alpha=1 / 16, classes=2)
    match = r"vgg_a of tf-slim is create_model\(\"vgg11\"\), and 'vgg11' is .*, alpha=0.0625\)"
    with pytest.raises(UsageError, match=match):
        export_weights(model, tmp_path / "x", "slim")
    assert not list(tmp_path.iterdir())


# Small files for bad input: the thin features of vgg_a, which a model without a top takes.
CONVOLUTIONS = {"conv1/conv1_1": (3, 4), "conv2/conv2_1": (4, 8), "conv3/conv3_1": (8, 16)}
CONVOLUTIONS |= {"conv3/conv3_2": (16, 16), "conv4/conv4_1": (16, 32)}
CONVOLUTIONS |= {f"conv{place}": (32, 32) for place in ("4/conv4_2", "5/conv5_1", "5/conv5_2")}


@pytest.fixture
def tensors() -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for name, (width_in, width_out) in CONVOLUTIONS.items():
        found[f"vgg_a/{name}/weights"] = np.ones((3, 3, width_in, width_out), np.float32)
        found[f"vgg_a/{name}/biases"] = np.ones(width_out, np.float32)
    return found


@pytest.fixture
def backbone() -> keras.Model:
    return kerazoo.create_model("vgg11", include_top=False)


def write(path: Path, tensors: Mapping[str, np.ndarray], **changes: np.ndarray | None) -> Path:
    """Write a checkpoint; a change to None leaves a tensor out."""
    merged = {**tensors, **{f"vgg_a/{name}": value for name, value in changes.items()}}
    checkpoint_writer.write(
        path, {name: value for name, value in merged.items() if value is not None}
    )
    return path


WRONG: dict[str, tuple[dict[str, np.ndarray | None], str]] = {
    "missing": (
        {"conv5/conv5_2/biases": None},
        "does not fit 'vgg11': vgg_a/conv5/conv5_2/biases is missing$",
    ),
    "extra": (
        {"conv6/conv6_1/weights": np.ones(3, np.float32)},
        "vgg_a/conv6/conv6_1/weights is unexpected; leave",
    ),
    "extra, named as a slot is": (
        {"conv1/conv1_1/biases/more": np.ones(3, np.float32)},
        "vgg_a/conv1/conv1_1/biases/more is unexpected; leave",
    ),
    "a layer of another network": (
        {"conv1/conv1_2/weights": np.ones((3, 3, 4, 4), np.float32)},
        "vgg_a/conv1/conv1_2/weights is unexpected; leave",
    ),
    "the same twice": (
        {"copy/conv1/conv1_1/biases": np.ones(4, np.float32)},
        "vgg_a/copy/conv1/conv1_1/biases is unexpected; leave",
    ),
    "shape": (
        {"conv1/conv1_1/weights": np.ones((3, 3, 4, 3), np.float32)},
        "vgg_a/conv1/conv1_1/weights is 3x3x4x3 where conv1_1/kernel is 3x3x3x4$",
    ),
    "type": (
        {"conv1/conv1_1/biases": np.ones(4, np.int32)},
        "vgg_a/conv1/conv1_1/biases is int32, not floating point$",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_tensors_that_do_not_fit_are_named(
    wrong: str, tensors: dict[str, np.ndarray], backbone: keras.Model, tmp_path: Path
) -> None:
    changes, match = WRONG[wrong]
    path = write(tmp_path / "x.ckpt", tensors, **changes)
    assert_refused(backbone, lambda: load_weights(backbone, path), CorruptFileError, match)


def test_the_small_file_fits_as_it_is(
    tensors: dict[str, np.ndarray], backbone: keras.Model, tmp_path: Path
) -> None:
    load_weights(backbone, write(tmp_path / "x.ckpt", tensors))
    assert all((weight == 1).all() for weight in backbone.get_weights())


def test_another_scope_is_found(
    tensors: dict[str, np.ndarray], backbone: keras.Model, tmp_path: Path
) -> None:
    renamed = {f"mine/{name}": value for name, value in tensors.items()}
    load_weights(backbone, write(tmp_path / "x.ckpt", renamed))
    assert all((weight == 1).all() for weight in backbone.get_weights())


@pytest.mark.parametrize(
    ("part", "match"),
    [
        ("x.ckpt.index", "x.ckpt' cannot be read as a TensorFlow checkpoint"),
        ("x.ckpt.data-00000-of-00001", "x.ckpt.data-00000-of-00001' is damaged: it ends too early"),
    ],
)
def test_files_cut_short_are_corrupt(
    part: str, match: str, tensors: dict[str, np.ndarray], backbone: keras.Model, tmp_path: Path
) -> None:
    path = write(tmp_path / "x.ckpt", tensors)
    cut_short(tmp_path / part)
    assert_refused(backbone, lambda: load_weights(backbone, path), CorruptFileError, match)


def test_flipped_bytes_are_corrupt(
    tensors: dict[str, np.ndarray], backbone: keras.Model, tmp_path: Path
) -> None:
    path = write(tmp_path / "x.ckpt", tensors)
    data = tmp_path / "x.ckpt.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 0xFF
    data.write_bytes(content)
    match = "cannot be read as a TensorFlow checkpoint"
    assert_refused(backbone, lambda: load_weights(backbone, path), CorruptFileError, match)


def test_other_files_are_no_checkpoints(backbone: keras.Model, tmp_path: Path) -> None:
    text, mark = tmp_path / "x.ckpt", tmp_path / "mark"
    text.write_text("not a checkpoint")
    pickled = tmp_path / "x.pkl"
    pickled.write_bytes(b"cos\nsystem\n(S'touch " + bytes(mark) + b"'\ntR.")
    for path, error, match in (
        (text, CorruptFileError, "is neither a .keras nor an .h5 file nor a checkpoint"),
        (pickled, CorruptFileError, "is neither a .keras nor an .h5 file nor a checkpoint"),
        (tmp_path / "nowhere", UsageError, "there is no such file and no such checkpoint"),
        (tmp_path, UsageError, "there is no checkpoint in this directory"),
    ):
        load = functools.partial(load_weights, backbone, path)
        assert_refused(backbone, load, error, match)
    assert not mark.exists()


def test_what_cannot_be_written_is_refused(backbone: keras.Model, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="tf-slim's networks end with fc8, and 'vgg11' does not"):
        export_weights(backbone, tmp_path / "x", "slim")
    with pytest.raises(
        UsageError, match=r"must be one of slim, .*received 'slm' \(did you mean 'slim'"
    ):
        export_weights(backbone, tmp_path / "x", "slm")
    with pytest.raises(KerazooError, match="does not exist: create it first"):
        export_weights(backbone, tmp_path / "a" / "x", "slim")
    wide = kerazoo.create_model("vgg11", head="dense", input_shape=(64, 64, 3), classes=2)
    with pytest.raises(UsageError, match="128x256: it is not for a feature map of 7x7"):
        export_weights(wide, tmp_path / "x", "slim")
    assert not list(tmp_path.iterdir())
