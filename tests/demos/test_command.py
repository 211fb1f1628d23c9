"""`kerazoo demo`: its list, its options, and images from the wild."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kerazoo.cli import main
from kerazoo.demos import kernels, make
from kerazoo.demos.catalogue import DEMOS
from kerazoo.errors import KerazooError, UsageError
from tests.helpers.command import answer
from tests.helpers.processes import error_in

PIXELS = np.random.default_rng(1).integers(0, 256, (30, 40, 3), dtype=np.uint8)


def test_without_a_name_it_lists_the_demos(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = answer(capsys, "demo")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(DEMOS)
    assert all(len(line) <= 80 for line in out.splitlines())
    _, chinese, _ = answer(capsys, "demo", "--lang", "zh")
    assert chinese != out


def test_a_figure_and_its_directory(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("figures").mkdir()
    for out, target in (([], "padding.png"), (["figures"], "figures/padding.png")):
        options = ["--out", *out] if out else []
        assert answer(capsys, "demo", "padding", *options)[:2] == (0, f"wrote {target}\n")
        assert Path(target).read_bytes().startswith(b"\x89PNG")
    assert answer(capsys, "demo", "padding", "--out", "a.svg")[0] == 0
    assert Path("a.svg").read_text().startswith("<?xml")


def test_all_go_to_a_new_directory(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = make.page("padding")
    monkeypatch.setattr(make, "page", lambda *_: drawn)
    monkeypatch.setattr("kerazoo.demos.command.start", lambda: None)
    assert answer(capsys, "demo", "--all", "--out", str(tmp_path / "new"))[0] == 0
    assert {each.name for each in (tmp_path / "new").iterdir()} == {f"{n}.png" for n in DEMOS}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["paddin"], 2, "'paddin' (did you mean 'padding'?) is not one of filters, kernels"),
        (["padding", "--image", __file__], 2, "the demo padding takes no --image"),
        (["kernels", "--model", "vgg16"], 2, "the demo kernels takes no --model"),
        (["kernels", "--image", "no.png"], 2, "there is no file 'no.png'"),
        (["kernels", "--image", __file__], 4, "is not a BMP, GIF, JPEG"),
        (["kernels", "--out", "a.pdf"], 2, "'a.pdf' must end with .png or .svg"),
        (["kernels", "--out", "no/a.png"], 1, "the directory 'no' does not exist"),
        (["kernels", "--lang", "de"], 2, "'de' is not one of en, zh"),
        (["--all", "kernels"], 2, "--all cannot be combined with a name"),
        (["--all", "--out", __file__], 2, "is a file: --all needs a directory"),
        (["--out", "a.png"], 2, "--image, --model and --out need the name of a demo"),
    ],
)
def test_errors_are_one_line(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    exit_code, out, err = answer(capsys, "demo", *arguments)
    assert (exit_code, out) == (code, "")
    assert message in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_figure_does_not_replace_its_image(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content = saved(Path("kernels.png"), Image.fromarray(PIXELS)).read_bytes()
    Path("same.png").hardlink_to("kernels.png")
    for out in ([], ["--out", "."], ["--out", str(Path.cwd() / "same.png")]):
        code, _, err = answer(capsys, "demo", "kernels", "--image", "kernels.png", *out)
        assert code == 2
        assert ".png' is the input: write to another file" in err
        assert Path("kernels.png").read_bytes() == content


def saved(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


def gray16() -> Image.Image:
    return Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 257)


def turned() -> tuple[Image.Image, dict[str, Any]]:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    return Image.fromarray(np.rot90(PIXELS)), {"exif": exif}


def half_transparent() -> Image.Image:
    """Return the dark image of which the right half is transparent, which is shown white."""
    alpha = np.full((30, 40, 1), 255, np.uint8)
    alpha[:, 20:] = 0
    return Image.fromarray(np.concatenate([PIXELS // 2, alpha], axis=-1))


WILD = {
    "color": (lambda: Image.fromarray(PIXELS), PIXELS),
    "gray": (lambda: Image.fromarray(PIXELS[..., 0]), PIXELS[..., :1].repeat(3, -1)),
    "16 bit": (gray16, PIXELS[..., :1].repeat(3, -1)),
    "half transparent": (
        half_transparent,
        np.concatenate([PIXELS[:, :20] // 2, np.full((30, 20, 3), 255)], axis=1),
    ),
    "turned by EXIF": (turned, PIXELS),
}


@pytest.mark.parametrize("name", WILD)
def test_images_from_the_wild(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[kernels.Kernels] = []
    draw = kernels.draw

    def seen(result: kernels.Kernels, language: str) -> Any:
        shown.append(result)
        return draw(result, language)

    monkeypatch.setattr("kerazoo.demos.kernels.draw", seen)
    build, expected = WILD[name]
    built = build()
    image, options = built if isinstance(built, tuple) else (built, {})
    path = saved(tmp_path / "image.png", image, **options)
    assert main(["demo", "kernels", "--image", str(path), "--out", str(tmp_path / "a.png")]) == 0
    np.testing.assert_array_equal(shown[0].results["identity"], expected)


@pytest.mark.parametrize(
    "name", [name for name, demo in DEMOS.items() if str(demo.image).endswith(".jpg")]
)
@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 2), (40, 30)], ids=str)
def test_small_and_narrow_images(
    name: str, size: tuple[int, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(tmp_path / "image.png", Image.new("RGB", size, "white"))
    out = tmp_path / "a.png"
    code, _, err = answer(capsys, "demo", name, "--image", str(path), "--out", str(out))
    minimum = {"dense_vgg": 224, "filters": 28, "max_pool": 2}
    too_small = min(size) < minimum.get(name, 1)
    assert code == (2 if too_small else 0)
    assert out.exists() != too_small
    assert error_in(err).count("\n") == too_small


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("paddin",), "there is no demo 'paddin' (did you mean 'padding'?)"),
        ((3,), "there is no demo '3'"),
        (("kernels", 3), "image is 3, not the path of a file"),
        (("kernels", ""), "image is '', not the path of a file"),
        (("padding", None, None, "de"), "language"),
    ],
)
def test_wrong_arguments_in_python(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        make.page(*arguments)


def test_a_page_is_saved_to_paths_of_files_that_it_can_write(tmp_path: Path) -> None:
    page = make.page("padding")
    page.save(str(tmp_path / "a.png"))
    assert (tmp_path / "a.png").exists()
    with pytest.raises(UsageError, match=r"must end with \.png or \.svg"):
        page.save(tmp_path / "a.pdf")
    with pytest.raises(KerazooError, match="does not exist"):
        page.save(tmp_path / "no" / "a.png")


@pytest.mark.full
def test_an_image_of_50_megapixels(tmp_path: Path) -> None:
    path = saved(tmp_path / "image.jpg", Image.new("RGB", (10_000, 5_000), "orange"))
    arguments = ["--image", str(path), "--out", str(tmp_path / "a.png")]
    assert main(["demo", "max_pool", *arguments]) == 0
