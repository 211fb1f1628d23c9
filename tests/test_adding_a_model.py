"""The model in the README of the models, put into a file, is found by every part."""

import re
from pathlib import Path

import kerazoo.models
from kerazoo import registry
from kerazoo.cli import main
from tests.helpers.processes import ROOT, Process


def use_everywhere(folder: Path) -> None:
    kerazoo.models.__path__.append(str(folder))
    kerazoo.models._import_families()
    assert main(["list", "tiny"]) == 0
    assert main(["summary", "tiny"]) == 0
    assert main(["train", "--model", "tiny", "--data", "digits", "--limit", "9", "--dry-run"]) == 0
    model, info = kerazoo.create_model("tiny"), registry.find("tiny")
    assert model.count_params() == info.params, model.count_params()
    assert kerazoo.summary(model).attrs["total"]["macs"] == info.macs
    pooled = kerazoo.create_model("tiny", include_top=False, pooling="max")
    assert pooled.output_shape == (None, 32)


def test_the_readmes_model_is_a_model_of_the_zoo(tmp_path: Path) -> None:
    readme = (ROOT / "kerazoo/models/README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n([^`]*kerazoo.models import _builder[^`]*)```", readme)
    assert len([line for line in code.splitlines() if line.strip()]) <= 23
    (tmp_path / "tiny.py").write_text(code, encoding="utf-8")
    ended = Process(use_everywhere, tmp_path).ended()
    assert ended.code == 0, ended.err
    assert "tiny  28x28x1      37,800  222,224  2026  README" in ended.out
