"""Measure all networks and write kerazoo/models/results.csv: `python -m tests.results`.

Accuracy is that of the weights that ship, on MNIST, or of a narrow network on small images after a
few epochs on scikit-learn's digits, by the command in its row. Parameters, MACs and latency are
those of the network at its usual size.
"""

import csv
import json
import platform
import subprocess
import sys
import tempfile
import time
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
from tests.helpers.readme import ROOT
from tests.training.test_default_recipes import NETWORKS

FILE = ROOT / "kerazoo" / "models" / "results.csv"
RUNS = 11  # of which the latency is the median
COLUMNS = (
    *("model", "accuracy", "data", "accuracy_command"),
    *("parameters", "macs", "cost_command"),
    *("latency_ms", "latency_command", "machine"),
)


def train_command(name: str) -> str:
    """Return the command that trains a network narrow, on small images, on the digits."""
    how = NETWORKS[name]
    options = "".join(f" --model-option {key}={value}" for key, value in how.options.items())
    shape = f"--input-shape {how.side}x{how.side} --epochs {how.epochs}"
    return f"kerazoo train --model {name} --data digits {shape}{options} --seed 1"


def accuracy(name: str) -> dict[str, Any]:
    """Return the accuracy of a network, on which data, and the command that trains it."""
    for card in shipped.cards("mnist"):
        if card["model"] == name:
            measured, data, command = card["test_accuracy"], "MNIST", card["command"]
            return {"accuracy": measured, "data": data, "accuracy_command": command}
    command = train_command(name)
    with tempfile.TemporaryDirectory() as folder:
        words = [*command.split()[1:], "--quiet", "--out", f"{folder}/run"]
        train = [sys.executable, "-m", "kerazoo", *words]
        summary = json.loads(subprocess.check_output(train, cwd=ROOT))
    measured = round(summary["test_accuracy"], 4)
    return {"accuracy": measured, "data": "digits", "accuracy_command": command}


def latency(name: str) -> float:
    """Return the median time of a call of the whole network on one image, in milliseconds."""
    model = kerazoo.create_model(name)
    image = tf.constant(np.zeros((1, *model.input_shape[1:]), np.float32))
    forward = tf.function(lambda images: model(images, training=False))
    forward(image)
    seconds = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        forward(image).numpy()
        seconds.append(time.perf_counter() - begin)
    return round(1000 * median(seconds), 2)


def row(name: str) -> Mapping[str, Any]:
    """Return all that is measured of a network."""
    total = kerazoo.summary(name).attrs["total"]
    return {
        "model": name,
        **accuracy(name),
        **{"parameters": total["params"], "macs": total["macs"]},
        "cost_command": f"kerazoo summary {name}",
        "latency_ms": latency(name),
        "latency_command": "python -m tests.results",
        "machine": f"{cores()} cores, {_processor()}, TensorFlow {tf.__version__}",
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    flags = next((line for line in lines if line.startswith("flags")), "")
    best = next((flag for flag in ("amx_tile", "avx512f", "avx2") if flag in flags), "")
    return f"{(names or [platform.machine()])[0]} with {best}"


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
