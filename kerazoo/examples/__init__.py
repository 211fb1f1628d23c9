"""Short programs that use kerazoo as its users do: `python -m kerazoo.examples.NAME`."""

import sys

if sys.argv[0] == "-m":  # Python is about to run one of them, which will import TensorFlow
    from kerazoo.device import start_tensorflow
    from kerazoo.reporting import exit_code

    if code := exit_code(start_tensorflow):
        sys.exit(code)
