"""Put the model of a run among the weights that ship: `python -m tests.ship runs/NAME COMMAND`.

It writes the file of the weights, and their card with the command that trained them.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import kerazoo
from kerazoo.weights import shipped
from kerazoo.weights.features import feature_layers
from kerazoo.weights.networks import config_of, weight_arrays

RECIPE = (
    *("epochs", "batch_size", "optimizer", "learning_rate", "schedule", "milestones", "warmup"),
    *("momentum", "epsilon", "extra_logit", "crop_padding", "precision"),
)
USED_BY = {"adam": {"epsilon"}, "sgd": {"momentum"}, "sdlm": set()}


def recipe(config: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a run that are not those of another optimizer, or none."""
    other = set().union(*USED_BY.values()) - USED_BY[config["optimizer"]]
    names = [name for name in RECIPE if name not in other]
    return {name: config[name] for name in names if config[name] not in (None, [], 0.0)}


def card(run: Path, command: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the card of a run's model, without the sha256, and its tensors."""
    config, summary = (
        json.loads((run / name).read_text(encoding="utf-8"))
        for name in ("config.json", "summary.json")
    )
    model = kerazoo.load(run)
    name, data = config_of(model).name, config["dataset"]
    weights = weight_arrays(model)
    layers = list(dict.fromkeys(key.partition("/")[0] for key in weights))
    content = {
        "model": name,
        "weights": data["name"],
        "file": f"{name}_{data['name']}.npz",
        "top": [layer for layer in layers if layer not in feature_layers(model)],
        "command": command,
        "data": {
            "name": data["name"],
            "fingerprint": data["fingerprint"],
            **{key: summary[key] for key in ("train_images", "validation_images", "test_images")},
            "image_shape": data["image_shape"],
            "classes": list(model.kerazoo_card.class_names),
        },
        "recipe": recipe(config),
        "seed": config["seed"],
        "test_accuracy": summary["test_accuracy"],
        "validation_accuracy": summary["validation_accuracy"],
        "class_accuracy": summary["class_accuracy"],
        "versions": config["versions"],
        "device": config["device"],
        "preprocessing": config["preprocessing"],
    }
    return content, weights


def main(run: str, command: str) -> None:
    """Write the file of the weights, and their card in the place of an earlier one."""
    content, weights = card(Path(run), command)
    path = shipped.FOLDER / content["file"]
    np.savez_compressed(path, **weights)  # type: ignore[arg-type] # no tensor is an option
    content["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    others = [each for each in shipped.cards() if each["model"] != content["model"]]
    cards = sorted([*others, content], key=lambda each: each["model"])
    text = json.dumps(cards, indent=2) + "\n"
    (shipped.FOLDER / "cards.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
