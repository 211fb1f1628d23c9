"""A model from what is typed: a name of the zoo or of keras.applications, or a file."""

from __future__ import annotations

from pathlib import Path

from kerazoo import models, registry
from kerazoo.accounting.inputs import InputShape
from kerazoo.compat import shapes_only
from kerazoo.errors import UsageError, did_you_mean
from kerazoo.lazy import keras

APPLICATIONS = "keras.applications:"


def check(name: str) -> None:
    """Refuse what can be no model before anything heavy is loaded.

    Raises:
        UsageError: No model of the zoo has that name, and it is no file.
    """
    if name.startswith(APPLICATIONS):
        return
    if name.endswith(".keras"):
        if not Path(name).is_file():
            raise UsageError(f"there is no file '{name}'")
    elif Path(name).exists():
        raise UsageError(f"'{name}' is no .keras file, which alone holds a whole model")
    else:
        registry.find(name)


def open_model(name: str, input_shape: InputShape | None) -> keras.Model:
    """Return the model; those of a zoo are built for their shapes, their weights have no values.

    Args:
        name: A name of the zoo, "keras.applications:" and a name of it, or a path of a .keras file.
        input_shape: Shape of one sample; None for the model's own.

    Raises:
        UsageError: There is no such model, or it does not take that shape.
        CorruptFileError: The file is damaged.
    """
    if name.endswith(".keras"):
        from kerazoo.weights.keras_file import load_model

        return load_model(Path(name))
    options = {} if input_shape is None else {"input_shape": tuple(input_shape)}
    if not name.startswith(APPLICATIONS):
        with shapes_only():
            return models.create_model(name, **options)
    wanted = name.removeprefix(APPLICATIONS)
    names = [known for known in dir(keras.applications) if known[0].isupper()]
    if wanted not in names:
        raise UsageError(f"keras.applications has no '{wanted}'{did_you_mean(wanted, names)}")
    try:
        with shapes_only():
            return getattr(keras.applications, wanted)(weights=None, **options)
    except ValueError as error:
        raise UsageError(f"{wanted} of keras.applications: {str(error).splitlines()[0]}") from error
