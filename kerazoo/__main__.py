"""The command in a process of its own: `kerazoo`, `python -m kerazoo` or `python train.py`."""

import contextlib
import signal
import sys
from collections.abc import Sequence

from kerazoo.interruption import SIGNALS, Interruption, handled_signals


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; Ctrl-C and SIGTERM are reported in one line.

    They are handled before anything is imported that takes time, and ignored after the command.
    """
    interruption = Interruption()
    try:
        for each in handled_signals():
            signal.signal(each, interruption)
        from kerazoo.cli import main as run

        code = run(arguments)
        _ignore_signals()
    except KeyboardInterrupt:
        _ignore_signals()
        with contextlib.suppress(OSError):  # its reader has gone
            print("kerazoo: interrupted", file=sys.stderr)
        return 130
    return code


def _ignore_signals() -> None:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    # Python kills itself, with another exit code, if the last text that it executed, of any
    # package, was interrupted.
    exec("")


if __name__ == "__main__":
    sys.exit(main())
