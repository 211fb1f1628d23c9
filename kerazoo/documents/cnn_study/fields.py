"""cnn-study, lines 372-449: receptive fields."""

from kerazoo.documents.claim import Claim, Claims
from kerazoo.documents.probes import conv, field_of, model, output_size, table
from kerazoo.documents.windows import Window, output_from_input

SIZES = [(9, 3, 0, 2), (28, 5, 2, 1), (227, 11, 0, 4)]  # size, kernel, padding, stride
DILATED = [(20, 3, 0, 2), (20, 3, 2, 2), (20, 5, 4, 3)]  # size, kernel, padding, dilation
PLAIN_CHAINS = [[Window(3), Window(3)], [Window(7, 2), Window(3, 2), Window(3)]]
CHAINS = [*PLAIN_CHAINS, [Window(3), Window(3, dilation=2), Window(3, dilation=4)]]
PROGRAMS = [[Window(3, 1, 1), Window(2, 2)], [Window(7, 2, 3), Window(3, 2, 1), Window(3, 1, 1)]]
# Size, windows: with strides that fit the size, and one that does not.
FITTING = [(224, [Window(3, 1, 1), Window(2, 2)]), (15, [Window(3, 1, 0, 2), Window(3, 2)])]
NOT_FITTING = [(224, [Window(11, 4, 2)])]


def _fields() -> Claims:
    yield Claim(394, "height of a convolution's output",
        [(n - f + 2 * p) // s + 1 for n, f, p, s in SIZES], [output_size(*case) for case in SIZES],
        printed="(in - F + 2 P)/S + 1")
    yield Claim(400, "height of a dilated convolution's output",
        [n - d * (f - 1) + 2 * p - 1 + 1 for n, f, p, d in DILATED],
        [conv(n, f, padding=p, dilation_rate=d).output_shape[0] for n, f, p, d in DILATED],
        printed="(in - dilation (F - 1) + 2 P - 1)/S + 1")
    kernels = (1, 3, 5)
    yield Claim(409, "receptive field on the layer before", kernels,
        [conv(20, kernel).receptive_field for kernel in kernels], printed="RF_(N-1) = filter")
    yield Claim(411, "receptive field on earlier layers",
        [_by_recurrence(chain) for chain in PLAIN_CHAINS], list(map(field_of, PLAIN_CHAINS)),
        printed="RF_(N-2) = (RF_(N-1) - 1) stride + kernel")
    larger = table("vgg16").receptive_field["fc8"] > model("vgg16").input_shape[1]
    yield Claim(416, "a receptive field larger than the image: that of VGG-16's fc8", True, larger,
        printed="larger than the image")
    yield Claim(422, "receptive field with dilation", [_by_recurrence(chain) for chain in CHAINS],
        list(map(field_of, CHAINS)),
        printed="(F - 1) stride + dilation (kernel - 1) + 1")
    yield Claim(432, "elements of a layer of `net`", 3, len(Window._fields),
        printed="fsize, stride, pad",
        erratum="outFromIn, line 444, takes four from the same list: dilation too", right=4)
    yield Claim(433, "inFromOut, from the last layer to the first",
        [_by_recurrence(net) for net in PROGRAMS], list(map(field_of, PROGRAMS)),
        printed="RF = (RF - 1) * stride + fsize")
    yield Claim(445, "outFromIn, from the first layer to the last, where the strides fit",
        [_out_from_in(size, net) for size, net in FITTING],
        [output_from_input(size, net) for size, net in FITTING],
        printed="(insize + 2 pad - dilation (fsize - 1) - 1) / stride + 1")
    yield Claim(445, "outFromIn, where a stride does not fit",
        [_out_from_in(size, net) for size, net in NOT_FITTING],
        [output_from_input(size, net) for size, net in NOT_FITTING],
        printed="(insize + ...) / stride + 1",
        erratum="it divides without rounding down, unlike line 145: 55.25 pixels", right=[(55, 4)])
    yield Claim(447, "stride of all layers up to VGG-16's pool5", 32,
        table("vgg16").effective_stride["pool5"], printed="totstride * stride")


def _by_recurrence(chain: list[Window]) -> int:
    """Return the receptive field as lines 411, 422 and 433 compute it, from the last layer down."""
    field = 1
    for window in reversed(chain):
        field = (field - 1) * window.stride + window.dilation * (window.kernel - 1) + 1
    return field


def _out_from_in(size: float, net: list[Window]) -> tuple[float, int]:
    """Return size and stride as lines 440-448 compute them."""
    stride = 1
    for window in net:
        free = size + 2 * window.padding - window.dilation * (window.kernel - 1) - 1
        size = free / window.stride + 1
        stride *= window.stride
    return size, stride


SECTIONS = (_fields,)
