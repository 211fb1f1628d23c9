"""`mnist_cnn` in PyTorch, channels last."""

import torch
from torch import nn

from kerazoo import registry
from kerazoo.bench.timing import Run, random_images


def epoch(model: str, size: int, batch_size: int) -> Run:
    """Return an epoch of training on `size` random images; `model` is "mnist_cnn"."""
    images, labels = random_images(registry.find(model).input_shape, size)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    pixels = pixels.contiguous(memory_format=torch.channels_last)
    classes = torch.from_numpy(labels).long()
    network = nn.Sequential(
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
    optimizer = torch.optim.Adam(network.parameters(), 0.001)

    def run() -> None:
        for rows in torch.randperm(size).split(batch_size):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(pixels[rows]), classes[rows]).backward()
            optimizer.step()

    return run
