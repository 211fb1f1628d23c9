"""What a `.keras` file may contain, checked before Keras reads it."""

from __future__ import annotations

import contextlib
import copy
import importlib
import io
import json
import math
import re
import sys
import tempfile
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from kerazoo.compat import model_of_config, shapes_only
from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.files import check_file
from kerazoo.lazy import keras
from kerazoo.text import printable
from kerazoo.weights import h5_check
from kerazoo.weights.damage import check_expansion, reported_as

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
NOTE = "kerazoo.json"  # a member that Keras ignores
MEMBER = re.compile(r"metadata\.json|assets(/[\w-][\w.-]*)*/?")  # what else there may be
MAX_JSON = 2**24  # bytes

# Where the classes and functions are that a model is made of.
MODULES = re.compile(
    r"builtins|keras|kerazoo\.layers(\.\w+)*|keras\.(src\.)?(activations|applications|constraints|"
    r"dtype_policies|initializers|layers|losses|metrics|models|ops|quantizers|regularizers)(\.\w+)*"
)
CODE = ("Lambda", "__lambda__", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "TFSMLayer")
ADVICE = (
    "make the model in Python and call kerazoo on it, or save its weights alone as a .weights.h5 "
    "file"
)
# In Keras's messages, the name of a class that it does not know.
UNKNOWN = re.compile(r"(?:Could not locate class|Unknown \w+:) '?(\w+)")
NUMBERS = re.compile(r"bool|bfloat16|(float|u?int)(8|16|32|64)")  # types of arrays


def check(path: Path, modules: Collection[str] = ()) -> tuple[Any, Any, keras.Model]:
    """Check a `.keras` file.

    Args:
        path: The file.
        modules: Names of imported modules of which it may have classes.

    Returns:
        The config of its model, without how it was compiled; what kerazoo has noted in it; and the
        model, whose weights have shapes and no values.

    Raises:
        UsageError: There is no such file, it contains code, which is never run, or no model.
        CorruptFileError: It is damaged, or declares more data than it has.
        PermissionError: It may not be read.
    """
    check_file(path)
    with reported_as(f"'{path}' is not a complete .keras file"), zipfile.ZipFile(path) as archive:
        _check_members(f"'{path}'", archive, path.stat().st_size)
        weights = archive.read(WEIGHTS)
        packed_size = archive.getinfo(WEIGHTS).compress_size
        config = uncompiled(json.loads(archive.read(CONFIG)))
        note = _note(archive)
    with h5_check.opened(io.BytesIO(weights), f"'{path}'") as content:
        h5_check.check(content, f"'{path}'", len(weights), packed_size)
    model = built(f"'{path}'", config, modules)
    elements = sum(math.prod(weight.shape) for weight in model.weights)
    if elements > len(weights):
        raise CorruptFileError(
            f"'{path}' has {len(weights):,} bytes of weights for a model of {elements:,}"
        )
    return config, note, model


def read_note(path: Path) -> Any:
    """Return what kerazoo has noted in a `.keras` file, without checking the rest of it.

    Raises:
        UsageError: There is no such file.
        CorruptFileError: It is damaged.
    """
    check_file(path)
    with reported_as(f"'{path}' is not a complete .keras file"), zipfile.ZipFile(path) as archive:
        _check_members(f"'{path}'", archive, path.stat().st_size)
        return _note(archive)


def _note(archive: zipfile.ZipFile) -> Any:
    return json.loads(archive.read(NOTE)) if NOTE in archive.namelist() else {}


@contextlib.contextmanager
def with_config(path: Path, config: Any) -> Iterator[Path]:
    """Yield a `.keras` file with this config of its model: itself, or a copy that is removed.

    Keras reads how models inside the outer one were compiled, though it is not to compile any.
    """
    with zipfile.ZipFile(path) as archive:
        original = json.loads(archive.read(CONFIG))
        original.pop("compile_config", None)
        if original == config:
            yield path
            return
        with tempfile.TemporaryDirectory() as folder:
            changed = Path(folder) / path.name
            with zipfile.ZipFile(changed, "w") as new:
                new.writestr(CONFIG, json.dumps(config))
                for name in archive.namelist():
                    if name != CONFIG:
                        new.writestr(name, archive.read(name))
            yield changed


def _check_members(source: str, archive: zipfile.ZipFile, size: int) -> None:
    """Raise an error where members are missing, twice there, of others, or far larger unpacked."""
    names = archive.namelist()
    if sum(member.compress_size for member in archive.infolist()) > size:
        raise CorruptFileError(f"{source} is not a .keras file: it declares more than it has")
    for name in (CONFIG, WEIGHTS):
        if name not in names:
            raise CorruptFileError(f"{source} is not a complete .keras file: it has no {name}")
    if len(set(names)) != len(names):
        raise CorruptFileError(f"{source} is not a .keras file: it has a member twice")
    unpacked = packed = 0
    for member in archive.infolist():
        name = member.filename
        if name not in (CONFIG, WEIGHTS, NOTE) and not MEMBER.fullmatch(name):
            raise CorruptFileError(f"{source} is not a .keras file: it has '{printable(name)}'")
        if name.endswith(".json") and member.file_size > MAX_JSON:
            raise CorruptFileError(
                f"{source} is not a .keras file: '{name}' has {member.file_size:,} bytes"
            )
        unpacked, packed = unpacked + member.file_size, packed + member.compress_size
        check_expansion(f"'{name}' in {source}", unpacked, packed)


def check_code(source: str, config: Any, modules: Collection[str]) -> None:
    """Raise a UsageError where the parts of a model are code, or classes of other modules."""
    parts = [config]
    while parts:
        part = parts.pop()
        if isinstance(part, list):
            parts += part
        if not isinstance(part, dict):
            continue
        parts += part.values()
        if isinstance(part.get("vocabulary"), str):
            other = printable(part["vocabulary"])
            raise UsageError(f"{source} has its vocabulary in '{other}', which is not read")
        if "class_name" in part:
            _check_class(source, part, modules)


def _check_class(source: str, part: Any, modules: Collection[str]) -> None:
    """Raise an error where a part of a model is code, or of a class that is not known."""
    name, module = str(part["class_name"]), part.get("module")
    code = printable(f"{module}.{name}" if module else name)
    refused = UsageError(f"{source} contains code, which is never run: {code}; {ADVICE}")
    is_function = name == "function"
    # Keras also takes "layers.Lambda" of the module "keras" for a name
    plain = (str(part.get("config")) if is_function else name).rpartition(">")[2]
    if name in CODE:
        raise UsageError(f"{source} contains code, which is never run: {name}; {ADVICE}")
    if not plain.isidentifier():
        raise refused
    registered = part.get("config" if is_function else "registered_name")
    known = keras.saving.get_registered_object(str(registered)) is not None
    if not module:
        if registered is not None and not known and not is_function:
            raise unknown_class(source, printable(name))
    elif not known and not MODULES.fullmatch(str(module)):
        if is_function or not re.fullmatch(r"[\w.]+", str(module)):
            raise refused
        if str(module).startswith("keras.") or str(module) in sys.stdlib_module_names:
            raise refused
        if module not in modules:
            raise unknown_class(source, code, str(module))
    if name in ("__numpy__", "__tensor__") and not NUMBERS.fullmatch(part["config"]["dtype"]):
        raise CorruptFileError(f"{source} has an array that is not of numbers")


def unknown_class(source: str, name: str, module: str = "MODULE") -> UsageError:
    """Return the error for a file that needs a class of another package."""
    return UsageError(
        f"{source} needs the class {name}, which is neither Keras's nor kerazoo's: if you trust "
        f"the module that has it, `kerazoo summary --import {module}` counts the model; else "
        "save the weights alone as a .weights.h5 file"
    )


def uncompiled(config: Any) -> Any:
    """Return the config of a model without how it was compiled, which is not read."""
    if isinstance(config, dict):
        return {k: uncompiled(v) for k, v in config.items() if k != "compile_config"}
    return [*map(uncompiled, config)] if isinstance(config, list) else config


def built(source: str, config: Any, modules: Collection[str] = ()) -> keras.Model:
    """Return the model of a config, whose weights have shapes and no values.

    Raises:
        UsageError: The config is of no model, is code, or needs a class that Keras does not know.
        CorruptFileError: Keras cannot build it.
    """
    classes = {
        name: value
        for module in modules
        for name, value in vars(importlib.import_module(module)).items()
        if isinstance(value, type) and value.__module__ == module
    }
    message = f"Keras cannot build the model of {source}: it is damaged, or needs code"
    damaged, known = reported_as(f"{message}, which is never run"), keras.saving.CustomObjectScope
    with damaged, shapes_only(), known(classes):
        check_code(source, config, modules)
        try:
            model = model_of_config(copy.deepcopy(config))  # a copy, since Keras changes it
        except (TypeError, ValueError) as error:
            unknown = UNKNOWN.search(str(error))
            if unknown:
                raise unknown_class(source, printable(unknown[1])) from error
            raise
    if not isinstance(model, keras.Model):
        raise UsageError(f"{source} holds a {type(model).__name__}, not a model")
    return model
