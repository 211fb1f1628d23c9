"""Shapes, sizes, counts and tables as text."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kerazoo.text import (
    BYTES,
    COUNTS,
    FORMATS,
    figure,
    format_table,
    in_units,
    listed,
    printable,
    shape,
    shorten,
    unformatted,
)

ROWS: list[dict[str, Any]] = [
    {"name": "a|b", "size": (28, 28, 1), "count": 12345, "rate": 0.5},
    {"name": "c & d", "size": None, "count": None, "rate": float("nan")},
]


def test_a_table_aligns_text_to_the_left_and_numbers_to_the_right() -> None:
    assert format_table(ROWS, notes=["two rows"]).splitlines() == [
        "name   size      count  rate",
        "a|b    28x28x1  12,345   0.5",
        "c & d",
        "",
        "two rows",
    ]


def test_a_table_is_wrapped_at_spaces_into_the_terminal() -> None:
    rows = [{"name": "one", "text": "twelve feature maps of 224x224x3", "count": 10**15}]
    assert format_table(rows, width=40, notes=["a sentence that has more than 40 characters"]) == (
        "name  text                       count\n"
        "one   twelve     1,000,000,000,000,000\n"
        "      feature\n"
        "      maps of\n"
        "      224x224x3\n"
        "\n"
        "a sentence that has more than 40\n"
        "  characters"
    )


def test_only_names_are_cut_where_wrapping_is_not_enough() -> None:
    rows = [{"name": name, "count": 10**15} for name in ("a" * 30, "a" * 29 + "b")]
    assert format_table(rows, width=35).splitlines() == [
        "name                          count",
        "aaaaa…aaaaaa  1,000,000,000,000,000",
        "aaaaa…aaaaab  1,000,000,000,000,000",
    ]
    assert "1,000,000,000,000,000" in format_table(rows, width=10)


def test_short_names_differ() -> None:
    assert shorten(["block1_conv", "short"], 7) == ["blo…onv", "short"]
    assert shorten(["block1_conv", "block2_conv", "short"], 7) == ["block…1", "block…2", "short"]
    assert shorten(["block1_conv", "block1_conv"], 7) == ["blo…onv", "blo…onv"]


def test_csv_has_plain_numbers_and_no_notes() -> None:
    assert format_table(ROWS, "csv", notes=["two rows"]) == (
        "name,size,count,rate\na|b,28x28x1,12345,0.5\nc & d,,,"
    )


def test_json_has_values_and_attributes() -> None:
    rows = [{"size": (2, 3), "count": np.int64(4), "kinds": {"b", "a"}}]
    assert json.loads(format_table(rows, "json", attributes={"model": "m"}, key="layers")) == {
        "model": "m",
        "layers": [{"size": [2, 3], "count": 4, "kinds": ["a", "b"]}],
    }


def test_markdown_and_latex_escape_their_signs_and_have_notes() -> None:
    markdown = format_table(ROWS, "markdown", notes=["two rows"]).splitlines()
    assert markdown[2].startswith("| a\\|b")
    assert markdown[-1] == "- two rows"
    latex = format_table(ROWS, "latex", notes=["two rows"])
    assert "c \\& d" in latex
    assert latex.endswith("\\end{tabular}\n\n% two rows")


@pytest.mark.parametrize("format", FORMATS)
def test_no_format_cuts_a_number(format: str) -> None:
    rows = [{"name": "n", "count": 2**53 + 1}]
    assert str(2**53 + 1) in format_table(rows, format).replace(",", "")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00 k"),
        (999_499, "999 k"),
        (999_999, "1.00 M"),
        (15_470_264_320, "15.5 G"),
        (602_112, "602 k"),
        (None, "?"),
        (pd.NA, "?"),
    ],
)
def test_units(number: Any, text: str) -> None:
    assert in_units(number, COUNTS) == text


def test_bytes_have_a_unit_from_1000_on() -> None:
    assert (in_units(999, BYTES), in_units(2_048_000, BYTES)) == ("999 B", "2.05 MB")


def test_shapes_and_missing_values() -> None:
    assert shape((224, 224, 3)) == "224x224x3"
    assert shape(((2, 3), (4,))) == "2x3 4"
    assert [*map(unformatted, (None, pd.NA, float("nan"), "x", 3))] == ["", "", "", "x", "3"]


@pytest.mark.parametrize(
    ("number", "text"), [(1234.6, "1,235"), (12.34, "12.3"), (0.01234, "0.0123"), (12345, "12,345")]
)
def test_figures_have_three_digits(number: float, text: str) -> None:
    assert figure(number) == text


def test_names_are_shown_on_one_line_and_obeyed_by_nothing() -> None:
    name = "a\x1b[2J\r\nb\u202e\x9b c\u3000é"
    shown = r"a\x1b[2J\r\nb\u202e\x9b c" + "\u3000é"
    assert printable(name) == shown
    rows = [{"name": name, "count": 1}]
    for format in ("table", "csv", "markdown"):
        assert shown in format_table(rows, format)
    assert json.loads(format_table(rows, "json"))["rows"][0]["name"] == name


@pytest.mark.parametrize(
    ("value", "cell"),
    [("=1+1", "'=1+1"), ("-1+cmd|x", "'-1+cmd|x"), ("@x", "'@x"), ("-1.5", "-1.5"), (-3, "-3")],
)
def test_no_name_is_a_formula_in_csv(value: object, cell: str) -> None:
    assert format_table([{"x": value}], "csv") == f"x\n{cell}"


def test_a_list_of_names_ends_after_the_first_few() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(["a", "b\n", "c", "d"], limit=2) == "a, b\\n and 2 more"
