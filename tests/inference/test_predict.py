"""`kerazoo predict` on images of many kinds, and on those of MNIST."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from kerazoo.cli import main
from kerazoo.data import digits as data
from kerazoo.inference import classifier as module
from kerazoo.inference import handwriting
from kerazoo.inference.classifier import Classifier
from kerazoo.inference.load import load
from tests.helpers import idx, image_forms

pytestmark = pytest.mark.usefixtures("tensorflow_started")


@dataclass(frozen=True)
class Digits:
    """Handwritten digits.

    Attributes:
        images: Light on black, uint8 [n, h, w].
        labels: The digits [n].
        minimum: Minimum accuracy by model; both models were trained on MNIST.
        largest: Side in pixels of a digit in the largest images, and number of these images.
    """

    images: np.ndarray
    labels: np.ndarray
    minimum: dict[str, float]
    largest: tuple[int, int]


@pytest.fixture(scope="module")
def of_scikit_learn() -> Digits:
    digits = load_digits()
    images = np.rint(digits.images * 255 / 16).astype(np.uint8)
    return Digits(images, digits.target, {"lenet5": 0.5, "mnist_cnn": 0.85}, (700, 10))


@pytest.fixture(scope="module")
def of_mnist(mnist_dir: Path) -> Digits:
    images, labels = (idx.read(mnist_dir / name) for name in idx.FILES[2:])
    return Digits(images, labels, {"lenet5": 0.95, "mnist_cnn": 0.95}, (900, 60))


@pytest.fixture(
    scope="module", params=["of_scikit_learn", pytest.param("of_mnist", marks=pytest.mark.full)]
)
def digits(request: pytest.FixtureRequest) -> Digits:
    return request.getfixturevalue(request.param)


def classes(model: str, paths: list[Path]) -> list[str]:
    """Return the most probable class of each image."""
    classifier = Classifier.of(load(model))
    results = dict(classifier.classify(paths)).values()
    return [
        classifier.class_names[scores.argmax()]
        for scores in results
        if isinstance(scores, np.ndarray)
    ]


def normalized(images: np.ndarray, data: str = "mnist") -> np.ndarray:
    inks = [handwriting.find_ink(image[..., None]) for image in images]
    return np.array([handwriting.NORMALIZERS[data](ink) for ink in inks if ink is not None])[..., 0]


def assert_unchanged(images: np.ndarray) -> None:
    assert np.abs(normalized(images) / 255 - images / 255).mean() < 0.002


def test_normalized_digits_are_unchanged(of_scikit_learn: Digits) -> None:
    assert_unchanged(normalized(of_scikit_learn.images[:100]))


def test_a_photo_of_a_digit_becomes_like_those_of_scikit_learn(tmp_path: Path) -> None:
    """Its nearest neighbor among the training images is of its class."""
    sets, path = data.load((28, 28, 1)), tmp_path / "photo.png"
    train, test = (next(each.batches(1347).as_numpy_iterator()) for each in (sets.train, sets.test))
    neighbors = KNeighborsClassifier(1).fit(train[0].reshape(-1, 784), train[1])
    photos = []
    for image in np.rint(test[0][:100, ..., 0] * 255).astype(np.uint8):
        Image.fromarray(drawn(image, 112, WHITE, BLACK)).save(path)
        photos.append(handwriting.read(path, "digits").ravel() / 255)
    assert (neighbors.predict(photos) == test[1][:100]).mean() > 0.85


@pytest.mark.full
def test_images_of_mnist_are_unchanged(of_mnist: Digits) -> None:
    assert_unchanged(of_mnist.images[:500])


def drawn(digit: np.ndarray, side: int, paper: tuple[int, ...], ink: tuple[int, ...]) -> np.ndarray:
    """Draw a digit, uint8 [h, w], at the given side length on larger paper."""
    large = np.asarray(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC))
    page = np.zeros((2 * side, 3 * side, 1))
    page[side // 3 : side // 3 + side, side : 2 * side, 0] = large / 255
    colors = np.array(paper) + (np.array(ink) - np.array(paper)) * page
    return np.rint(colors).astype(np.uint8)


BLACK, WHITE = (0, 0, 0), (255, 255, 255)
LOOKS = {
    "light on dark": ("png", 28, BLACK, WHITE),
    "dark on light": ("png", 112, WHITE, BLACK),
    "small": ("bmp", 20, WHITE, BLACK),
    "large": ("jpg", 0, WHITE, (20, 20, 90)),
    "color on color of equal gray": ("png", 200, (200, 60, 60), (20, 140, 100)),
    "faint": ("png", 200, (200, 200, 200), (150, 150, 150)),
}


@pytest.fixture(scope="module", params=LOOKS)
def images(
    request: pytest.FixtureRequest, digits: Digits, tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    """Return the files of the first digits in one of `LOOKS`."""
    ending, side, paper, ink = LOOKS[request.param]
    side, count = digits.largest if request.param == "large" else (side, 60)
    folder = tmp_path_factory.mktemp("images")
    paths = [folder / f"{number}.{ending}" for number in range(count)]
    for path, digit in zip(paths, digits.images, strict=False):
        Image.fromarray(drawn(digit, side, paper, ink)).save(path)
    return paths


@pytest.mark.parametrize("model", ["lenet5", "mnist_cnn"])
def test_digits_are_recognized_in_every_look(
    model: str, images: list[Path], digits: Digits
) -> None:
    answers = [int(name) for name in classes(model, images)]
    assert len(answers) == len(images)
    assert (np.array(answers) == digits.labels[: len(answers)]).mean() >= digits.minimum[model]


def test_the_ink_may_be_light_or_dark_where_the_paper_is_transparent(tmp_path: Path) -> None:
    one = np.zeros((60, 60), np.uint8)
    one[10:50, 28:33] = 255
    for level in (0, 255):
        ink = np.dstack([np.full_like(one, level)] * 3 + [one])
        Image.fromarray(ink).save(tmp_path / f"{level}.png")
    assert classes("mnist_cnn", sorted(tmp_path.iterdir())) == ["1"] * 2


def test_a_drawing_in_every_form_has_one_result(tmp_path: Path) -> None:
    forms = image_forms.forms()
    for name, save in forms.items():
        save(tmp_path / name)
    classifier = Classifier.of(load("mnist_cnn"))
    results = dict(classifier.classify([tmp_path / name for name in forms]))
    first = results[tmp_path / "plain.bmp"]
    assert isinstance(first, np.ndarray)
    assert first.argmax() == 4
    for scores in results.values():
        assert isinstance(scores, np.ndarray)
        assert np.abs(scores - first).max() < 0.02


def test_images_are_classified_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    for number, path in enumerate(paths):
        one = np.full((40, 30), 255, np.uint8)
        one[5:35, 13 + number : 17 + number] = 0
        Image.fromarray(one).save(path)
    expected, sizes = classes("mnist_cnn", paths), []
    probabilities = Classifier.probabilities

    def counted(classifier: Classifier, images: tf.Tensor) -> np.ndarray:
        sizes.append(len(images))
        return probabilities(classifier, images)

    monkeypatch.setattr(Classifier, "probabilities", counted)
    for name, limit in (("MAX_BATCH", 2), ("MAX_PIXELS", 3 * 28 * 28 - 1)):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, limit)
            assert classes("mnist_cnn", paths) == expected == ["1"] * 5
        assert sizes == [2, 2, 1]
        sizes.clear()


def test_the_command_prints_a_line_for_each_image(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = np.full((40, 30), 255, np.uint8)
    one[5:35, 13:17] = 0
    path = tmp_path / "one.png"
    Image.fromarray(one).save(path)
    assert main(["predict", "mnist_cnn", str(path), str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    headings = re.split("  +", lines[0].strip())
    assert headings == ["image", "class", "probability", "class 2", "probability 2"]
    assert lines[1] == lines[2]
    assert lines[1].startswith(f"{path}  1 ")


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (None, 2, "there is no file"),
        (b"not an image", 4, "is not a BMP, GIF, JPEG, PNG, TIFF or WebP file, or incomplete"),
        (b"", 4, "is not a BMP"),
        (b"\x89PNG\r\n\x1a\n cut short", 4, "x.png' is "),
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
    assert main(["predict", "lenet5", str(path)]) == code
    shown = capsys.readouterr()
    assert message in shown.err
    assert not shown.out
    assert shown.err.count("\n") == 1


def test_a_bad_file_costs_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = np.full((40, 30), 255, np.uint8)
    one[5:35, 13:17] = 0
    Image.fromarray(one).save(tmp_path / "one.png")
    Image.fromarray(np.full((9, 9), 7, np.uint8)).save(tmp_path / "blank.png")
    (tmp_path / "torn.png").write_bytes((tmp_path / "one.png").read_bytes()[:-30])
    names = ["torn.png", "one.png", "nothing.png", "blank.png", "x" * 300, "a\0b", "one.png"]
    paths = [str(tmp_path / name) for name in names]
    assert main(["predict", "mnist_cnn", "--format", "csv", *paths]) == 4
    shown = capsys.readouterr()
    _, *rows = shown.out.splitlines()
    assert [row.split(",")[:2] for row in rows] == [[paths[1], "1"], [paths[1], "1"]]
    *others, last = shown.err.splitlines()
    assert "torn.png' is damaged" in last
    assert any("nothing.png'" in line for line in others)
    assert any("blank.png' is blank" in line for line in others)
    assert sum("no file can have the path" in line for line in others) == 2
    assert all(line.startswith("kerazoo: ") for line in [*others, last])
    assert len(others) == 4


@pytest.mark.parametrize("shape", [(1, 1), (40, 30)])
def test_a_blank_image_is_reported(
    shape: tuple[int, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.full(shape, 90, np.uint8)).save(tmp_path / "x.png")
    assert main(["predict", "lenet5", str(tmp_path / "x.png")]) == 2
    assert "is blank; give an image of one digit" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["vgg99", "x.png"], 2, "there is no run, file or model 'vgg99' (did you mean 'vgg19'?)"),
        (["runs", "x.png"], 2, "there is no run in 'runs': name"),
        (["mnist_cnn", "empty"], 2, "'empty' has no images (.bmp, "),
        (["mnist_cnn", "*.png"], 2, "the pattern '*.png' fits no file"),
        (
            ["--model", "mnist_cnn", "x.png"],
            2,
            "(give MODEL without it, as an argument of its own)",
        ),
    ],
)
def test_usage_errors_are_one_sentence(
    arguments: list[str],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("runs", "empty"):
        (tmp_path / name).mkdir()
    Image.fromarray(np.eye(30, dtype=np.uint8) * 255).save(tmp_path / "runs/x.png")
    arguments = [each.replace("x.png", "runs/x.png") for each in arguments]
    assert main(["predict", *arguments]) == code
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.err.count("\n") == 1


def test_directories_and_patterns_are_their_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    one = np.full((40, 30), 255, np.uint8)
    one[5:35, 13:17] = 0
    for name in ("b/2.png", "b/c/1.PNG", "b/.hidden.png", "b/__MACOSX/1.png", "a1.png", "a2.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(one).save(tmp_path / name)
    (tmp_path / "b/notes.txt").write_text("")
    assert main(["predict", "mnist_cnn", "b", "a*.png", "--format", "json", "--top", "1"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["image"] for row in rows] == ["b/2.png", "b/c/1.PNG", "a1.png", "a2.png"]
    assert {row["class"] for row in rows} == {"1"}
    assert set(rows[0]) == {"image", "class", "probability"}
