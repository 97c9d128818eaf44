"""Image classifiers from their published layer tables: LeNet-5, Inception-V1, ResNet-152, MobileNetV2.

An image is 224 x 224 in three colours, of 1,000 classes, except LeNet-5's 32 x 32 of 10.
"""

from __future__ import annotations

from typing import Literal

from anamorph.processor.workloads.build import Builder
from anamorph.processor.workloads.network import Network
from anamorph.processor.workloads.operations import Tensor


def lenet5() -> Network:
    """LeNet-5 as published: LeCun, Bottou, Bengio and Haffner 1998, section II.B and its Table I.

    Subsampling layers have a coefficient and a bias per map, the third layer sees 60 of 96 pairs of maps (Table I), and
    the last layer is of radial basis functions with fixed targets, which has as many cells as a product of 84 x 10.
    """
    b = Builder("lenet5", "LeCun et al. 1998, doi:10.1109/5.726791, section II.B")
    x = b.take("image", 1, 32, 32)
    x = b.function("C1.tanh", b.convolution("C1", x, 6, 5, padding=0, bias=True), "tanh")
    x = b.function("S2.tanh", b.pool("S2", x, 2, 2, "sum, coefficient, bias", parameters=12), "tanh")
    x = b.convolution("C3", x, 16, 5, padding=0, bias=True, connected=60 * 25)
    x = b.function("C3.tanh", x, "tanh")
    x = b.function("S4.tanh", b.pool("S4", x, 2, 2, "sum, coefficient, bias", parameters=32), "tanh")
    x = b.function("C5.tanh", b.convolution("C5", x, 120, 5, padding=0, bias=True), "tanh")
    x = b.auxiliary("flatten", "rearrangement", (x,), (120,), 0)
    x = b.function("F6.tanh", b.dense("F6", x, 84), "tanh")
    b.dense("output", x, 10, bias=False)
    return b.network()


#: Szegedy et al. 2015, Table 1: 1x1; 3x3 reduce, 3x3; 5x5 reduce, 5x5; projection behind the pooling.
INCEPTION = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def inception_v1() -> Network:
    """GoogLeNet: Szegedy et al. 2015, Table 1, with biases, without the two classifiers used in training only."""
    b = Builder("inception_v1", "Szegedy et al. 2015, arXiv:1409.4842, Table 1")
    x = b.take("image", 3, 224, 224)
    x = _biased(b, "conv1", x, 64, 7, stride=2)
    x = b.normalise("norm1", b.pool("pool1", x, 3, 2, "max", ceil=True), 0, "local response")
    x = _biased(b, "conv2.reduce", x, 64, 1)
    x = b.normalise("norm2", _biased(b, "conv2", x, 192, 3), 0, "local response")
    x = b.pool("pool2", x, 3, 2, "max", ceil=True)
    for block, (c1, c3_in, c3, c5_in, c5, projected) in INCEPTION.items():
        if block in ("4a", "5a"):
            x = b.pool(f"pool{int(block[0]) - 1}", x, 3, 2, "max", ceil=True)
        parts = (
            _biased(b, f"{block}.1x1", x, c1, 1),
            _biased(b, f"{block}.3x3", _biased(b, f"{block}.3x3.reduce", x, c3_in, 1), c3, 3),
            _biased(b, f"{block}.5x5", _biased(b, f"{block}.5x5.reduce", x, c5_in, 1), c5, 5),
            _biased(b, f"{block}.pool.1x1", b.pool(f"{block}.pool", x, 3, 1, "max", padding=1), projected, 1),
        )
        x = b.concatenate(f"{block}.out", *parts)
    b.softmax("softmax", b.dense("classes", b.average("pool5", x), 1000))
    return b.network()


def _biased(b: Builder, name: str, x: Tensor, channels: int, kernel: int, *, stride: int = 1) -> Tensor:
    return b.function(f"{name}.relu", b.convolution(name, x, channels, kernel, stride=stride, bias=True), "relu")


def resnet_152(stride_in: Literal["1x1", "3x3"] = "3x3") -> Network:
    """ResNet-152: He et al. 2016, Table 1, 152-layer column: 3, 8, 36 and 3 bottleneck blocks.

    Args:
        stride_in: which convolution of a stage's first block halves the image: the first, as in the paper ("1x1"), or
            the second, as in the implementations that are used and exported today ("3x3"; 2 % more to compute).
    """
    b = Builder("resnet_152", "He et al. 2016, arXiv:1512.03385, Table 1")
    x = _normalised(b, "conv1", b.take("image", 3, 224, 224), 64, 7, stride=2, then="relu")
    x = b.pool("pool1", x, 3, 2, "max", padding=1)
    for stage, (blocks, width) in enumerate(((3, 64), (8, 128), (36, 256), (3, 512)), start=2):
        for block in range(blocks):
            name, stride = f"conv{stage}_{block + 1}", 2 if stage > 2 and block == 0 else 1
            early, late = (stride, 1) if stride_in == "1x1" else (1, stride)
            y = _normalised(b, f"{name}.a", x, width, 1, stride=early, then="relu")
            y = _normalised(b, f"{name}.b", y, width, 3, stride=late, then="relu")
            y = _normalised(b, f"{name}.c", y, 4 * width, 1)
            if block == 0:
                x = _normalised(b, f"{name}.shortcut", x, 4 * width, 1, stride=stride)
            x = b.function(f"{name}.relu", b.add(f"{name}.add", y, x), "relu")
    b.softmax("softmax", b.dense("classes", b.average("pool5", x), 1000))
    return b.network()


#: Sandler et al. 2018, Table 2: expansion, channels, blocks, stride of the first.
BOTTLENECKS = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip


def mobilenet_v2() -> Network:
    """MobileNetV2 at width 1: Sandler et al. 2018, Table 2: inverted residuals around depthwise convolutions."""
    b = Builder("mobilenet_v2", "Sandler et al. 2018, arXiv:1801.04381, Table 2")
    x = _normalised(b, "conv1", b.take("image", 3, 224, 224), 32, 3, stride=2, then="relu6")
    for row, (expansion, channels, blocks, first) in enumerate(BOTTLENECKS, start=1):
        for block in range(blocks):
            name, stride, inner = f"block{row}_{block + 1}", first if block == 0 else 1, expansion * x.shape[0]
            y = x if expansion == 1 else _normalised(b, f"{name}.expand", x, inner, 1, then="relu6")
            y = _normalised(b, f"{name}.depthwise", y, inner, 3, stride=stride, groups=inner, then="relu6")
            y = _normalised(b, f"{name}.project", y, channels, 1)
            x = b.add(f"{name}.add", y, x) if stride == 1 and x.shape == y.shape else y
    x = _normalised(b, "conv2", x, 1280, 1, then="relu6")
    b.softmax("softmax", b.dense("classes", b.average("pool", x), 1000))
    return b.network()


def _normalised(
    b: Builder, name: str, x: Tensor, channels: int, kernel: int, *, stride: int = 1, groups: int = 1, then: str = ""
) -> Tensor:
    """A convolution without biases and batch normalisation with a scale and an offset per channel."""
    y = b.convolution(name, x, channels, kernel, stride=stride, groups=groups)
    y = b.normalise(f"{name}.norm", y, 2 * channels, "batch")
    return b.function(f"{name}.{then}", y, then) if then else y
