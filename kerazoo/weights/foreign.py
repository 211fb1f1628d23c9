"""Networks and formats of other programs that kerazoo does not read, known by their names."""

from __future__ import annotations

import re
import stat
from collections.abc import Collection
from itertools import chain
from pathlib import Path

from kerazoo.errors import UsageError
from kerazoo.files import mode

# Beginnings of the names of networks, as they are written in tf-slim and in keras.applications.
NAMES = re.compile(
    r"(?:^|/)((?:mobilenet|efficientnet|densenet|p?nasnet|convnext|regnet|xception|cifarnet|"
    r"overfeat|squeezenet|inception_?v[2-4]|inception_?resnet|resnet_?v2|resnet\d+_?v2)[^/]*)",
    re.IGNORECASE,
)
# Layers of keras.applications, of which one pattern alone fits a network.
LAYERS = {
    r"conv\d_block\d+_preact_bn/": "ResNet V2",
    r"pool2_conv/": "DenseNet",
    r"conv_dw_\d+/": "MobileNet",
    r"block_\d+_expand/": "MobileNetV2",
    r"expanded_conv_\w*squeeze_excite": "MobileNetV3",
    r"block\d+_sepconv\d/": "Xception",
    r"block\d[a-z]_(dwconv|se_reduce|expand_conv)": "EfficientNet",
    r"block35_\d+_conv/|conv_7b/": "InceptionResNetV2",
    r"(normal|reduction)_(conv|bn)_\d": "NASNet",
    r"conv2d_93/": "InceptionV3",
}

# Files of other programs, by the endings of their names.
SUFFIXES = {
    ".pb": "a graph of TensorFlow",
    ".pbtxt": "a graph of TensorFlow",
    ".tflite": "a model of TensorFlow Lite",
    ".onnx": "an ONNX model",
    ".pt": "a file of PyTorch",
    ".pth": "a file of PyTorch",
    ".safetensors": "a file of safetensors",
    ".json": "a JSON file",
    ".npz": "a file of NumPy",
    ".npy": "a file of NumPy",
}


def check_known(source: str, names: Collection[str]) -> None:
    """Raise a UsageError where names are those of a network that kerazoo does not have."""
    by_name = (match[1] for name in names if (match := NAMES.search(name)))
    by_layer = (
        network
        for layer, network in LAYERS.items()
        if any(re.match(rf"(.*/)?({layer})", name) for name in names)
    )
    if network := next(chain(by_name, by_layer), None):
        raise UsageError(
            f"{source} has the weights of {network}, which kerazoo does not have: `kerazoo list` "
            "lists its models"
        )


def format_of(path: Path) -> str:
    """Return ".keras", ".h5", or "" for a checkpoint, by the beginning of a file or its name.

    Raises:
        UsageError: It is of a format that kerazoo does not read.
        PermissionError: It may not be read.
    """
    suffix = path.suffix.lower()
    if other := SUFFIXES.get(suffix):
        raise UsageError(
            f"'{path}' is {other}, which kerazoo does not read: save its weights as a .keras file, "
            "an .h5 file or a checkpoint"
        )
    type_bits = mode(path)
    if type_bits is not None and stat.S_ISREG(type_bits):
        with path.open("rb") as file:
            start = file.read(8)
        if start == b"\x89HDF\r\n\x1a\n":
            return ".h5"
        if start.startswith(b"PK\3\4"):
            return ".keras"
    return ".h5" if suffix == ".hdf5" else suffix if suffix in (".keras", ".h5") else ""
