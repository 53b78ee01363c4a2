"""The twin of lib/models/networks/vit.ts."""

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, width, heads, mlp, dropout):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.qkv = nn.Linear(width, 3 * width)
        self.projection = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.up = nn.Linear(width, mlp)
        self.down = nn.Linear(mlp, width)
        self.dropout = dropout

    def forward(self, x):
        plots, tokens, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(plots, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(plots, tokens, width)
        x = x + self.drop(self.projection(attended))
        hidden = self.drop(F.gelu(self.up(self.norm2(x)), approximate="none"))
        return x + self.drop(self.down(hidden))

    def drop(self, x):
        return F.dropout(x, self.dropout, self.training)


class Vit(nn.Module):
    def __init__(self, spec, input):
        super().__init__()
        height, width, channels = input
        self.patch = spec["patch"]
        self.grid = (height // self.patch[0], width // self.patch[1])
        patches = self.grid[0] * self.grid[1]
        self.embedding = nn.Linear(self.patch[0] * self.patch[1] * channels, spec["width"])
        self.token = nn.Parameter(torch.zeros(spec["width"]))
        self.positions = nn.Parameter(0.02 * torch.randn(patches + 1, spec["width"]))
        blocks = [Block(spec["width"], spec["heads"], spec["mlp"], spec["dropout"]) for _ in range(spec["blocks"])]
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(spec["width"], eps=1e-6)
        self.head = nn.Linear(spec["width"], 1)
        self.dropout = spec["dropout"]

    def forward(self, x):
        plots, channels = x.shape[:2]
        (rows, columns), (height, width) = self.grid, self.patch
        x = x[:, :, : rows * height, : columns * width]
        # [plots, channels, rows, height, columns, width] to patches of (height, width, channels), as ours.
        x = x.reshape(plots, channels, rows, height, columns, width).permute(0, 2, 4, 3, 5, 1)
        x = self.embedding(x.reshape(plots, rows * columns, height * width * channels))
        x = torch.cat([self.token.expand(plots, 1, -1), x], dim=1) + self.positions
        x = F.dropout(x, self.dropout, self.training)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x.mean(dim=1)))


def build(spec, input):
    return Vit(spec, input)


def parameter_groups(model, lr):
    return [{"params": list(model.parameters())}]


def load(model, weights):
    def norm(module, name):
        module.weight.data.copy_(weights[f"{name}/scale"])
        module.bias.data.copy_(weights[f"{name}/offset"])

    def dense(module, name):
        # [in, out] to [out, in]
        module.weight.data.copy_(weights[f"{name}/kernel"].T)
        module.bias.data.copy_(weights[f"{name}/bias"])

    dense(model.embedding, "embedding")
    model.token.data.copy_(weights["token"])
    model.positions.data.copy_(weights["positions"])
    for number, block in enumerate(model.blocks, start=1):
        norm(block.norm1, f"block{number}/norm1")
        dense(block.qkv, f"block{number}/attention")
        dense(block.projection, f"block{number}/projection")
        norm(block.norm2, f"block{number}/norm2")
        dense(block.up, f"block{number}/up")
        dense(block.down, f"block{number}/down")
    norm(model.norm, "norm")
    dense(model.head, "head")
