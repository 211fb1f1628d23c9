"""The squashing function of LeNet.

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition"
(1998), equation 6 and appendix A.
"""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable("kerazoo")
def scaled_tanh(x: Any) -> Any:
    """Return 1.7159 tanh(2 x / 3), which takes 1 to 1 and -1 to -1."""
    return 1.7159 * keras.ops.tanh(2 / 3 * x)
