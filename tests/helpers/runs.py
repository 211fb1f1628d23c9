"""What a run has left, for a bit-exact comparison with another."""

import csv
import io
import zipfile
from pathlib import Path

import h5py

TIMES = ("seconds", "images_per_second")


def weights(run: Path) -> dict[str, bytes]:
    """Return the bytes of every weight of a run's model."""
    found: dict[str, bytes] = {}

    def take(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()].tobytes()

    with zipfile.ZipFile(run / "model.keras") as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content) as file:
        file.visititems(take)
    return found


def metrics(run: Path) -> list[dict[str, str]]:
    """Return the rows of a run's metrics.csv without its times."""
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [{name: row[name] for name in row if name not in TIMES} for row in rows]


def files(run: Path) -> dict[str, bytes]:
    """Return the content of every file of a run."""
    found = (path for path in run.rglob("*") if path.is_file())
    return {str(path.relative_to(run)): path.read_bytes() for path in found}
