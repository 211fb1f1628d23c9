"""SPP-net: a pyramid of bins instead of the last pool, so that it takes images of any size.

Source: He, Zhang, Ren and Sun, "Spatial Pyramid Pooling in Deep Convolutional Networks for Visual
Recognition" (2014), https://arxiv.org/abs/1406.4729, table 1, ZF-5, whose convolutions are those of
`zfnet`; the pyramid of 1x1, 2x2 and 4x4 bins, study notes, `cnn-study`, lines 603-614. Departure:
the paper's classifiers have a pyramid of 6x6, 3x3, 2x2 and 1x1 bins.
"""

from kerazoo.models.alexnet import AlexNetConfig, alexnet_variant
from kerazoo.models.zfnet import CONVOLUTIONS
from kerazoo.registry import ModelInfo

sppnet = alexnet_variant(
    ModelInfo(
        "sppnet",
        paper="He et al. 2014, table 1, ZF-5",
        url="https://arxiv.org/abs/1406.4729",
        year=2014,
        input_shape=(224, 224, 3),
        params=46_628_968,
        macs=1_152_304_256,
    ),
    CONVOLUTIONS,
    AlexNetConfig(minimum=21, kernel=0.01, dense=0.01, bias=0, bins=(1, 2, 4)),
)
