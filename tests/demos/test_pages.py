"""Every demo is drawn in both languages: nothing is blank or clipped, and no texts overlap."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from kerazoo import fonts
from kerazoo.demos import make, page
from kerazoo.demos.catalogue import DEMOS
from kerazoo.demos.texts import LANGUAGES
from kerazoo.errors import UsageError

SLOW = ("dense_vgg", "networks", "receptive_field")


def is_quick(name: str, language: str) -> bool:
    return name not in SLOW and (language == "en" or name == "padding")


@pytest.mark.parametrize(
    ("name", "language"),
    [
        pytest.param(name, language, marks=[] if is_quick(name, language) else [pytest.mark.full])
        for name in DEMOS
        for language in LANGUAGES
    ],
)
def test_a_page_is_whole(name: str, language: str) -> None:
    if language == "zh" and fonts.chinese() is None:
        pytest.skip("no installed font has Chinese characters")
    drawn = make.page(name, language=language)
    canvas = FigureCanvasAgg(drawn.figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    np.testing.assert_allclose(pixels.shape[:2], (drawn.height, drawn.width), atol=1)
    border = np.ones(pixels.shape[:2], bool)
    border[page.MARGIN // 2 : -page.MARGIN // 2, page.MARGIN // 2 : -page.MARGIN // 2] = False
    assert (pixels[border] == 255).all(), "something is outside the margin"
    assert (pixels[~border] != 255).any(axis=-1).mean() > 0.03
    check_texts(drawn)


def check_texts(drawn: page.Page) -> None:
    """Check that no two texts overlap, and that each is large enough."""
    renderer = drawn.figure.canvas.get_renderer()  # type: ignore[attr-defined] # that of Agg
    axes = [axis for each in drawn.figure.axes for axis in (each.xaxis, each.yaxis)]
    ticks = [label for axis in axes for label in axis.get_ticklabels(which="both")]
    texts = [each for each in drawn.figure.findobj(Text) if each.get_text() and each not in ticks]
    boxes = [(each.get_text(), each.get_window_extent(renderer)) for each in texts]
    for (text, box), (other, other_box) in combinations(boxes, 2):
        across = min(box.x1, other_box.x1) - max(box.x0, other_box.x0)
        up = min(box.y1, other_box.y1) - max(box.y0, other_box.y0)
        assert across <= 1 or up <= 3, f"'{text}' overlaps '{other}'"
    smallest = min(float(each.get_fontsize()) * page.DPI / 72 for each in texts)
    assert smallest >= 11


def test_no_font_for_chinese_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "chinese", lambda: None)
    with pytest.raises(UsageError, match="install one, such as the package fonts-noto-cjk"):
        page.Page(100, "zh")


def test_lines_break_between_words_and_chinese_characters() -> None:
    drawn = page.Page(400)
    lines = drawn._lines("one two three four five six seven eight nine ten", 200, page.BODY)
    assert " ".join(lines) == "one two three four five six seven eight nine ten"
    assert len(lines) > 1
    for line in lines:
        assert drawn.text_width(line, page.BODY) <= 200


@pytest.mark.skipif(fonts.chinese() is None, reason="no font has Chinese characters")
def test_no_line_begins_with_a_comma() -> None:
    drawn = page.Page(400, "zh")
    for width in range(100, 200, 7):
        lines = drawn._lines(
            "卷积核在图像上滑动，对应的数字相乘，再把所有乘积相加。", width, page.BODY
        )
        assert all(line[0] not in "，。" for line in lines)


def test_png_and_svg_are_as_large_as_the_page(tmp_path: Path) -> None:
    drawn = page.Page(300)
    drawn.text(20, 20, "a < b & c")
    drawn.cut(100)
    drawn.save(tmp_path / "a.png")
    drawn.save(tmp_path / "a.svg")
    assert (tmp_path / "a.png").read_bytes()[16:24] == bytes((0, 0, 1, 44, 0, 0, 0, 140))
    assert 'viewBox="0 0 216 100.8"' in (tmp_path / "a.svg").read_text()
