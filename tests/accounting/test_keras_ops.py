"""The operations of `keras.ops`: which have a rule, and that it agrees with what they run."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo import summary
from kerazoo.accounting import operations, rules
from kerazoo.accounting.cost import PER_ELEMENT, names

# What loops, draws, solves step by step, or is made of many operations: it is traced.
TRACED = names(
    "AffineTransform AllClose AssociativeScan Average BatchNorm BinaryCrossentropy CDist CTCDecode "
    "CTCLoss CategoricalCrossentropy CholeskyInverse Cond Corrcoef Digitize Eig Eigh "
    "ElasticTransform Erosion FFT FFT2 ForiLoop Function GaussianBlur Geomspace HSVToRGB "
    "Histogram IFFT2 IRFFT ISTFT InTopK IsIn JVP LayerNorm Linspace Logspace Lstsq Map "
    "MapCoordinates MatrixRank Moments Nanpercentile Nanquantile Norm Normalize PSNR Percentile "
    "PerspectiveTransform Pinv Polar Qr Quantile RFFT RGBToGrayscale RGBToHSV RMSNorm Resize SSIM "
    "STFT SVD ScaleAndTranslate Scan SegmentReduction SobelEdges SparseCategoricalCrossentropy "
    "Sparsemax Switch Trapezoid Unique Vander VectorizedMap WhileLoop"
)


def kinds(base: type) -> Iterator[str]:
    """Yield the names of the operations of `keras.ops`."""
    for kind in list[type](base.__subclasses__()):
        if kind.__module__.startswith("keras.src.ops."):
            yield kind.__name__
        yield from kinds(kind)


def test_an_operation_has_a_rule_or_is_traced() -> None:
    everything = set(kinds(keras.Operation))
    assert len(everything) > 250
    with_rule = {name for name in everything if name in rules.OPERATIONS}
    with_rule |= {name for name in everything if name.lower() in PER_ELEMENT}
    assert everything - with_rule <= TRACED
    assert not with_rule & TRACED


W = np.ones((6, 3), "float32")

# code on [2, 4, 6], FLOPs of the rule by hand
OPERATIONS: dict[str, tuple[Callable[[Any], Any], int]] = {
    "matmul": (lambda x: ops.matmul(x, W), 24 * 11),
    "dot": (lambda x: ops.dot(x, W), 24 * 11),
    "vdot": (lambda x: ops.vdot(x, x), 48 + 47),
    "tensordot": (lambda x: ops.tensordot(x, W, 1), 24 * 11),
    "outer": (lambda x: ops.outer(x[0, 0], x[0, 1]), 36),
    "einsum of one operand": (lambda x: ops.einsum("bij->bj", x), 48),
    "einsum of a diagonal": (lambda x: ops.einsum("bij,bij->bi", x, x), 8 * 11),
    "einsum that sums nothing": (lambda x: ops.einsum("bij,j->bij", x, W[:, 0]), 48),
    "einsum without a result": (lambda x: ops.einsum("...j,jk", x, W), 24 * 11),
    "attention": (
        lambda x: ops.dot_product_attention(*[ops.reshape(x, (2, 4, 2, 3))] * 3),
        # scores, their scaling and softmax, weighted sums
        64 * 5 + 64 + 64 * 5 + 48 * 7,
    ),
    "conv": (lambda x: ops.conv(x, np.ones((3, 6, 2), "float32")), 8 * 35),
    "separable conv": (
        lambda x: ops.separable_conv(
            x, np.ones((3, 6, 1), "float32"), np.ones((1, 6, 2), "float32")
        ),
        24 * 5 + 8 * 11,
    ),
    "sort": (lambda x: ops.sort(x), 8 * 6 * 3),
    "top k": (lambda x: ops.top_k(x, 2)[0], 8 * 6 * 3),
    "search": (lambda x: ops.searchsorted(np.arange(6.0, dtype="float32"), x), 48 * 3),
    "median": (lambda x: ops.median(x, axis=-1), 8 * 6 * 3),
    "sums": (lambda x: ops.cumsum(x, axis=1), 48),
    "logsumexp": (lambda x: ops.logsumexp(x, axis=-1), 4 * 48),
    "standard deviation": (lambda x: ops.std(x, axis=-1), 4 * 48 + 8),
    "differences": (lambda x: ops.diff(x), 40),
    "segments": (lambda x: ops.segment_sum(x[0], np.array([0, 0, 1, 1]), 2), 24),
    "moves": (
        lambda x: ops.rot90(ops.tril(ops.flip(ops.roll(ops.tile(x, (1, 2, 1)), 1, 1)))),
        0,
    ),
    "an update": (lambda x: ops.slice_update(x, (0, 1, 0), ops.slice(x, (0, 2, 0), (2, 1, 6))), 0),
    "parts": (lambda x: ops.unstack(x, axis=1)[1] + ops.slice(x, (0, 1, 0), (2, 1, 6))[:, 0], 12),
    "finite": (lambda x: ops.isfinite(x), 48),
    "infinite": (lambda x: ops.isinf(x), 48),
    "not a number": (lambda x: ops.isnan(x), 48),
    "angles": (lambda x: ops.arctan2(ops.sinh(x), ops.cosh(x)), 3 * 48),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_rule_agrees_with_what_runs(name: str) -> None:
    code, flops = OPERATIONS[name]
    inputs = keras.Input(batch_shape=(2, 4, 6))
    model = keras.Model(inputs, code(inputs))
    table = summary(model)
    assert set(table.counted) == {"rule"}
    cost = operations.traced(model, (keras.KerasTensor((2, 4, 6)),))[1]
    assert cost.unsupported == ()
    assert table.macs.sum() == cost.macs
    assert table.flops.sum() == flops


def test_an_inner_product_by_hand() -> None:
    inputs = keras.Input(batch_shape=(2, 4, 6))
    outputs = ops.inner(inputs, np.ones((5, 6), "float32"))
    total = summary(keras.Model(inputs, outputs)).attrs["total"]
    assert (total["macs"], total["flops"]) == (2 * 4 * 5 * 6, 2 * 4 * 5 * 11)


def test_a_transposed_convolution_by_hand() -> None:
    inputs = keras.Input(batch_shape=(2, 4, 6))
    outputs = ops.conv_transpose(inputs, np.ones((2, 3, 6), "float32"), strides=2)
    total = summary(keras.Model(inputs, outputs)).attrs["total"]
    assert (total["macs"], total["flops"]) == (2 * 4 * 6 * 2 * 3, 2 * 288 - 2 * 8 * 3)


def test_factorizations_by_their_leading_terms() -> None:
    inputs = keras.Input((6, 6))
    named = {
        "cholesky": (ops.cholesky(inputs), 72),
        "determinant": (ops.det(inputs), 144),
        "inverse": (ops.inv(inputs), 432),
        "solution": (ops.solve(inputs, inputs), 144 + 2 * 6 * 36),
        "substitution": (ops.solve_triangular(inputs, inputs), 6 * 36),
    }
    for name, (outputs, flops) in named.items():
        assert summary(keras.Model(inputs, outputs)).flops.sum() == flops, name
