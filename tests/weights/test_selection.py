"""Which weights are loaded: moving averages, `ignore`, `rename`, and what is left out."""

import logging
from pathlib import Path
from typing import Any

import keras
import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.errors import KerazooError, UsageError
from kerazoo.weights import checkpoint_writer
from legacy_tf1.program import tf1
from tests.helpers.checkpoints import assert_refused, relative_error, slim_graph

AVERAGE = "ExponentialMovingAverage"


@pytest.fixture(autouse=True)
def all_messages(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


@pytest.fixture
def model() -> keras.Model:
    return kerazoo.create_model("mnist_cnn", classes=3)


@pytest.fixture
def tensors(model: keras.Model) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {each.path: rng.random(each.shape, np.float32) for each in model.weights}


def saved(tensors: dict[str, Any], path: Path) -> Path:
    checkpoint_writer.write(path, tensors)
    return path


def values(model: keras.Model) -> dict[str, np.ndarray]:
    return {each.path: each.numpy() for each in model.weights}


@pytest.fixture(scope="module")
def averaged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return a checkpoint with averages, and what slim's graph computes with and without them."""
    path = tmp_path_factory.mktemp("averages") / "model.ckpt"
    image = np.random.default_rng(1).normal(size=(1, 224, 224, 3))
    rng = np.random.default_rng(2)
    result: dict[str, Any] = {"path": path, "image": image}
    with pytest.MonkeyPatch.context() as patch:
        from tests.helpers import thin

        thin.make_thin(patch)
        for stage in ("train", "averages", "raw"):
            with tf.Graph().as_default(), tf1.Session() as session:
                images, logits = slim_graph("vgg_a", 7, 224)
                averages = tf1.train.ExponentialMovingAverage(0.5)
                if stage == "train":
                    step = averages.apply(tf1.trainable_variables())
                    session.run(tf1.global_variables_initializer())
                    for _ in range(3):
                        for each in tf1.trainable_variables():
                            each.load(rng.uniform(-0.2, 0.3, each.shape), session)
                        session.run(step)
                    tf1.train.Saver().save(session, str(path))
                    continue
                names = averages.variables_to_restore() if stage == "averages" else None
                tf1.train.Saver(names).restore(session, str(path))
                result[stage] = session.run(logits, {images: image})
    return result


def test_moving_averages_are_what_slim_evaluates_with(
    averaged: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert relative_error(averaged["raw"], averaged["averages"]) > 0.01
    options = {"classes": 7, "classifier_activation": None}
    model = kerazoo.create_model("vgg11", weights=averaged["path"], **options)
    assert relative_error(averaged["averages"], model(averaged["image"]).numpy()) <= 1e-5
    count = len(model.trainable_weights)
    kerazoo.load_weights(model, averaged["path"], averages=False)
    assert relative_error(averaged["raw"], model(averaged["image"]).numpy()) <= 1e-5
    path = averaged["path"]
    used = f"{count} moving averages are used in place of the raw weights"
    assert caplog.messages[0] == f"'{path}': {used}"
    assert caplog.messages[1:] == [f"'{path}': skipped {count} tensors .../{AVERAGE}"]


def test_averages_alone_load(
    model: keras.Model, tensors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    path = saved({f"{name}/{AVERAGE}": value for name, value in tensors.items()}, tmp_path / "x")
    kerazoo.load_weights(model, path)
    for name, value in values(model).items():
        np.testing.assert_array_equal(value, tensors[name])
    with pytest.raises(UsageError, match="holds moving averages alone: load it with averages=True"):
        kerazoo.load_weights(model, path, averages=False)


def test_averages_load_beside_as_many_statistics_though_some_are_ignored(
    tmp_path: Path,
) -> None:
    inputs = keras.Input((4,))
    x = keras.layers.BatchNormalization(name="bn")(keras.layers.Dense(3, name="d")(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2, name="head")(x))
    rng = np.random.default_rng(0)
    tensors = {each.path: rng.random(each.shape, np.float32) for each in model.weights}
    trained = {each.path for each in model.trainable_weights}
    names = {name: f"{name}/{AVERAGE}" if name in trained else name for name in tensors}
    path = saved({names[name]: value for name, value in tensors.items()}, tmp_path / "x")
    before = values(model)
    kerazoo.load_weights(model, path, ignore=["d/*", "head/*"])
    for name, value in values(model).items():
        expected = tensors if name.startswith("bn/") else before
        np.testing.assert_array_equal(value, expected[name])


@pytest.mark.parametrize(
    ("name", "scope"),
    [(AVERAGE, "train/tower"), ("my_ema", "train"), ("average", ""), (AVERAGE, "")],
)
def test_averages_of_other_names_and_inside_other_scopes_load(
    name: str, scope: str, model: keras.Model, tensors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    with tf.Graph().as_default(), tf1.Session() as session:
        weights = [tf1.Variable(value, name=path) for path, value in tensors.items()]
        with tf1.variable_scope(scope or tf1.get_variable_scope()):
            averages = tf1.train.ExponentialMovingAverage(0.75, name=name)
            step = averages.apply(weights)
        optimizer = tf1.train.MomentumOptimizer(0.1, 0.9)
        loss = tf.add_n([tf.reduce_sum(each) for each in weights])
        with tf1.variable_scope("train"):
            train = optimizer.minimize(loss)
        session.run(tf1.global_variables_initializer())
        session.run(train)
        session.run(step)
        tf1.train.Saver().save(session, str(tmp_path / "x"))
    kerazoo.load_weights(model, tmp_path / "x")
    for path, value in values(model).items():
        np.testing.assert_allclose(value, tensors[path] - 0.1 * 0.25, rtol=1e-5)
    kerazoo.load_weights(model, tmp_path / "x", averages=False)
    for path, value in values(model).items():
        np.testing.assert_allclose(value, tensors[path] - 0.1, rtol=1e-5)


def test_several_averages_of_a_weight_are_named(
    model: keras.Model, tensors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    name, value = "conv1/bias", tensors["conv1/bias"]
    more = {f"{name}/{AVERAGE}": value + 1, f"{name}/EMA": value + 2}
    path = saved({**tensors, **more}, tmp_path / "x")
    match = (
        f"has several averages of {name}: {name}/EMA and {name}/{AVERAGE}; leave out all but one"
    )
    assert_refused(model, lambda: kerazoo.load_weights(model, path), UsageError, match)
    kerazoo.load_weights(model, path, ignore=["*/EMA"])
    np.testing.assert_array_equal(values(model)[name], value + 1)


def test_averages_beside_raw_weights_stand_for_those_that_are_missing(
    model: keras.Model, tensors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    """As `variables_to_restore` of an average of some variables saves them."""
    some = ("output/kernel", "output/bias")
    content = {f"{k}/{AVERAGE}" if k in some else k: value for k, value in tensors.items()}
    path = saved({**content, f"loss/{AVERAGE}": np.ones(2, np.float32)}, tmp_path / "x")
    kerazoo.load_weights(model, path)
    for name, value in values(model).items():
        np.testing.assert_array_equal(value, tensors[name])


def test_averages_of_what_is_no_weight_are_left_out(
    model: keras.Model,
    tensors: dict[str, np.ndarray],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    name, value = "conv1/bias", tensors["conv1/bias"]
    slots = {f"{name}/Adam": value + 1, f"{name}/Adam/{AVERAGE}": value + 2}
    activation = {f"mul/{AVERAGE}": np.ones(3, np.float32)}
    for averages in ({}, {f"{name}/{AVERAGE}": value + 3}):
        path = saved({**tensors, **slots, **activation, **averages}, tmp_path / "x")
        kerazoo.load_weights(model, path)
        np.testing.assert_array_equal(values(model)[name], averages.get(f"{name}/{AVERAGE}", value))
        left = [f"{name}/Adam", f"{name}/Adam/{AVERAGE}", f"mul/{AVERAGE}"]
        assert all(each in caplog.text or "2 tensors .../" in caplog.text for each in left)


def test_a_weight_may_have_the_name_of_an_average(tmp_path: Path) -> None:
    class Averaging(keras.layers.Layer):
        def build(self, shape: tuple[int, ...]) -> None:
            self.gamma = self.add_weight(shape=(2,), name="gamma")
            self.average = self.add_weight(shape=(2,), name="average")

        def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
            return x * self.gamma + self.average

    source, model = (
        keras.Sequential([keras.Input((2,)), Averaging(name="layer")]) for _ in range(2)
    )
    source.layers[0].average.assign([3.0, 4.0])
    for weights in (source, saved(values(source), tmp_path / "x")):
        kerazoo.load_weights(model, weights)
        np.testing.assert_array_equal(model.layers[0].average, [3, 4])
        model.layers[0].average.assign([0, 0])


def test_a_network_and_its_average_in_a_scope_are_two(
    model: keras.Model, tensors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    teacher = {f"teacher/{name}": value + 1 for name, value in tensors.items()}
    path = saved({**tensors, **teacher}, tmp_path / "x")
    load = lambda: kerazoo.load_weights(model, path)  # noqa: E731
    assert_refused(model, load, UsageError, "several networks that fit, .* with '', 'teacher/'")
    kerazoo.load_weights(model, path, ignore=["teacher/*"])
    np.testing.assert_array_equal(values(model)["fc1/bias"], tensors["fc1/bias"])


def test_a_weight_without_an_average_stays_raw(
    model: keras.Model, tensors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    average = {f"conv1/kernel/{AVERAGE}": tensors["conv1/kernel"] + 1}
    kerazoo.load_weights(model, saved({**tensors, **average}, tmp_path / "x"))
    got = values(model)
    np.testing.assert_array_equal(got["conv1/kernel"], tensors["conv1/kernel"] + 1)
    np.testing.assert_array_equal(got["conv1/bias"], tensors["conv1/bias"])


def test_what_is_ignored_is_neither_loaded_nor_needed(
    model: keras.Model,
    tensors: dict[str, np.ndarray],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = values(model)
    tensors["output/kernel"] = np.ones((64, 9), np.float32)
    tensors["head/kernel"] = np.ones(4, np.float32)
    del tensors["output/bias"]
    path = saved(tensors, tmp_path / "x")
    kerazoo.load_weights(model, path, ignore=["output/*", "head/k*"])
    for name, value in values(model).items():
        kept = name.startswith("output")
        np.testing.assert_array_equal(value, before[name] if kept else tensors[name])
    assert caplog.messages == [
        f"'{path}': skipped head/kernel, output/kernel",
        f"'{path}': these weights of the model keep their values: output/kernel, output/bias",
    ]


def test_names_are_renamed_by_regular_expressions(
    model: keras.Model, tensors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    renamed = {f"net/{name.replace('conv', 'c_')}": value for name, value in tensors.items()}
    path = saved(renamed, tmp_path / "x")
    kerazoo.load_weights(model, path, rename={r"c_(\d)": r"conv\1", "^net/": ""})
    for name, value in values(model).items():
        np.testing.assert_array_equal(value, tensors[name])


def test_names_are_ignored_as_they_are_before_and_after_renaming(
    model: keras.Model, tensors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    before = values(model)
    path = saved({f"my_{name}": value for name, value in tensors.items()}, tmp_path / "x")
    options: dict[str, Any] = {"rename": {"^my_": ""}, "ignore": ["my_fc1/*", "output/*"]}
    kerazoo.load_weights(model, path, **options)
    for name, value in values(model).items():
        kept = name.startswith(("fc1", "output"))
        np.testing.assert_array_equal(value, before[name] if kept else tensors[name])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"ignore": ["fc9/*"]}, r"ignore: 'fc9/\*' fits no name in"),
        ({"ignore": "fc1/*"}, r"ignore must be a list of patterns; received 'fc1/\*'"),
        ({"ignore": [1]}, "ignore must be a list of patterns"),
        ({"ignore": 1}, "ignore must be a list of patterns"),
        ({"rename": {"fc9": "fc1"}}, "rename: 'fc9' fits no name in"),
        ({"rename": {"(": ""}}, r"rename: '\(' to '' is not a regular expression and its repl"),
        ({"rename": {"fc1": r"\3"}}, "is not a regular expression and its replacement"),
        ({"rename": {"fc1": 3}}, "is not a regular expression and its replacement"),
        ({"rename": {"kernel|bias": "x"}}, "rename gives conv1/.* and conv1/.* of .* one name"),
        ({"rename": ["fc1"]}, "rename must be a mapping of patterns"),
        (
            {"rename": {"fc1": "fc9"}},
            r"fc1/kernel is missing, .* fc9/kernel \(fc1/kernel\)",
        ),
        ({"ignore": ["*"]}, "ignore leaves nothing of '.*' to load"),
        ({"averages": "yes"}, "averages must be True or False; received 'yes'"),
    ],
)
def test_patterns_that_are_wrong_are_refused(
    options: dict[str, Any],
    match: str,
    model: keras.Model,
    tensors: dict[str, np.ndarray],
    tmp_path: Path,
) -> None:
    path = saved(tensors, tmp_path / "x")
    load = lambda: kerazoo.load_weights(model, path, **options)  # noqa: E731
    assert_refused(model, load, KerazooError, match)


def test_a_scope_is_found_and_scalars_are_left_out(
    model: keras.Model,
    tensors: dict[str, np.ndarray],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    extra: dict[str, Any] = {"cnn/learning_rate": np.float32(1), "global_step": np.int64(3)}
    scoped: dict[str, Any] = {f"cnn/{name}": value for name, value in tensors.items()}
    for name in ("cnn/conv1/kernel", "cnn/conv2/bias"):  # as slim's batch normalization has them
        extra |= {f"{name}/biased": scoped[name], f"{name}/local_step": np.float32(2)}
    path = saved({**scoped, **extra}, tmp_path / "x")
    kerazoo.load_weights(model, path)
    for name, value in values(model).items():
        np.testing.assert_array_equal(value, tensors[name])
    slots = "2 tensors .../local_step, 2 tensors .../biased"
    assert caplog.messages == [f"'{path}': skipped cnn/learning_rate, global_step, {slots}"]


def test_two_networks_that_fit_are_named(
    model: keras.Model, tensors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    both = {f"{tower}/{name}": value for name, value in tensors.items() for tower in "ab"}
    path = saved(both, tmp_path / "x")
    load = lambda: kerazoo.load_weights(model, path)  # noqa: E731
    assert_refused(model, load, UsageError, "several networks that fit, .* with 'a/', 'b/': leave")
    kerazoo.load_weights(model, path, ignore=["b/*"])


@pytest.mark.parametrize("kind", [ml_dtypes.bfloat16, np.float16, np.float64])
def test_other_floating_point_types_load(
    kind: Any, model: keras.Model, tensors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    cast = {name: tf.constant(value.astype(kind)) for name, value in tensors.items()}
    kerazoo.load_weights(model, saved(cast, tmp_path / "x"))
    for name, value in values(model).items():
        np.testing.assert_array_equal(value, tensors[name].astype(kind).astype(np.float32))


def test_weights_that_are_not_finite_are_a_warning(
    model: keras.Model,
    tensors: dict[str, np.ndarray],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tensors["fc1/bias"][3], tensors["conv2/bias"][0] = np.nan, -np.inf
    path = saved(tensors, tmp_path / "x")
    kerazoo.load_weights(model, path)
    assert caplog.messages == [f"'{path}': these weights are NaN or infinite: conv2/bias, fc1/bias"]


def test_shipped_weights_load_for_other_classes() -> None:
    whole, model = (kerazoo.create_model("mnist_cnn", classes=number) for number in (10, 3))
    kerazoo.load_weights(whole, "mnist")
    kerazoo.load_weights(model, "mnist", ignore=["output/*"])
    np.testing.assert_array_equal(values(model)["fc1/kernel"], values(whole)["fc1/kernel"])
