"""The two photos of the snippets, and a way to show what became of them."""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_sample_image


def sample_photos() -> np.ndarray:
    """Return china.jpg and flower.jpg of scikit-learn, float32 [2, 427, 640, 3] in [0, 255]."""
    names = ("china.jpg", "flower.jpg")
    return np.array([load_sample_image(name) for name in names], dtype=np.float32)


def picture_path(description: str | None, default: str) -> Path:
    """Return where the command line wants the picture: `--out`, or `default` in this folder."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=Path, default=Path(default), help="default: %(default)s")
    out: Path = parser.parse_args().out
    if not out.absolute().parent.is_dir() or out.suffix not in (".png", ".pdf", ".jpg"):
        parser.error(f"--out '{out}' must be a .png, .pdf or .jpg in a folder that is there")
    return out


def show(figure: Figure, path: Path) -> None:
    """Write the figure to a file, say so, and open it in a window where there is a screen."""
    figure.savefig(path, bbox_inches="tight")
    print(f"the picture is in {path}")
    if plt.get_backend().lower() != "agg":
        plt.show()
