"""`kerazoo predict` on pictures of every kind, and what it makes of MNIST's own."""

from __future__ import annotations

import gzip
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from kerazoo import device
from kerazoo.cli import main
from kerazoo.predict.handwriting import normalise
from kerazoo.predict.predict import predict


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow has begun already."""
    monkeypatch.setattr(device, "start_tensorflow", lambda: ("a device", None))


@pytest.fixture(scope="module")
def mnist_test(mnist_dir: Path) -> tuple[np.ndarray, np.ndarray]:
    images = gzip.decompress((mnist_dir / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((mnist_dir / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:]
    pixels = np.frombuffer(images, np.uint8).reshape(-1, 28, 28)
    return pixels, np.frombuffer(labels, np.uint8)


def test_mnists_own_images_stay_where_they_are(
    mnist_test: tuple[np.ndarray, np.ndarray],
) -> None:
    images = mnist_test[0][:500, :, :, None]
    found = [normalise(image) for image in images]
    assert None not in [image if image is None else 0 for image in found]
    assert np.abs(np.array(found) - images / 255).mean() < 0.002


def drawn(digit: np.ndarray, side: int, paper: tuple[int, ...], ink: tuple[int, ...]) -> np.ndarray:
    """Draw a digit [h, w] of 0 to 255 with so long a side somewhere on larger paper."""
    large = np.asarray(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC))
    page = np.zeros((2 * side, 3 * side, 1))
    page[side // 3 : side // 3 + side, side : 2 * side, 0] = large / 255
    colours = np.array(paper) + (np.array(ink) - np.array(paper)) * page
    return np.rint(colours).astype(np.uint8)


BLACK, WHITE = (0, 0, 0), (255, 255, 255)
LOOKS = {
    "light on dark": ("png", 28, BLACK, WHITE),
    "dark on light": ("png", 112, WHITE, BLACK),
    "small": ("bmp", 20, WHITE, BLACK),
    "large": ("jpg", 900, WHITE, (20, 20, 90)),
    "colour on colour of equal grey": ("png", 200, (200, 60, 60), (20, 140, 100)),
    "faint": ("png", 200, (200, 200, 200), (150, 150, 150)),
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("model", ["lenet5", "mnist_cnn"])
def test_digits_are_read_in_every_look(
    model: str, look: str, mnist_test: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    ending, side, paper, ink = LOOKS[look]
    paths = [tmp_path / f"{number}.{ending}" for number in range(60)]
    for path, digit in zip(paths, mnist_test[0], strict=False):
        Image.fromarray(drawn(digit, side, paper, ink)).save(path)
    answers = [int(ranked[0][0]) for _, ranked in predict(model, "mnist", paths)]
    assert (np.array(answers) == mnist_test[1][:60]).mean() >= 0.95


def test_without_mnist_scikit_learns_digits_are_read(tmp_path: Path) -> None:
    digits = load_digits()
    paths = [tmp_path / f"{number}.png" for number in range(100)]
    for path, image in zip(paths, digits.images, strict=False):
        pixels = np.rint(image * 255 / 16).astype(np.uint8)
        Image.fromarray(drawn(pixels, 100, WHITE, BLACK)).save(path)
    answers = [int(ranked[0][0]) for _, ranked in predict("mnist_cnn", "mnist", paths)]
    assert (np.array(answers) == digits.target[:100]).mean() >= 0.85


def test_transparent_pictures_and_16_bits(tmp_path: Path) -> None:
    one = np.zeros((60, 60), np.uint8)
    one[10:50, 28:33] = 255
    dark = np.dstack([np.zeros_like(one)] * 3 + [one])
    light = np.dstack([np.full_like(one, 255)] * 3 + [one])
    grey = np.dstack([np.zeros_like(one), one])
    Image.fromarray(dark).save(tmp_path / "dark.png")
    Image.fromarray(light).save(tmp_path / "light.png")
    Image.fromarray(grey, "LA" if grey.ndim == 3 else None).save(tmp_path / "grey.png")
    Image.fromarray(one.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    paths = sorted(tmp_path.iterdir())
    assert [ranked[0][0] for _, ranked in predict("mnist_cnn", "mnist", paths)] == ["1"] * 4


def test_the_command_prints_a_line_for_each_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = np.full((40, 30), 255, np.uint8)
    one[5:35, 13:17] = 0
    path = tmp_path / "one.png"
    Image.fromarray(one).save(path)
    assert main(["predict", "--model", "mnist_cnn", str(path), str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0] == lines[1]
    assert lines[0].startswith(f"{path}  1  probability ")


def with_palette() -> bytes:
    """Return a BMP with a palette of red and blue."""
    file = BytesIO()
    picture = Image.fromarray(np.eye(40, dtype=np.uint8), "P")
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.save(file, "BMP")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (None, 2, "there is no file"),
        (b"no picture", 4, "cannot be read as a picture: a GIF, JPEG or PNG"),
        (b"", 4, "cannot be read as a picture"),
        (with_palette(), 4, "or a BMP without a palette"),
        (b"\x89PNG\r\n\x1a\n cut short", 4, "cannot be read as a picture"),
    ],
)
def test_bad_files_are_one_sentence(
    content: bytes | None,
    code: int,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "x.png"
    if content is not None:
        path.write_bytes(content)
    assert main(["predict", "--model", "lenet5", str(path)]) == code
    shown = capsys.readouterr()
    assert message in shown.err
    assert not shown.out
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize("shape", [(1, 1), (40, 30)])
def test_a_blank_picture_is_told(
    shape: tuple[int, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.full(shape, 90, np.uint8)).save(tmp_path / "x.png")
    assert main(["predict", "--model", "lenet5", str(tmp_path / "x.png")]) == 2
    assert "is blank: a picture of one digit is wanted" in capsys.readouterr().err


def test_a_model_without_weights_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "--model", "vgg16", "x.png"]) == 2
    assert "'vgg16' is none of lenet5, mnist_cnn" in capsys.readouterr().err
