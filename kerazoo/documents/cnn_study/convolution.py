"""cnn-study, lines 17-147: what a convolution computes, costs, saves and pads."""

from collections.abc import Sequence

import numpy as np

from kerazoo.accounting.table import cpr
from kerazoo.data.photos import sample_photos
from kerazoo.documents.claim import Claim, Claims, Setting
from kerazoo.documents.probes import (
    box,
    conv,
    dense,
    kernel_shape,
    kernel_sizes,
    output_size,
    rows,
)
from kerazoo.lazy import keras, layers

# kernel, size of the output, input channels, filters
CONVOLUTIONS = [(3, 5, 8, 16), (1, 7, 64, 32), (5, 28, 1, 6)]
CHANNELS = [(3, 64), (8, 16)]  # input, output
UNPADDED = [(6, 3), (28, 5), (9, 9)]  # size, kernel
PADDED = [(6, 3, 1), (6, 5, 1), (9, 3, 2)]  # size, kernel, padding
STRIDED = [(7, 3, 0, 2), (8, 3, 0, 2), (8, 3, 1, 3), (224, 11, 2, 4)]  # and stride
ODD = (1, 3, 5, 7)  # kernels
PIXELS = 1000 * 1000


def _operation_and_counts() -> Claims:
    photos = sample_photos()
    pixels = int(photos.min()), int(photos.max())
    yield Claim(23, "range of pixel values", (0, 255), pixels, printed="0 to 255")
    yield Claim(35, "5x5 after a 3x3 filter", (3, 3, 1), conv(5, 3).output_shape, printed="3x3")
    yield Claim(69, "convolution, by a layer whose filter is flipped", [0, 1, 4, 4],
        _slide([0, 0, 1, 2, 0], [2, 1]), printed="sum X(i) H(m - i); X = 1 2, H = 0 1 2")
    yield Claim(69, "convolution with X and H exchanged", [0, 1, 4, 4],
        _slide([0, 0, 1, 2, 0, 0], [2, 1, 0]), printed="sum X(m - i) H(i)")
    yield Claim(76, "what a convolution layer computes: the filter is not flipped", [5, 2],
        _slide([1, 2, 0], [1, 2]), printed="sum X(m + i) H(i); X = 1 2 0, H = 1 2")
    counted = [conv(m + k - 1, k, inputs, filters) for k, m, inputs, filters in CONVOLUTIONS]
    yield Claim(78, "two-dimensional kernels for K input and L output channels",
        [inputs * filters for inputs, filters in CHANNELS],
        [np.prod(kernel_shape(layers.Conv2D(out, 3), (8, 8, k))[2:]) for k, out in CHANNELS],
        printed="K L")
    yield Claim(78, "multiply-accumulates of a convolution",
        [k**2 * m**2 * inputs * filters for k, m, inputs, filters in CONVOLUTIONS],
        [layer.macs for layer in counted], printed="I J M N K L")
    yield Claim(80, "weights of a convolution",
        [k**2 * inputs * filters for k, _, inputs, filters in CONVOLUTIONS],
        [layer.weight_params for layer in counted], printed="I J K L")
    one, five = (cpr(rows((14, 14, 8), layers.Conv2D(4, 3), batch=n)).iloc[-1] for n in (1, 5))
    yield Claim(82, "multiply-accumulates per parameter, 12x12 output", 144, one, printed="M N")
    yield Claim(84, "multiply-accumulates per parameter for a batch of 5", 5 * 144, five,
        printed="B times")


def _slide(signal: Sequence[float], kernel: Sequence[float]) -> list[float]:
    """Return the output of a one-dimensional convolution layer with a kernel on a signal."""
    layer = layers.Conv1D(1, len(kernel), use_bias=False)
    layer.build((None, None, 1))
    layer.set_weights([np.reshape(kernel, (-1, 1, 1))])
    output = layer(np.reshape(np.array(signal, "float32"), (1, -1, 1)))
    return [float(number) for number in keras.ops.convert_to_numpy(output).ravel()]


def _savings_and_sizes() -> Claims:
    local, kernels = conv(1000, 10, padding="same"), conv(20, 10, 1, 100)
    full = dense(PIXELS, PIXELS).macs
    yield Claim(90, "neurons for 1000*1000 pixels", 10**6, local.output_shape[0] ** 2)
    yield Claim(90, "connections if each neuron sees all pixels", 10**12, full, printed="10^12")
    yield Claim(90, "connections if each sees 10*10 pixels", 10**8, local.macs, printed="10^8")
    yield Claim(92, "weights of one such neuron", 100, local.macs // PIXELS)
    yield Claim(92, "weights if no neurons share them", 10**8, local.macs, printed="10^8")
    yield Claim(92, "weights if all neurons share them", 100, local.weight_params)
    yield Claim(96, "weights of 100 kernels", 10**4, kernels.weight_params, printed="10^4")
    yield Claim(96, "weights for one feature of a dense layer", 10**12, full, printed="10^12")
    stated = [n - f + 1 for n, f in UNPADDED]
    unpadded = [output_size(*case) for case in UNPADDED]
    yield Claim(113, "size without padding", stated, unpadded, printed="n - f + 1")
    yield Claim(113, "height of 6x6 after a 3x3 filter", 4, output_size(6, 3), printed="4x4")
    yield Claim(122, "size with VALID", stated, unpadded, printed="n - f + 1")
    yield Claim(130, "size with p pixels of padding at every side",
        [n + 2 * p - f + 1 for n, f, p in PADDED], [output_size(*case) for case in PADDED],
        printed="n + 2p - f + 1")
    yield Claim(130, "padding that keeps the size", [((f - 1) // 2, (f - 1) // 2) for f in ODD],
        [_same_padding(f) for f in ODD], printed="p = (f - 1)/2")
    yield Claim(130, "padding for 3x3", (1, 1), _same_padding(3), printed="(3-1)/2 = 1")
    yield Claim(134, "padding of an even filter, 4x4: left, right", (2, 1), _same_padding(4),
        printed="left more, right less",
        erratum="TensorFlow and Keras add the extra pixel at the end: 1 before, 2 after",
        right=(1, 2))
    yield Setting(137, "usual filter sizes, here GoogLeNet's", {1, 3, 5, 7},
        kernel_sizes("googlenet"), printed="3x3, 5x5, 1x1, even 7x7")
    yield Claim(145, "size with padding and stride, rounded down",
        [int((n + 2 * p - f) / s + 1) for n, f, p, s in STRIDED],
        [output_size(*case) for case in STRIDED], printed="floor((n + 2p - f)/s + 1)")


def _same_padding(kernel: int) -> tuple[int, int]:
    """Return how many pixels SAME adds before and after, seen from one output on 8x8."""
    seen = box(8, layers.Conv2D(1, kernel, padding="same"), place=(4, 4))
    return 4 - seen.full_start[0], seen.full_stop[0] - 5


SECTIONS = (_operation_and_counts, _savings_and_sizes)
