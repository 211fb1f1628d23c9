"""A convolution as a product of matrices, for kernels with far more weights than positions."""

from typing import Any

from kerazoo.lazy import keras


@keras.saving.register_keras_serializable("kerazoo")
class MatmulConv2D(keras.layers.Conv2D):
    """A Conv2D that is computed as the product of its patches and its weights.

    Weights, arguments and results are those of Conv2D. It is faster where a kernel has millions of
    weights and few positions, as in a dense layer that is made a convolution: on a CPU, oneDNN
    reorders the weights of a convolution at each call, but not those of a product. Conv2D itself
    computes strides, dilation, groups, and images whose size is unknown when a graph is built; it
    refuses images that are smaller than the kernel.

    Source: `slim-vgg`, lines 43-107, for such layers; Chellapilla, Puri and Simard, "High
    Performance Convolutional Neural Networks for Document Processing" (2006),
    https://inria.hal.science/inria-00112631, for the product.

    >>> MatmulConv2D(4096, 7).compute_output_shape((1, 7, 7, 512))
    (1, 1, 1, 4096)
    """

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Return the feature maps before the bias, in the layer's data format."""
        last = self.data_format == "channels_last"
        sides = inputs.shape[1:3] if last else inputs.shape[2:]
        is_large_enough = self.padding == "same" or all(
            of_kernel == 1 or (side is not None and side >= of_kernel)
            for side, of_kernel in zip(sides, self.kernel_size, strict=True)
        )
        if {*self.strides, *self.dilation_rate, self.groups} != {1} or not is_large_enough:
            return super().convolution_op(inputs, kernel)
        patches = self._patches(inputs if last else keras.ops.transpose(inputs, (0, 2, 3, 1)))
        weights = keras.ops.reshape(kernel, (patches.shape[-1], self.filters))
        outputs = keras.ops.tensordot(patches, weights, axes=1)
        return outputs if last else keras.ops.transpose(outputs, (0, 3, 1, 2))

    def _patches(self, x: Any) -> Any:
        """Return what the kernel covers at each position: row, column, channel on the last axis."""
        height, width = self.kernel_size
        if self.padding == "same":
            around = [((side - 1) // 2, side // 2) for side in (height, width)]
            x = keras.ops.pad(x, [(0, 0), *around, (0, 0)])
        columns = [x[:, :, first : first + 1 - width or None] for first in range(width)]
        x = keras.ops.concatenate(columns, axis=-1)
        rows = [x[:, first : first + 1 - height or None] for first in range(height)]
        return keras.ops.concatenate(rows, axis=-1)
