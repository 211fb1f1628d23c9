"""Train a model of the zoo: `python train.py --model mnist_cnn`, the same as `kerazoo train`."""

import sys

from kerazoo.__main__ import main

sys.exit(main(["train", *sys.argv[1:]]))
