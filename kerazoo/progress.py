"""Progress bars on standard error."""

import logging
import sys
from typing import Any

from tqdm import tqdm


def progress_bar(iterable: Any = None, **options: Any) -> tqdm:
    """Return a tqdm bar, which is shown on a terminal and not with --quiet."""
    shown = sys.stderr.isatty() and logging.getLogger("kerazoo").level <= logging.INFO
    return tqdm(iterable, leave=False, dynamic_ncols=True, disable=not shown, **options)
