from pathlib import Path

import pytest

from tests.helpers import golden


def test_a_file_that_differs_fails_and_names_the_lines(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,1\nb,2\nc,3\n")
    golden.check(path, "a,1\nb,2\nc,3\n", overwrite=False)
    with pytest.raises(pytest.fail.Exception) as failure:
        golden.check(path, "a,1\nb,4\nc,3\n", overwrite=False)
    message = str(failure.value)
    assert "- b,2\n+ b,4\n" in message
    assert "a,1" not in message
    assert "--overwrite" in message


def test_a_missing_file_fails(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="a,1"):
        golden.check(tmp_path / "table.csv", "a,1\n", overwrite=False)


def test_overwrite_renews_the_file(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,1\n")
    golden.check(path, "a,2\n", overwrite=True)
    assert path.read_text() == "a,2\n"
