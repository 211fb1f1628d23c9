"""`kerazoo demo`, and what its figures show."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from kerazoo.cli import main
from kerazoo.data.photos import sample_photos
from kerazoo.demos import figures
from kerazoo.ports.filter_demo import line_filter, line_filters


def images(figure: Figure) -> dict[str, np.ndarray]:
    """Return the images of a figure by title."""
    return {panel.get_title(): np.asarray(panel.images[0].get_array()) for panel in figure.axes}


def test_filter_demo_shows_filters_above_their_feature_maps() -> None:
    shown = images(figures.filter_demo())
    assert list(shown)[:3] == ["vertical filter", "horizontal filter", "initial filter"]
    np.testing.assert_array_equal(shown["vertical filter"], line_filters()[:, :, 0, 0])
    np.testing.assert_array_equal(shown["horizontal filter"], line_filters()[:, :, 0, 1])
    outputs = line_filter()(sample_photos()[:1]).numpy()[0]
    np.testing.assert_array_equal(shown["vertical lines"], outputs[:, :, 0])
    np.testing.assert_array_equal(shown["horizontal lines"], outputs[:, :, 1])
    assert shown["initial filter"].std() > 0
    assert shown["before learning"].shape == (214, 320)


def test_max_pool_shows_a_photo_before_and_after() -> None:
    before, after = images(figures.max_pool()).values()
    np.testing.assert_array_equal(before, sample_photos()[0])
    largest = before[:426].reshape(213, 2, 320, 2, 3).max(axis=(1, 3))
    np.testing.assert_array_equal(after, largest)


@pytest.mark.parametrize("name", ["filter_demo", "max_pool"])
def test_each_writes_its_figure(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("kerazoo.demos.command.start", lambda: "a device")
    monkeypatch.chdir(tmp_path)
    assert main(["demo", name]) == 0
    assert Path(f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert main(["demo", name, "--out", "x.txt"]) == 2
    assert main(["demo", name, "--out", "no/x.png"]) == 1
    assert main(["demo", "vgg"]) == 2
    out, err = capsys.readouterr()
    assert out == f"wrote {name}.png\n"
    assert "the directory 'no' does not exist" in err
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.png"]
