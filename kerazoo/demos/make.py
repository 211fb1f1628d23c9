"""Makes the page of a demo from its name."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from kerazoo.demos.catalogue import DEMOS
from kerazoo.demos.page import Page
from kerazoo.demos.texts import LANGUAGES
from kerazoo.errors import UsageError, did_you_mean
from kerazoo.values import check_choice, short


def page(
    name: str,
    image: str | os.PathLike[str] | None = None,
    model: str | None = None,
    language: str = "en",
) -> Page:
    """Return the page of a demo.

    Args:
        name: One of `kerazoo.demos.catalogue.DEMOS`.
        image: The user's image, for a demo that has one; None for its own.
        model: The directory of a run, a `.keras` file or a name, for a demo that has a model; None
            for its own.
        language: "en" or "zh".

    Raises:
        UsageError: There is no such demo, image or model, or the demo takes none.
        CorruptFileError: The image or the model is damaged.
        DataMissingError: The model has no weights here.
    """
    image = None if image is None else _path(image)
    check_options(name, image, model)
    check_choice("language", language, LANGUAGES)
    module = importlib.import_module(f"kerazoo.demos.{name}")
    return module.draw(module.compute(**_given(module, name, image, model)), language)


def _path(image: object) -> Path:
    if not isinstance(image, str | os.PathLike) or not str(image):
        raise UsageError(f"image is {short(image)}, not the path of a file")
    return Path(image)


def check_options(name: str, image: Path | None, model: str | None) -> None:
    """Raise an error if there is no such demo, or it does not take what is given."""
    if not isinstance(name, str) or name not in DEMOS:
        raise UsageError(f"there is no demo '{name}'{did_you_mean(str(name), DEMOS)}")
    demo = DEMOS[name]
    for option, given, taken in (("image", image, demo.image), ("model", model, demo.model)):
        if given is not None and taken is None:
            raise UsageError(f"the demo {name} takes no --{option}")


def _given(module: Any, name: str, image: Path | None, model: str | None) -> dict[str, Any]:
    """Return the arguments of a demo's `compute`: its image and its model, where it has them."""
    demo = DEMOS[name]
    given: dict[str, Any] = {}
    if demo.image not in (None, "of the model"):
        from kerazoo.demos import images  # it imports scikit-learn

        is_digit = demo.image == "digit"
        given["image"] = images.digit(image) if is_digit else images.photo(image, demo.image)
    if demo.model is not None:
        given["classifier"] = module.open_model(demo.model if model is None else model)
    if demo.image == "of the model":
        from kerazoo.demos import models  # it imports TensorFlow

        given["image"] = models.image_for(given["classifier"], image)
    return given
