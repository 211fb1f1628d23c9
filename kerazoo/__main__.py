"""`python -m kerazoo` is `kerazoo`."""

import sys

from kerazoo.cli import main

sys.exit(main())
