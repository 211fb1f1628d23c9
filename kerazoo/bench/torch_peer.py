"""`mnist_cnn` in PyTorch, channels last, as its users would write it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from kerazoo import registry
from kerazoo.bench.images import random_images


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


def training(model: str, size: int, batch_size: int) -> Callable[[], object]:
    """Return what trains a new network once on random images.

    Args:
        model: "mnist_cnn".
        size: Number of images.
        batch_size: Images of a step.
    """
    images, labels = random_images(registry.find(model).input_shape, size)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    pixels = pixels.contiguous(memory_format=torch.channels_last)
    classes, ours = torch.from_numpy(labels).long(), net()
    optimizer = torch.optim.Adam(ours.parameters(), 0.001)
    loss = nn.CrossEntropyLoss()

    def run() -> None:
        for part in torch.randperm(len(classes)).split(batch_size):
            optimizer.zero_grad()
            loss(ours(pixels[part]), classes[part]).backward()
            optimizer.step()

    return run
