"""What the documents' networks need and Keras lacks, and nothing else.

Importing this lets Keras load saved models that have these layers.
"""

from kerazoo.layers.fan_in_uniform import FanInUniform
from kerazoo.layers.lrn import LocalResponseNormalization
from kerazoo.layers.radial_basis import RadialBasis
from kerazoo.layers.scaled_tanh import scaled_tanh
from kerazoo.layers.sparse_conv import SparseConv2D
from kerazoo.layers.spatial_pyramid import SpatialPyramidPooling
from kerazoo.layers.spatially_separable import SpatiallySeparableConv2D, separate
from kerazoo.layers.subsampling import TrainableSubsampling

__all__ = [
    "FanInUniform",
    "LocalResponseNormalization",
    "RadialBasis",
    "SparseConv2D",
    "SpatialPyramidPooling",
    "SpatiallySeparableConv2D",
    "TrainableSubsampling",
    "scaled_tanh",
    "separate",
]
