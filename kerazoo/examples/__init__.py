"""Short programs that use kerazoo as its users do: `python -m kerazoo.examples.NAME`.

TensorFlow starts before they import it, as it does for the `kerazoo` command: without its log.
"""

from kerazoo.device import start_tensorflow

start_tensorflow()
