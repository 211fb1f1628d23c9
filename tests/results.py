"""Measure all networks and write kerazoo/models/results.csv: `python -m tests.results`.

Accuracy is that of the weights that ship, on MNIST, or of a narrow network on small images after a
few epochs on scikit-learn's digits. Parameters, multiply-accumulates and latency (the median time
of a call on one image) are those of the network at its usual size. It takes twenty minutes.
"""

import csv
import json
import subprocess
import sys
import tempfile
import timeit
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import kerazoo
from kerazoo import registry
from kerazoo.device import cores
from kerazoo.lazy import tf
from kerazoo.weights import shipped
from tests.helpers.learning import NETWORKS
from tests.helpers.markdown import ROOT

FILE = ROOT / "kerazoo" / "models" / "results.csv"
CALLS = 11  # of which the latency is the median
COLUMNS = (
    *("model", "accuracy", "data", "accuracy_command", "accuracy_machine"),
    *("parameters", "macs", "cost_command"),
    *("latency_ms", "latency_command", "latency_machine"),
)
VECTORS = ("amx_tile", "avx512f", "avx2", "sse2")


def accuracy(name: str) -> dict[str, Any]:
    """Return the accuracy of a network, on which data, the command that trains it, and where."""
    cards = {card["model"]: card for card in shipped.cards("mnist")}
    if card := cards.get(name):
        value, data = card["test_accuracy"], "mnist"
        command, where = card["command"], card["device"]
    else:
        command, where = train_command(name), machine()
        with tempfile.TemporaryDirectory() as folder:
            words = [sys.executable, "-m", *command.split(), "--quiet", "--out", f"{folder}/run"]
            summary = json.loads(subprocess.check_output(words, cwd=ROOT))
        value, data = round(summary["test_accuracy"], 4), "digits"
    return {
        "accuracy": value,
        "data": data,
        "accuracy_command": command,
        "accuracy_machine": where,
    }


def train_command(name: str) -> str:
    """Return the command that trains a narrow network on small images of the digits."""
    how = NETWORKS[name]
    options = "".join(f" --model-option {key}={value}" for key, value in how.options.items())
    shape = f"--input-shape {how.side}x{how.side} --epochs {how.epochs}"
    return f"kerazoo train --model {name} --data digits {shape}{options} --seed 1"


def latency(name: str) -> float:
    """Return the median time of a call of the whole network on one image, in milliseconds."""
    model = kerazoo.create_model(name)
    image = tf.constant(np.zeros((1, *model.input_shape[1:]), np.float32))
    forward = tf.function(lambda images: model(images, training=False))
    _, *seconds = timeit.repeat(lambda: forward(image).numpy(), number=1, repeat=CALLS + 1)
    return round(1000 * median(seconds), 2)


def machine() -> str:
    """Return TensorFlow's version, the processor's name and its widest vector instructions."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    about = {
        name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    widest = next(each for each in VECTORS if each in about["flags"].split())
    processor = f"{about['model name']} with {widest.upper()}"
    return f"TensorFlow {tf.__version__} on CPU ({cores()} cores, {processor})"


def row(name: str) -> Mapping[str, Any]:
    """Return all that is measured of a network."""
    costs = kerazoo.summary(name).attrs
    return {
        "model": name,
        **accuracy(name),
        "parameters": costs["trainable_params"],
        "macs": costs["total"]["macs"],
        "cost_command": f"kerazoo summary {name}",
        "latency_ms": latency(name),
        "latency_command": "python -m tests.results",
        "latency_machine": machine(),
    }


def main() -> None:
    """Write a row for each network."""
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for name in registry.names():
            writer.writerow(row(name))
            file.flush()
            print(name)


if __name__ == "__main__":
    main()
