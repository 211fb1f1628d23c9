"""The demos against NumPy, and their pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kerazoo.cli import main
from kerazoo.data.photos import centre, sample_photos
from kerazoo.demos import conv_layer, filter_demo, max_pool


def test_photos_are_the_documents() -> None:
    photos = sample_photos()
    assert photos.shape == (2, 427, 640, 3)
    assert photos.dtype == np.float32
    assert (photos.min(), photos.max()) == (0, 255)
    assert photos[0, 0, 0].tolist() == [174, 201, 231]
    np.testing.assert_array_equal(centre(photos, 3), photos[:, 212:215, 318:321])


def test_the_line_filters_sum_a_column_and_a_row() -> None:
    photos = sample_photos()
    maps = filter_demo.line_filter()(photos).numpy()
    assert maps.shape == (2, 214, 320, 2)
    # 427 and 640 with stride 2: three pixels of padding before the rows, two before the columns
    padded = np.pad(photos, ((0, 0), (3, 3), (2, 3), (0, 0)))
    for row, column in ((0, 0), (100, 150), (213, 319)):
        window = padded[:, 2 * row : 2 * row + 7, 2 * column : 2 * column + 7]
        sums = window[:, :, 3].sum(axis=(1, 2)), window[:, 3].sum(axis=(1, 2))
        np.testing.assert_allclose(maps[:, row, column], np.transpose(sums), rtol=1e-6)


def test_max_pool_takes_the_largest_of_four() -> None:
    photos = sample_photos()
    by_hand = photos[:, :426].reshape(2, 213, 2, 320, 2, 3).max(axis=(2, 4))
    np.testing.assert_array_equal(max_pool.max_pool()(photos), by_hand)


def test_conv_layer_begins_truncated_normal() -> None:
    model = conv_layer.conv_layer(64, 7, 1, "same", stddev=0.3)
    kernel, bias = model.get_weights()
    assert not bias.any()
    assert 0.55 < np.abs(kernel).max() <= 0.6
    np.testing.assert_allclose(kernel.std(), 0.3 * 0.88, rtol=0.03)
    assert (model(sample_photos()[:, :50, :50]).numpy() >= 0).all()


@pytest.mark.parametrize("name", ["filter_demo", "max_pool"])
def test_each_draws_its_picture(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("kerazoo.demos.command.start", lambda: "a device")
    monkeypatch.chdir(tmp_path)
    assert main(["demo", name]) == 0
    assert Path(f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert main(["demo", name, "--out", "x.txt"]) == 1
    assert main(["demo", name, "--out", "no/x.png"]) == 1
    assert main(["demo", "vgg"]) == 2
    out, err = capsys.readouterr()
    assert out == f"wrote {name}.png\n"
    assert "the directory 'no' does not exist" in err
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.png"]
