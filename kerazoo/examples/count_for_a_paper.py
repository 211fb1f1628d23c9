"""Compare the costs of your own network with those of known ones, as a table for a paper.

python -m kerazoo.examples.count_for_a_paper > costs.tex
"""

import sys

import keras
import pandas as pd
from tabulate import tabulate

import kerazoo
from kerazoo.examples.program import run
from kerazoo.models.resnet import bottleneck

COLUMNS = {"params": "parameters (M)", "macs": "MACs (G)", "inference_bytes": "memory (MB)"}
UNITS = {"params": 1e6, "macs": 1e9, "inference_bytes": 1e6}


def narrow_resnet() -> keras.Model:
    """Return the network of the paper: some convolutions, and the blocks of ResNet."""
    x = inputs = keras.Input((224, 224, 3))
    x = keras.layers.Conv2D(32, 7, 2, "same", activation="relu", name="stem")(x)
    for number, width in enumerate((32, 64, 128), start=1):
        x = bottleneck(x, width, f"block{number}", stride=2)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, keras.layers.Dense(1000, name="classifier")(x), name="ours")


def costs() -> pd.DataFrame:
    """Return a row for each network."""
    models = {"ours": narrow_resnet(), "ResNet-18": "resnet18", "VGG-16": "vgg16"}
    table = kerazoo.compare(models)
    assert (table["counted"] != "partly").all(), "a count is a lower bound"
    table = table[[*COLUMNS]] / pd.Series(UNITS)
    table["receptive field"] = [receptive_field(model) for model in models.values()]
    return table.rename(columns=COLUMNS)


def receptive_field(model: keras.Model | str) -> int:
    """Return the receptive field, in pixels of a side, of the last feature maps."""
    table = kerazoo.summary(model)
    maps = [len(shape) == 3 and shape[0] > 1 for shape in table["output_shape"]]
    return int(table["receptive_field"][maps].iloc[-1])


def main() -> None:
    """Print the table in LaTeX."""
    decimals = ("", ".2f", ".2f", ".2f", ".0f")
    print(tabulate(costs(), headers="keys", tablefmt="latex_booktabs", floatfmt=decimals))


if __name__ == "__main__":
    sys.exit(run(main))
