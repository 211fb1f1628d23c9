"""The demos by name: each is a module of this package with the functions `compute` and `draw`."""

from __future__ import annotations

from dataclasses import dataclass

from kerazoo.demos.texts import Text


@dataclass(frozen=True)
class Demo:
    """What `kerazoo demo` shows in its list, and which options a demo takes.

    Attributes:
        title: A line about it.
        image: Its image: "china.jpg" or "flower.jpg", "digit", or "of the model"; None if it takes
            none.
        model: The model that it shows by default, None if it takes none.
        uses: "keras" or "tensorflow", which take seconds to start, or None.
    """

    title: Text
    image: str | None = None
    model: str | None = None
    uses: str | None = None


DEMOS = {
    "filters": Demo(
        Text(
            "lines that a filter finds in a photo, and one that learns them",
            "滤波器在照片中找到的线条，以及一个学会找线条的滤波器",
        ),
        image="china.jpg",
    ),
    "kernels": Demo(
        Text(
            "one photo through five kernels, from identity to blur",
            "同一张照片经过五种卷积核：原图、边缘、锐化、两种模糊",
        ),
        image="flower.jpg",
    ),
    "convolution": Demo(
        Text(
            "a convolution number by number, and why it is a correlation",
            "逐个数字地看一次卷积，以及它为何其实是互相关",
        ),
    ),
    "kinds": Demo(
        Text(
            "eight kinds of convolution, with their weights and MACs",
            "八种卷积，各自的参数量与乘加次数",
        ),
    ),
    "padding": Demo(
        Text(
            "the windows of VALID and SAME, and where the zeros are",
            "VALID 与 SAME 的窗口位置，以及零填充在哪里",
        ),
    ),
    "pooling": Demo(
        Text(
            "maximum, mean, sum, overlapping, global and pyramid pooling",
            "最大、平均、求和、重叠、全局与金字塔池化",
        ),
    ),
    "max_pool": Demo(
        Text(
            "what max pooling keeps of a photo, at true scale",
            "最大池化保留了照片的哪些像素（按真实比例）",
        ),
        image="china.jpg",
    ),
    "invariance": Demo(
        Text(
            "how far max pooling ignores shifts, rotations and scales",
            "最大池化对平移、旋转、缩放有多“不变”",
        ),
        image="digit",
    ),
    "receptive_field": Demo(
        Text(
            "which pixels a unit of a network sees, and which of them count",
            "网络中一个单元能看到哪些像素，哪些真正起作用",
        ),
        image="of the model",
        model="vgg16",
        uses="tensorflow",
    ),
    "feature_maps": Demo(
        Text("what each layer of a model makes of an image", "模型的每一层把图像变成了什么"),
        image="of the model",
        model="mnist_cnn",
        uses="tensorflow",
    ),
    "learned_filters": Demo(
        Text("the kernels that a model has learned", "模型学到的卷积核"),
        model="mnist_cnn",
        uses="tensorflow",
    ),
    "grad_cam": Demo(
        Text(
            "which part of an image supports a class, by Grad-CAM",
            "图像的哪一部分支持某个类别（Grad-CAM）",
        ),
        image="of the model",
        model="mnist_cnn",
        uses="tensorflow",
    ),
    "dense_vgg": Demo(
        Text(
            "VGG-16 without dense layers: a map of scores for a large photo",
            "没有全连接层的 VGG-16：大照片上的类别得分图",
        ),
        image="china.jpg",
        model="vgg16",
        uses="tensorflow",
    ),
    "networks": Demo(
        Text(
            "the networks to one scale, and what each of them costs",
            "按同一比例绘制的各个网络，以及各自的开销",
        ),
        uses="keras",
    ),
    "backprop": Demo(
        Text(
            "the gradients that the notes derive, number by number",
            "笔记中推导的梯度，逐个数字",
        ),
    ),
}
