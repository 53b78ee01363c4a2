"""The twin of lib/models/networks/convnet2d.ts."""

from torch import nn


def build(spec, input):
    height, width, channels = input
    (kernel1, kernel2), (filters1, filters2) = spec["kernels"], spec["filters"]
    pooled = [(size - kernel1 - kernel2 + 2) // 2 for size in (height, width)]
    model = nn.Sequential(
        nn.Conv2d(channels, filters1, kernel1, bias=False),
        nn.BatchNorm2d(filters1, eps=1e-3),
        nn.ReLU(inplace=True),
        nn.Conv2d(filters1, filters2, kernel2, bias=False),
        nn.BatchNorm2d(filters2, eps=1e-3),
        # Before the ReLU, as ours: they commute, and so the ReLU has a quarter of the work.
        nn.MaxPool2d(2),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(pooled[0] * pooled[1] * filters2, 1),
    )
    model.pooled = (*pooled, filters2)
    return model


def parameter_groups(model, lr):
    """The dense kernel learns at 1 / features of the learning rate."""
    kernel = model[8].weight
    rest = [parameter for parameter in model.parameters() if parameter is not kernel]
    return [{"params": rest}, {"params": [kernel], "lr": lr / kernel.numel()}]


def load(model, weights):
    named = {"conv1": model[0], "norm1": model[1], "conv2": model[3], "norm2": model[4], "dense": model[8]}
    for name in ("conv1", "conv2"):
        # [height, width, in, out] to [out, in, height, width]
        named[name].weight.data.copy_(weights[f"{name}/kernel"].permute(3, 2, 0, 1))
    for name in ("norm1", "norm2"):
        named[name].weight.data.copy_(weights[f"{name}/scale"])
        named[name].bias.data.copy_(weights[f"{name}/offset"])
    # Features in the order height, width, channels to channels, height, width.
    named["dense"].weight.data.copy_(weights["dense/kernel"].reshape(model.pooled).permute(2, 0, 1).reshape(1, -1))
    named["dense"].bias.data.copy_(weights["dense/bias"])
