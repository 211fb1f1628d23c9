"""SPP-net: a pyramid of bins in place of the last pool, so that images of any size are taken.

Source: He, Zhang, Ren and Sun, "Spatial Pyramid Pooling in Deep Convolutional Networks for Visual
Recognition" (2014), table 1, ZF-5, which are the convolutions of `zfnet`; the pyramid of 1x1, 2x2
and 4x4 bins, study document 003_f507a061fff3ec1f, lines 603-614. Departures: the paper's networks
for classification have more levels, such as 6x6, 3x3, 2x2 and 1x1; its fc6 is as wide as here.
"""

from __future__ import annotations

from kerazoo.models.alexnet import Style, like_alexnet
from kerazoo.models.zfnet import CONVOLUTIONS

sppnet = like_alexnet(
    "sppnet",
    "Build SPP-net: 21 bins of 256 maps for images of any size",
    CONVOLUTIONS,
    Style(least=21, kernel=0.01, dense=0.01, bias=0, bins=(1, 2, 4)),
    source="He et al., table 1, ZF-5",
    year=2014,
    size=224,
    params=46_628_968,
    macs=1_152_304_256,
)
