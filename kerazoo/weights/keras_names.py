"""The names of layers in keras.applications, from those in kerazoo."""

from __future__ import annotations

import re

VGG = {
    r"conv(\d)_(\d)": r"block\1_conv\2",
    r"pool(\d)": r"block\1_pool",
    r"pool5_flat": "flatten",
    r"fc6": "fc1",
    r"fc7": "fc2",
    r"fc8": "predictions",
}
RESNET = {
    r"conv1": "conv1_conv",
    r"pool1": "pool1_pool",
    r"conv(\d)_(\d+)_(\d)": r"conv\1_block\2_\3_conv",
    r"conv(\d)_(\d+)_shortcut": r"conv\1_block\2_0_conv",
    r"conv(\d)_(\d+)_shortcut_bn": r"conv\1_block\2_0_bn",
    r"conv(\d)_(\d+)_relu": r"conv\1_block\2_out",
    r"conv(\d)_(\d+)_(.+)": r"conv\1_block\2_\3",
    r"global_pool": "avg_pool",
    r"fc": "predictions",
}


def vgg_name(name: str) -> str:
    """Return keras.applications' name of a layer of VGG16 or VGG19."""
    return _renamed(name, VGG)


def resnet_name(name: str) -> str:
    """Return keras.applications' name of a layer of ResNet50, ResNet101 or ResNet152."""
    return _renamed(name, RESNET)


def _renamed(name: str, rules: dict[str, str]) -> str:
    """Return the name by the first rule that fits it, or as it is."""
    for pattern, replacement in rules.items():
        if re.fullmatch(pattern, name):
            return re.sub(pattern, replacement, name)
    return name
