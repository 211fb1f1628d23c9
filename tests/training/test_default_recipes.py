"""Every network learns the digits from its own default recipe, narrow and on small images."""

from pathlib import Path

import pytest

import kerazoo
from tests.helpers.learning import NETWORKS

MINIMUM = 0.8  # accuracy on the 300 test images
QUICK = ("mnist_cnn", "alexnet_v2")


def test_the_table_has_every_network() -> None:
    assert NETWORKS.keys() | {"tiny_cnn"} == {*kerazoo.list_models()}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.full) for name in NETWORKS],
)
def test_it_learns_the_digits(name: str, tmp_path: Path) -> None:
    how = NETWORKS[name]
    summary = kerazoo.train(
        name,
        "digits",
        epochs=how.epochs,
        model_options=how.options,
        input_shape=(how.side, how.side),
        out=tmp_path / "run",
    )
    print(f"{name}: {summary['test_accuracy']:.4f} after {how.epochs} epochs")
    assert summary["test_accuracy"] >= MINIMUM
