"""SPP-net: a pyramid of bins instead of the last pool, so that it takes images of any size.

Source: He, Zhang, Ren and Sun, "Spatial Pyramid Pooling in Deep Convolutional Networks for Visual
Recognition" (2014), https://arxiv.org/abs/1406.4729, table 1, ZF-5, whose convolutions are those of
`zfnet`; the pyramid of 1x1, 2x2 and 4x4 bins, study notes, `cnn-study`, lines 603-614. Departure:
the paper's classifiers have a pyramid of 6x6, 3x3, 2x2 and 1x1 bins.
"""

from kerazoo.models.alexnet import RECIPE, AlexNetConfig, alexnet_variant
from kerazoo.models.zfnet import CONVOLUTIONS
from kerazoo.recipe import COMMON_DEPARTURES, PaperRecipe, Recipe
from kerazoo.registry import ModelInfo

PAPER_RECIPE = PaperRecipe(
    Recipe(
        epochs=70,
        batch_size=128,
        optimizer="sgd",
        learning_rate=0.01,
        schedule="plateau",
        drops=2,
        momentum=0.9,
        weight_decay=5e-4,
        flip=True,
        crop_area=((224 / 256) ** 2,) * 2,
        color_noise=0.1,
        sizes=(224, 180),
    ),
    sources={
        "learning_rate": "section 3.1",
        "schedule": "section 3.1: divided by 10 when the error plateaus",
        "drops": "section 3.1: twice",
        "flip": "section 3.1",
        "crop_area": "section 3.1: 224x224 of 256x256",
        "color_noise": "section 3.1: color altering",
        "sizes": "section 2.3: an epoch at 224, the next one at 180",
    },
    departures=(
        *COMMON_DEPARTURES,
        "epochs and batch size are ZFNet's, momentum and weight decay AlexNet's: the paper gives "
        "none",
    ),
)

sppnet = alexnet_variant(
    ModelInfo(
        "sppnet",
        paper="He et al. 2014, table 1, ZF-5",
        url="https://arxiv.org/abs/1406.4729",
        year=2014,
        input_shape=(224, 224, 3),
        params=46_628_968,
        macs=1_152_304_256,
        preprocessing="slim_vgg",
        recipe=RECIPE,
        paper_recipe=PAPER_RECIPE,
    ),
    CONVOLUTIONS,
    AlexNetConfig(minimum=21, kernel=0.01, dense=0.01, bias=0, bins=(1, 2, 4)),
)
