"""The layers that the networks need and Keras lacks, and no others.

After `import kerazoo.layers`, Keras loads saved models that contain them.
"""

from kerazoo.layers.lenet import (
    FanInUniform,
    RadialBasis,
    SparseConv2D,
    TrainableSubsampling,
    scaled_tanh,
)
from kerazoo.layers.lrn import LocalResponseNormalization
from kerazoo.layers.matmul_conv import MatmulConv2D
from kerazoo.layers.spatial_pyramid import SpatialPyramidPooling
from kerazoo.layers.spatially_separable import SpatiallySeparableConv2D, separate

__all__ = [
    "FanInUniform",
    "LocalResponseNormalization",
    "MatmulConv2D",
    "RadialBasis",
    "SparseConv2D",
    "SpatialPyramidPooling",
    "SpatiallySeparableConv2D",
    "TrainableSubsampling",
    "scaled_tanh",
    "separate",
]
