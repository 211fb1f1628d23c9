"""Short programs that use kerazoo as its users do: `python -m kerazoo.examples.NAME`."""

import sys

if sys.argv[0] == "-m":  # Python is about to run one of them, which will import TensorFlow
    from kerazoo.device import start_tensorflow
    from kerazoo.reporting import exit_code

    if code := exit_code(lambda: start_tensorflow(deterministic=False)):
        sys.exit(code)
