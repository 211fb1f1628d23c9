"""ZFNet: AlexNet with smaller windows and strides in its first layers, and without groups.

Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks" (2013),
https://arxiv.org/abs/1311.2901, figure 3; initial values, section 3. Departures: conv1 has one zero
at every side, and the first two pools are padded to give the figure's feature maps of 110, 55, 26
and 13 pixels, of which the paper says nothing; contrast normalization has AlexNet's settings, since
the paper gives none.
"""

from kerazoo.models.alexnet import RECIPE, AlexNetConfig, Convolution, alexnet_variant
from kerazoo.recipe import COMMON_DEPARTURES, PaperRecipe, Recipe
from kerazoo.registry import ModelInfo

CONVOLUTIONS = (
    Convolution(96, 7, 2, padding=1, then=("pool_same", "lrn")),
    Convolution(256, 5, 2, "valid", then=("pool_same", "lrn")),
    Convolution(384, 3),
    Convolution(384, 3),
    Convolution(256, 3),
)

PAPER_RECIPE = PaperRecipe(
    Recipe(
        epochs=70,
        batch_size=128,
        optimizer="sgd",
        learning_rate=0.01,
        schedule="plateau",
        momentum=0.9,
        flip=True,
        crop_area=((224 / 256) ** 2,) * 2,
    ),
    sources={
        "epochs": "section 3",
        "batch_size": "section 3",
        "optimizer": "section 3",
        "learning_rate": "section 3",
        "schedule": "section 3: lowered by hand when the validation error plateaus",
        "momentum": "section 3",
        "flip": "section 3",
        "crop_area": "section 3: 224x224 of 256x256",
    },
    departures=(
        *COMMON_DEPARTURES[:3],
        "filters whose root mean square exceeds 0.1 are not scaled back to it",
    ),
)

zfnet = alexnet_variant(
    ModelInfo(
        "zfnet",
        paper="Zeiler & Fergus 2013, figure 3",
        url="https://arxiv.org/abs/1311.2901",
        year=2013,
        input_shape=(224, 224, 3),
        params=62_357_608,
        macs=1_168_032_896,
        preprocessing="slim_vgg",
        recipe=RECIPE,
        paper_recipe=PAPER_RECIPE,
    ),
    (*CONVOLUTIONS[:4], CONVOLUTIONS[4]._replace(then=("pool",))),
    AlexNetConfig(minimum=53, kernel=0.01, dense=0.01, bias=0),
)
