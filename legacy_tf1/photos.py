"""The two photos of the snippets, and their figures."""

import argparse
from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image


def sample_photos() -> np.ndarray:
    """Return china.jpg and flower.jpg of scikit-learn, float32 [2, 427, 640, 3] in [0, 255]."""
    names = ("china.jpg", "flower.jpg")
    return np.array([load_sample_image(name) for name in names], dtype=np.float32)


def figure_path(description: str | None, default: str) -> Path:
    """Return `--out` of the command line, by default a file in the current directory."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=Path, default=Path(default), help="default: %(default)s")
    out: Path = parser.parse_args().out
    if not out.absolute().parent.is_dir() or out.suffix not in (".png", ".pdf", ".jpg"):
        parser.error(f"--out '{out}' must be a .png, .pdf or .jpg in an existing directory")
    return out


def show(images: Mapping[str, np.ndarray], rows: int, path: Path) -> None:
    """Draw images by title, row by row; write a file, and open a window if there is a screen."""
    figure, axes = plt.subplots(rows, len(images) // rows, figsize=(12, 2 + 2 * rows))
    figure.set_facecolor("lightgrey")
    for axis, (title, image) in zip(axes.flat, images.items(), strict=True):
        axis.imshow(image, cmap="gray", interpolation="nearest")
        axis.set_title(title)
        axis.axis("off")
    figure.savefig(path, bbox_inches="tight")
    print(f"wrote {path}")
    if plt.get_backend().lower() != "agg":
        plt.show()
