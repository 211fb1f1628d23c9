"""Fixtures of MNIST's four files."""

from tests.helpers.idx import digit_files, mnist_files

__all__ = ["digit_files", "mnist_files"]
