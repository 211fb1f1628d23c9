"""Networks of keras_hub and kimm at full size have a total, that of TensorFlow's graph."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.foreign_networks import NAMES

ROOT = Path(__file__).parents[2]
# Two packages, and what they import besides what kerazoo has.
PACKAGES = (
    *("keras-hub==0.32.*", "kimm==0.2.5", "kagglehub", "kagglesdk", "regex", "sentencepiece"),
    *("tensorflow-text", "tokenizers"),
)
# What TensorFlow's graph has besides the network's sums of products, in multiply-accumulates.
MORE = {
    # the outer products of positions and frequencies are products of matrices of one column
    "keras_hub:MoonshineBackbone moonshine_tiny_en": 1152,
}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the packages beside the environment, which they might change."""
    folder = tmp_path_factory.mktemp("packages")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    subprocess.run([*pip, *PACKAGES], check=True)
    return folder


@pytest.mark.full
@pytest.mark.parametrize("package", ["keras_hub:", "kimm:"])
def test_networks_of_other_packages(package: str, packages: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.accounting.foreign", package],
        check=True,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{packages}:{ROOT}"},
    )
    results = [json.loads(line) for line in run.stdout.splitlines()]
    assert [result["name"] for result in results] == [n for n in NAMES if n.startswith(package)]
    assert {each["name"]: each["unsupported"] for each in results if each["unsupported"]} == {}
    assert [each["name"] for each in results if each["params_differ"] or not each["macs"]] == []
    more = {each["name"]: each["graph"] - each["macs"] for each in results}
    assert {name: macs for name, macs in more.items() if macs} == {
        name: macs for name, macs in MORE.items() if name.startswith(package)
    }


def test_the_number_of_networks() -> None:
    packages = [name.partition(":")[0] for name in NAMES]
    assert (packages.count("keras_hub"), packages.count("kimm")) == (70, 41)
