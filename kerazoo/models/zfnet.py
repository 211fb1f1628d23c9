"""ZFNet: AlexNet with smaller windows and strides in its first layers, and without groups.

Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks" (2013), figure 3;
initial values, section 3. Departures: conv1 has one zero at every side and the first two pools have
as much padding as gives the figure's maps of 110, 55, 26 and 13 pixels, of which the paper says
nothing; contrast normalisation has AlexNet's settings, since the paper gives none.
"""

from __future__ import annotations

from kerazoo.models.alexnet import Convolution, Style, like_alexnet

CONVOLUTIONS = (
    Convolution(96, 7, 2, padding=1, then=("pool_same", "lrn")),
    Convolution(256, 5, 2, "valid", then=("pool_same", "lrn")),
    Convolution(384, 3),
    Convolution(384, 3),
    Convolution(256, 3),
)

zfnet = like_alexnet(
    "zfnet",
    "Build ZFNet",
    (*CONVOLUTIONS[:4], CONVOLUTIONS[4]._replace(then=("pool",))),
    Style(least=53, kernel=0.01, dense=0.01, bias=0),
    source="Zeiler & Fergus, figure 3",
    year=2013,
    size=224,
    params=62_357_608,
    macs=1_168_032_896,
)
