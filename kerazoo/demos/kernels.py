"""Five kernels that image editors have, on one photo.

Source: `cnn-study`, lines 37-47.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kerazoo.demos.arithmetic import convolution
from kerazoo.demos.page import MARGIN, MUTED, SMALL, Page
from kerazoo.demos.texts import Text

KERNELS = {
    "identity": np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
    "edges": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
    "sharpen": np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
    "box blur": np.ones((3, 3)) / 9,
    "Gaussian blur": np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16,
}
"""Each 3x3; the elements of all but the second add up to 1, so that the image stays as bright."""

TITLE = Text("Five kernels, one photo", "五种卷积核，同一张照片")
EXPLANATION = Text(
    "Each pixel becomes the sum of its 3x3 neighbors times the kernel, in each of the three color "
    "channels. Nine numbers decide what comes out.",
    "每个像素变成它的 3x3 邻域与卷积核的乘积之和，三个颜色通道分别计算。输出什么由九个数字决定。",
)
NAMES = {
    "identity": Text("identity", "原图"),
    "edges": Text("edges", "边缘检测"),
    "sharpen": Text("sharpen", "锐化"),
    "box blur": Text("box blur", "方块模糊"),
    "Gaussian blur": Text("Gaussian blur", "高斯模糊"),
}
FACTORS = {"box blur": 9, "Gaussian blur": 16}
CENTER = Text(
    "The center of the photo, enlarged {:.1f} times; results below 0 and above 255 are cut off.",
    "照片的中央部分，放大 {:.1f} 倍；小于 0 或大于 255 的结果被截断。",
)
SUMS = Text("sum of the kernel: {:g}", "核的元素之和：{:g}")
TIMES = Text("× 1/{}", "× 1/{}")
CROP = 300  # pixels of the side of the part that is shown


@dataclass(frozen=True)
class Kernels:
    """The kernels and what they make of an image, by name.

    Attributes:
        kernels: [3, 3].
        results: [height, width, 3] in [0, 255].
        sums: Of the elements of each kernel.
    """

    kernels: dict[str, np.ndarray]
    results: dict[str, np.ndarray]
    sums: dict[str, float]


def compute(image: np.ndarray) -> Kernels:
    """Return what each kernel makes of each channel of an image [height, width, 3].

    The image is padded with its border pixels, so that it keeps its size and has no dark frame.
    """
    around = np.pad(image, [(1, 1), (1, 1), (0, 0)], mode="edge")
    results = {}
    for name, kernel in KERNELS.items():
        each = [convolution(around[..., c, None], kernel[..., None, None]) for c in range(3)]
        results[name] = np.clip(np.concatenate(each, axis=-1), 0, 255)
    return Kernels(KERNELS, results, {name: float(k.sum()) for name, k in KERNELS.items()})


def draw(shown: Kernels, language: str = "en") -> Page:
    """Return the page: each kernel above the center of its result, enlarged."""
    side = min(CROP // 2, *next(iter(shown.results.values())).shape[:2])
    scale = CROP / side
    gap = 24
    width = 2 * MARGIN + len(KERNELS) * CROP + (len(KERNELS) - 1) * gap
    page = Page(width, language)
    below = page.title(TITLE, EXPLANATION)
    for number, (name, result) in enumerate(shown.results.items()):
        x = MARGIN + number * (CROP + gap)
        page.text(x, below + 16, NAMES[name], weight="bold")
        factor = FACTORS.get(name, 1)
        right, bottom = page.cells(shown.kernels[name] * factor, x, below + 40, 54)
        if factor > 1:
            page.text(right + 14, (below + 40 + bottom) / 2, TIMES.format(factor))
        page.text(x, bottom + 22, SUMS.format(shown.sums[name]), size=SMALL, color=MUTED)
        top, left = ((length - side) // 2 for length in result.shape[:2])
        _, end = page.image(result[top : top + side, left : left + side], x, bottom + 48, scale)
    page.text(MARGIN, end + 26, CENTER.format(scale), size=SMALL, color=MUTED)
    return page.cut(end + 34)
