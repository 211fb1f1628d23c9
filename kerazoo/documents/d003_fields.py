"""Document 003_f507a061fff3ec1f, lines 372-449: receptive fields."""

from __future__ import annotations

from keras import layers

from kerazoo.accounting.windows import Window, field_from_output, output_from_input
from kerazoo.documents.claim import Claim, formula
from kerazoo.documents.live import Live

# kernel, stride, dilation of the layers of a chain; stride and dilation do not go together
CHAINS = [
    (((3, 1, 1), (3, 1, 1)),),
    (((7, 2, 1), (3, 2, 1), (3, 1, 1)),),
    (((3, 1, 1), (3, 1, 2), (3, 1, 4)),),
]
Chain = tuple[tuple[int, int, int], ...]


def claims() -> list[Claim]:
    """Return what these lines state."""
    return [*_sizes(), *_recurrence(), *_programs()]


def _chain(live: Live, chain: Chain) -> int:
    """Return the field behind live convolutions."""
    convolutions = [
        layers.Conv2D(1, kernel, strides=stride, dilation_rate=dilation)
        for kernel, stride, dilation in chain
    ]
    return live.rows((60, 60, 1), *convolutions).receptive_field.iloc[-1]


def _sizes() -> list[Claim]:
    return [
        formula(
            394,
            "height of a convolution's output",
            "(in - F + 2 P)/S + 1",
            lambda n, f, p, s: (n - f + 2 * p) // s + 1,
            lambda live, n, f, p, s: live.conv(n, f, padding=p, strides=s).output_shape[0],
            [(9, 3, 0, 2), (28, 5, 2, 1), (227, 11, 0, 4)],
        ),
        formula(
            400,
            "height of a dilated convolution's output",
            "(in - dilation (F - 1) + 2 P - 1)/S + 1",
            lambda n, f, p, d: n - d * (f - 1) + 2 * p - 1 + 1,
            lambda live, n, f, p, d: live.conv(n, f, padding=p, dilation_rate=d).output_shape[0],
            [(20, 3, 0, 2), (20, 3, 2, 2), (20, 5, 4, 3)],
        ),
    ]


def _recurrence() -> list[Claim]:
    def down(chain: Chain) -> int:
        """Return the field by the recurrence from the last layer to the first, line 411 or 422."""
        field = 1
        for kernel, stride, dilation in reversed(chain):
            field = (field - 1) * stride + dilation * (kernel - 1) + 1
        return field

    return [
        formula(
            409,
            "the field on the layer before is the filter's size",
            "RF_(N-1) = filter",
            lambda kernel: kernel,
            lambda live, kernel: live.conv(20, kernel).receptive_field,
            [(1,), (3,), (5,)],
        ),
        formula(
            411,
            "the field one layer further down",
            "RF_(N-2) = (RF_(N-1) - 1) stride + kernel",
            down,
            _chain,
            CHAINS[:2],
        ),
        Claim(
            416,
            "a field may be larger than the image: vgg16's last is, of 224",
            True,
            lambda live: live.vgg16.receptive_field["fc8"] > live.vgg16.output_shape.iloc[0][0],
            "larger than the image",
        ),
        formula(
            422,
            "the field with dilation",
            "(F - 1) stride + dilation (kernel - 1) + 1",
            down,
            _chain,
            CHAINS,
        ),
    ]


def _programs() -> list[Claim]:
    def in_from_out(net: Chain) -> int:
        field = 1
        for size, stride, _ in reversed(net):
            field = (field - 1) * stride + size
        return field

    def size_out(live: Live, size: int, chain: tuple[Window, ...]) -> tuple[float, int]:
        return output_from_input(size, chain)

    def out_from_in(size: float, net: tuple[Window, ...]) -> tuple[float, int]:
        total = 1
        for window in net:
            size = (size + 2 * window.padding - window.length) / window.stride + 1
            total *= window.stride
        return size, total

    whole = [(224, (Window(3, 1, 1), Window(2, 2))), (15, (Window(3, 1, 0, 2), Window(3, 2)))]
    return [
        formula(
            433,
            "inFromOut, from the last layer to the first",
            "RF = (RF - 1) * stride + fsize",
            in_from_out,
            lambda live, net: field_from_output([Window(f, s, p) for f, s, p in net]),
            [(((3, 1, 1), (2, 2, 0)),), (((7, 2, 3), (3, 2, 1), (3, 1, 1)),)],
        ),
        Claim(
            432,
            "entries of a layer of `net`",
            3,
            lambda live: len(Window._fields),
            "fsize, stride, pad",
            erratum="outFromIn, line 444, takes four from the same list: dilation too",
            right=4,
        ),
        formula(
            445,
            "outFromIn, from the first layer to the last, where the strides fit",
            "(insize + 2 pad - dilation (fsize - 1) - 1) / stride + 1",
            out_from_in,
            size_out,
            whole,
        ),
        formula(
            445,
            "outFromIn, where a stride does not fit",
            "(insize + ...) / stride + 1",
            out_from_in,
            size_out,
            [(224, (Window(11, 4, 2),))],
            erratum="it divides without rounding down, unlike line 145: 55.25 pixels",
            right=((55, 4),),
        ),
        Claim(
            447,
            "the strides multiplied: vgg16's pool5",
            32,
            lambda live: live.vgg16.effective_stride["pool5"],
            "totstride * stride",
        ),
    ]
