"""`mnist_cnn` in PyTorch, channels last, as its users would write it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn


def net() -> nn.Module:
    """Return the network; its input is [batch, 1, 28, 28]."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.ReLU(),
        nn.ZeroPad2d((0, 1, 0, 1)),  # TensorFlow's "same" with stride 2
        nn.Conv2d(32, 64, 3, stride=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * 7 * 7, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    ).to(memory_format=torch.channels_last)


def training(images: np.ndarray, labels: np.ndarray, batch_size: int) -> Callable[[], object]:
    """Return what trains a new network on the images once.

    Args:
        images: uint8 [size, 28, 28, 1].
        labels: Integers [size].
        batch_size: Images of a step.
    """
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    pixels = pixels.contiguous(memory_format=torch.channels_last)
    classes, model = torch.from_numpy(labels).long(), net()
    optimizer = torch.optim.Adam(model.parameters(), 0.001)
    loss = nn.CrossEntropyLoss()

    def run() -> None:
        for part in torch.randperm(len(classes)).split(batch_size):
            optimizer.zero_grad()
            loss(model(pixels[part]), classes[part]).backward()
            optimizer.step()

    return run
