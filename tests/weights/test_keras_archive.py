"""Hostile `.keras` files: code, bombs, other members, models that are none, notes that are none."""

import json
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.errors import CorruptFileError, KerazooError, UsageError
from kerazoo.weights import export_weights, load_weights
from kerazoo.weights.keras_file import load_model

Members = dict[str, bytes]


def unpacked(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def members(tmp_path: Path) -> Members:
    """Return the members of the file of a small model."""
    inputs = keras.Input((3,))
    keras.Model(inputs, keras.layers.Dense(2, name="d")(inputs)).save(tmp_path / "a.keras")
    return unpacked(tmp_path / "a.keras")


def refuse(path: Path, error: type[KerazooError], match: str) -> None:
    with pytest.raises(error, match=match) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


def packed(members: Members, path: Path, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def layers_of(config: Any) -> Any:
    return config["config"]["layers"]


def a_lambda(config: Any) -> None:
    layers_of(config)[1]["class_name"] = "Lambda"


def an_old_lambda(config: Any) -> None:
    layer = layers_of(config)[1]
    del layer["module"], layer["registered_name"]
    layer["class_name"] = "Lambda"


def a_function(config: Any) -> None:
    code = {"class_name": "__lambda__", "config": {"value": "4wEAAAA="}}
    layers_of(config)[1]["config"]["activation"] = code


def another_module(config: Any) -> None:
    layers_of(config)[1].update(module="os", class_name="system", registered_name="system")


def another_function(config: Any) -> None:
    run = {"module": "subprocess", "class_name": "function", "config": "run"}
    layers_of(config)[1]["config"]["activation"] = {**run, "registered_name": "function"}


def a_download(config: Any) -> None:
    get = {"module": "keras.utils", "class_name": "function", "config": "get_file"}
    layers_of(config)[1]["config"]["activation"] = {**get, "registered_name": "get_file"}


def another_setting(config: Any) -> None:
    switch = {"module": "keras.config", "class_name": "function"}
    switch |= {"config": "enable_unsafe_deserialization", "registered_name": "function"}
    layers_of(config)[1]["config"]["activation"] = switch


def a_dotted_class(config: Any) -> None:
    layers_of(config)[1].update(module="keras", class_name="layers.TFSMLayer")


def a_dotted_lambda(config: Any) -> None:
    layers_of(config)[1].update(module="keras", class_name="layers.Lambda")


def a_dotted_function(config: Any) -> None:
    get = {"module": "keras", "class_name": "function", "config": "utils.get_file"}
    layers_of(config)[1]["config"]["activation"] = {**get, "registered_name": "function"}


def a_command(config: Any) -> None:
    layers_of(config)[1].update(module="os; rm", class_name="Own", registered_name="Own")


def a_pickle(config: Any) -> None:
    layers_of(config)[1]["class_name"] = "TorchModuleWrapper"


def a_vocabulary(config: Any) -> None:
    layers_of(config)[1]["class_name"] = "StringLookup"
    layers_of(config)[1]["config"] = {"name": "s", "vocabulary": "/etc/passwd"}


def a_layer(config: Any) -> None:
    layer = layers_of(config)[1]
    del layer["name"], layer["inbound_nodes"]
    config.clear()
    config.update(layer)


def a_large_layer(config: Any) -> None:
    layers_of(config)[1]["config"]["units"] = 10**12


def a_negative_layer(config: Any) -> None:
    layers_of(config)[1]["config"]["units"] = -1


def a_class_of_its_own(config: Any) -> None:
    layers_of(config)[1].update(module=None, class_name="Own", registered_name="my>Own")


def a_function_of_python(config: Any) -> None:
    function = {"module": "builtins", "class_name": "function", "config": "eval"}
    layers_of(config)[1]["config"]["activation"] = {**function, "registered_name": "function"}


def a_wide_array(config: Any) -> None:
    array = {"class_name": "__numpy__", "config": {"value": "a", "dtype": "U999999999"}}
    layers_of(config)[1]["config"]["bias_constraint"] = array


CANNOT_BUILD = (
    "^Keras cannot build the model of '.*': it is damaged, or needs code, which is never run$"
)
CONFIGS: dict[Callable[[Any], None], tuple[type[KerazooError], str]] = {
    a_lambda: (UsageError, r"contains code, which is never run: Lambda; make the model"),
    an_old_lambda: (UsageError, r"contains code, which is never run: Lambda; make the model"),
    a_function: (UsageError, r"contains code, which is never run: __lambda__; make the model"),
    another_module: (UsageError, r"contains code, which is never run: os.system; make the model"),
    a_dotted_class: (UsageError, r"contains code, which is never run: keras.layers.TFSMLayer; "),
    a_dotted_lambda: (UsageError, r"contains code, which is never run: keras.layers.Lambda; "),
    a_dotted_function: (UsageError, r"contains code, which is never run: keras.function; "),
    a_command: (UsageError, r"contains code, which is never run: os; rm.Own; make the model"),
    another_function: (
        UsageError,
        r"contains code, which is never run: subprocess.function; make the model",
    ),
    a_download: (
        UsageError,
        r"contains code, which is never run: keras.utils.function; make the model",
    ),
    another_setting: (
        UsageError,
        r"contains code, which is never run: keras.config.function; make the model",
    ),
    a_pickle: (
        UsageError,
        r"contains code, which is never run: TorchModuleWrapper; make the model",
    ),
    a_vocabulary: (UsageError, "has its vocabulary in '/etc/passwd', which is not read$"),
    a_layer: (UsageError, "holds a Dense, not a model$"),
    a_large_layer: (CorruptFileError, r"bytes of weights for a model of 4,000,000,000,000$"),
    a_negative_layer: (CorruptFileError, CANNOT_BUILD),
    a_class_of_its_own: (
        UsageError,
        "needs the class Own, which is neither Keras",
    ),
    a_function_of_python: (CorruptFileError, CANNOT_BUILD),
    a_wide_array: (CorruptFileError, "has an array that is not of numbers$"),
}


@pytest.mark.parametrize("change", CONFIGS)
def test_what_is_no_model_or_holds_code_is_never_built(
    change: Callable[[Any], None],
    members: Members,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    monkeypatch.setattr(keras.models, "load_model", None)
    error, match = CONFIGS[change]
    refuse(packed(members, tmp_path / "b.keras"), error, match)


def test_a_class_that_the_program_has_registered_is_known(tmp_path: Path) -> None:
    @keras.saving.register_keras_serializable("mine")
    class Mine(keras.layers.Dense):
        pass

    inputs = keras.Input((3,))
    model = keras.Model(inputs, Mine(2)(inputs))
    model.save(tmp_path / "a.keras")
    np.testing.assert_array_equal(load_model(tmp_path / "a.keras").weights[0], model.weights[0])


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("model.weights.h5", "is not a complete .keras file: it has no model.weights.h5$"),
        ("config.json", "is not a complete .keras file: it has no config.json$"),
    ],
)
def test_the_member_that_is_missing_is_named(
    name: str, match: str, members: Members, tmp_path: Path
) -> None:
    del members[name]
    refuse(packed(members, tmp_path / "b.keras"), CorruptFileError, match)


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/evil", "assets/../../evil", "assets\\evil", "evil.py", "a\nb"]
)
def test_other_members_are_refused(name: str, members: Members, tmp_path: Path) -> None:
    members[name] = b"evil"
    path = packed(members, tmp_path / "b.keras")
    refuse(path, CorruptFileError, r"is not a \.keras file: it has '.*evil|it has 'a\\nb'$")


def test_a_member_that_is_there_twice_is_refused(members: Members, tmp_path: Path) -> None:
    path = packed(members, tmp_path / "b.keras")
    with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("config.json", b"{}")
    refuse(path, CorruptFileError, "is not a .keras file: it has a member twice$")


@pytest.mark.parametrize("name", ["model.weights.h5", "config.json", "assets/vocabulary.txt"])
def test_a_bomb_is_reported_by_its_declared_size(
    name: str, members: Members, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members[name] = bytes(10**7)
    path = packed(members, tmp_path / "b.keras", zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(zipfile.ZipFile, "read", None)
    monkeypatch.setattr("kerazoo.weights.damage.ALWAYS_ALLOWED", 10**6)
    refuse(
        path, CorruptFileError, rf"'{name}' in .* would unpack [\d,]+ bytes to 10,0[\d,]+, which"
    )


def test_a_member_that_declares_more_than_the_file_has_is_refused(
    members: Members, tmp_path: Path
) -> None:
    """What a member takes, packed, stands in the directory of the archive, which may lie."""
    members["metadata.json"] = b" " * 10**6
    path = packed(members, tmp_path / "a.keras", zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo("metadata.json").compress_size
    content = path.read_bytes()
    start = content.rindex(b"metadata.json") - 46  # of its entry in the directory
    assert struct.unpack_from("<I", content, start + 20) == (size,)
    path.write_bytes(content[: start + 20] + struct.pack("<I", 10**6) + content[start + 24 :])
    refuse(path, CorruptFileError, "it declares more than it has")


def test_a_compressed_archive_is_read(members: Members, tmp_path: Path) -> None:
    again = load_model(packed(members, tmp_path / "b.keras", zipfile.ZIP_DEFLATED))
    np.testing.assert_array_equal(again.weights[0], load_model(tmp_path / "a.keras").weights[0])


def test_a_size_that_is_a_lie_is_damage(members: Members, tmp_path: Path) -> None:
    path = packed(members, tmp_path / "b.keras")
    content, size = path.read_bytes(), len(members["config.json"])
    path.write_bytes(content.replace(struct.pack("<I", size), struct.pack("<I", size - 1)))
    refuse(path, CorruptFileError, "is not a complete .keras file$")


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"3", b'"a"', b"[]", b"\xff"])
def test_a_config_that_is_none_is_damage(content: bytes, members: Members, tmp_path: Path) -> None:
    members["config.json"] = content
    with pytest.raises(KerazooError):
        load_model(packed(members, tmp_path / "b.keras"))


def test_code_that_a_model_inside_was_compiled_with_is_not_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    inner.compile("sgd", "mse")
    keras.Sequential([keras.Input((3,)), inner]).save(tmp_path / "a.keras")
    members = unpacked(tmp_path / "a.keras")
    config = json.loads(members["config.json"])
    run = {"module": "subprocess", "class_name": "function", "config": "run"}
    (compiled,) = (layer for layer in layers_of(config) if layer["class_name"] == "Sequential")
    assert compiled["compile_config"]["loss"] == "mse"
    compiled["compile_config"]["loss"] = {**run, "registered_name": "function"}
    members["config.json"] = json.dumps(config).encode()
    monkeypatch.setattr(keras.Model, "compile_from_config", None)
    model = load_model(packed(members, tmp_path / "b.keras"))
    np.testing.assert_array_equal(model.get_weights()[0], inner.get_weights()[0])


def test_weights_of_another_model_are_damage(members: Members, tmp_path: Path) -> None:
    inputs = keras.Input((4,))
    keras.Model(inputs, keras.layers.Dense(2, name="d")(inputs)).save(tmp_path / "c.keras")
    with zipfile.ZipFile(tmp_path / "c.keras") as archive:
        members["model.weights.h5"] = archive.read("model.weights.h5")
    path = packed(members, tmp_path / "b.keras")
    refuse(path, CorruptFileError, "is damaged: its weights are not those of its model$")


NOTES = [
    [],
    3,
    {"preprocessing": 3},
    {"preprocessing": ["unit"]},
    {"preprocessing": "of tomorrow"},
    {"model": 3},
    {"model": {"name": "of tomorrow", "options": {}}},
    {"model": {"name": ["vgg16"], "options": {}}},
    {"model": {"name": "vgg16"}},
    {"model": {"name": "vgg16", "options": 3}},
    {"model": {"name": "vgg16", "options": [["a"]]}},
    {"model": {"name": "mnist_cnn", "options": {}}},  # which it is not
    {"model": {"name": "mnist_cnn", "options": {"classes": -1}}},
    {"model": {"name": "mnist_cnn", "options": {"unknown": 1}}},
]


@pytest.mark.parametrize("note", NOTES, ids=map(str, NOTES))
def test_a_note_of_another_form_is_refused(note: Any, members: Members, tmp_path: Path) -> None:
    members["kerazoo.json"] = json.dumps(note).encode()
    path = packed(members, tmp_path / "b.keras")
    refuse(path, CorruptFileError, r"has an unreadable kerazoo\.json: get a new copy of the file$")


@pytest.mark.parametrize("option", ["weights", "name", "input_tensor"])
def test_a_note_gives_no_options_but_those_of_the_graph(option: str, tmp_path: Path) -> None:
    export_weights(kerazoo.create_model("mnist_cnn"), tmp_path / "a.keras", "keras")
    members = unpacked(tmp_path / "a.keras")
    note = {"model": {"name": "mnist_cnn", "options": {option: "/etc/passwd"}}}
    members["kerazoo.json"] = json.dumps(note).encode()
    refuse(packed(members, tmp_path / "b.keras"), CorruptFileError, "has an unreadable kerazoo")


def test_a_model_with_a_note_knows_what_it_is(tmp_path: Path) -> None:
    source = kerazoo.create_model("mnist_cnn", weights="mnist")
    export_weights(source, tmp_path / "a.keras", "keras")
    again = load_model(tmp_path / "a.keras")
    assert again.preprocessing == source.preprocessing
    assert again.kerazoo_config == source.kerazoo_config
    load_weights(kerazoo.create_model("mnist_cnn"), again)
