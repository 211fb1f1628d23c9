"""The five kernels against Pillow's filter and SciPy's convolution."""

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy import ndimage

from kerazoo.demos import kernels

PHOTO = np.random.default_rng(0).integers(0, 256, (9, 12, 3)).astype(float)


@pytest.mark.parametrize("name", kernels.KERNELS)
def test_against_pillow(name: str) -> None:
    kernel, scale = kernels.KERNELS[name], kernels.FACTORS.get(name, 1)
    whole = ImageFilter.Kernel((3, 3), (kernel * scale).round().astype(int).ravel().tolist(), scale)
    expected = np.asarray(Image.fromarray(PHOTO.astype(np.uint8)).filter(whole), float)
    ours = kernels.compute(PHOTO).results[name]
    assert np.abs(ours - expected)[1:-1, 1:-1].max() <= 1  # Pillow rounds, and leaves the border


@pytest.mark.parametrize("name", kernels.KERNELS)
def test_against_scipy(name: str) -> None:
    kernel = kernels.KERNELS[name][..., None]
    expected = ndimage.correlate(PHOTO, kernel, mode="nearest").clip(0, 255)
    np.testing.assert_allclose(kernels.compute(PHOTO).results[name], expected, atol=1e-9)


def test_all_but_edges_keep_the_brightness() -> None:
    sums = kernels.compute(PHOTO).sums
    assert {name: round(value, 12) for name, value in sums.items()} == dict.fromkeys(
        kernels.KERNELS, 1
    ) | {"edges": 0}
