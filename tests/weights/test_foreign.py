"""Networks that kerazoo does not have are reported by their names."""

from pathlib import Path

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.compat import shapes_only
from kerazoo.errors import UsageError
from kerazoo.weights import checkpoint_writer, load_weights
from kerazoo.weights.foreign import check_known
from kerazoo.weights.networks import named_weights
from tests.helpers.checkpoints import assert_refused

# The network that is reported for each of keras.applications.
APPLICATIONS = {
    "ResNet50V2": "ResNet V2",
    "MobileNet": "MobileNet",
    "MobileNetV2": "MobileNetV2",
    "MobileNetV3Small": "MobileNetV3",
    "Xception": "Xception",
    "DenseNet121": "DenseNet",
    "EfficientNetB0": "EfficientNet",
    "EfficientNetV2B0": "EfficientNet",
    "InceptionResNetV2": "InceptionResNetV2",
    "NASNetMobile": "NASNet",
    "ConvNeXtTiny": "convnext_tiny_.*",
}


@pytest.mark.parametrize("application", APPLICATIONS)
def test_networks_of_keras_applications_are_known_by_their_layers(application: str) -> None:
    with shapes_only():
        names = named_weights(getattr(keras.applications, application)(weights=None))
    network = APPLICATIONS[application]
    with pytest.raises(UsageError, match=f"x has the weights of {network}, which kerazoo does not"):
        check_known("x", names)


@pytest.mark.parametrize("name", kerazoo.list_models())
def test_the_networks_of_kerazoo_are_not_among_them(name: str) -> None:
    with shapes_only():
        check_known("x", named_weights(kerazoo.create_model(name)))


@pytest.mark.parametrize("application", ["VGG19", "ResNet152"])
def test_nor_are_those_that_both_have(application: str) -> None:
    with shapes_only():
        check_known("x", named_weights(getattr(keras.applications, application)(weights=None)))


@pytest.mark.parametrize(
    "form",
    [
        "a.weights.h5",
        *(pytest.param(f, marks=pytest.mark.full) for f in ("object", "a.h5", "a.keras")),
    ],
)
def test_a_resnet_v2_is_refused_in_every_form(form: str, tmp_path: Path) -> None:
    source = keras.applications.ResNet50V2(weights=None, include_top=False)
    if form != "object":
        (source.save_weights if form == "a.weights.h5" else source.save)(tmp_path / form)
    model = kerazoo.create_model("resnet50", include_top=False)
    match = r"(ResNet V2|resnet50v2), which kerazoo does not have: `kerazoo list` lists its models$"
    weights = source if form == "object" else tmp_path / form
    assert_refused(model, lambda: load_weights(model, weights), UsageError, match)


@pytest.mark.parametrize(
    ("tensor", "network"),
    [
        ("resnet_v2_50/block1/unit_1/bottleneck_v2/conv1/weights", "resnet_v2_50"),
        ("MobilenetV1/Conv2d_0/weights", "MobilenetV1"),
        ("tower/InceptionV3/Conv2d_1a_3x3/weights", "InceptionV3"),
        ("InceptionResnetV2/Conv2d_1a_3x3/weights", "InceptionResnetV2"),
        ("pnasnet_large/conv0/weights", "pnasnet_large"),
    ],
)
def test_checkpoints_of_slims_other_networks_are_refused(
    tensor: str, network: str, tmp_path: Path
) -> None:
    checkpoint_writer.write(tmp_path / "x", {tensor: np.ones((3, 3, 3, 8), np.float32)})
    model = kerazoo.create_model("resnet50", include_top=False)
    match = f"'{tmp_path}/x' has the weights of {network}, which kerazoo does not have"
    assert_refused(model, lambda: load_weights(model, tmp_path / "x"), UsageError, match)
