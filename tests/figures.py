"""Write the figures that READMEs show: `python -m tests.figures`."""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from kerazoo.demos import make

FOLDER = Path(__file__).parents[1] / "kerazoo" / "demos" / "figures"
NAMES = ("convolution", "kernels", "kinds", "receptive_field", "networks", "backprop")
COLORS = 128  # which keep the files small


def drawn(name: str) -> Image.Image:
    """Return the figure of a demo."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figure.png"
        make.page(name).save(path)
        return Image.open(path).convert("RGB")


def main(names: Sequence[str]) -> None:
    """Write the figures of these demos, all if there are none."""
    FOLDER.mkdir(exist_ok=True)
    for name in names or NAMES:
        path = FOLDER / f"{name}.png"
        few = drawn(name).quantize(COLORS, kmeans=2, dither=Image.Dither.NONE)
        few.save(path, optimize=True)
        print(f"wrote {path.name}, {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
