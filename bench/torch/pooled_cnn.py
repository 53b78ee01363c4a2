"""The twin of lib/models/networks/pooledCnn.ts."""

from torch import nn


class PooledCnn(nn.Module):
    def __init__(self, spec, input):
        super().__init__()
        filters, kernels, shrink = spec["filters"], spec["kernels"], spec["shrink"]
        if not isinstance(kernels, list):
            kernels = [kernels] * len(filters)
        self.convolutions, self.norms, layers = [], [], []
        channels = input[2]
        for index, (count, kernel) in enumerate(zip(filters, kernels, strict=True)):
            convolution = nn.Conv2d(channels, count, kernel, padding=kernel // 2, bias=False)
            norm = nn.BatchNorm2d(count, eps=1e-3)
            self.convolutions.append(convolution)
            self.norms.append(norm)
            layers += [convolution, norm, nn.ReLU(inplace=True)]
            if index < len(shrink) and shrink[index] > 1:
                layers.append(nn.AvgPool2d(shrink[index]))
            channels = count
        self.layers = nn.Sequential(*layers)
        self.dropout = nn.Dropout(spec["dropout"])
        self.dense = nn.Linear(channels, 1)

    def forward(self, x):
        return self.dense(self.dropout(self.layers(x).mean(dim=(2, 3))))


def build(spec, input):
    return PooledCnn(spec, input)


def parameter_groups(model, lr):
    return [{"params": list(model.parameters())}]


def load(model, weights):
    for number, (convolution, norm) in enumerate(zip(model.convolutions, model.norms, strict=True), start=1):
        # [height, width, in, out] to [out, in, height, width]
        convolution.weight.data.copy_(weights[f"conv{number}/kernel"].permute(3, 2, 0, 1))
        norm.weight.data.copy_(weights[f"norm{number}/scale"])
        norm.bias.data.copy_(weights[f"norm{number}/offset"])
    model.dense.weight.data.copy_(weights["dense/kernel"].T)
    model.dense.bias.data.copy_(weights["dense/bias"])
