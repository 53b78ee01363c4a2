"""PyTorch's side of `npm run bench:train`: one network, trained by steps on demand.

Reads a JSON command a line from standard input and answers each with a line of JSON; between two commands it sleeps, so that it
takes nothing from the side that is being measured. Ends with its standard input.
"""

import importlib
import json
import math
import os
import sys
import time

import torch
import torch.nn.functional as F


class Training:
    """`variant`: eager, channels_last (images and convolutions in that memory format), compile, compile + channels_last."""

    def __init__(self, network, spec, input, variant, batch, lr, weights=None):
        twin = importlib.import_module(network)
        self.model = twin.build(spec, input)
        self.model.train()
        if weights:
            twin.load(self.model, read_weights(weights))
        if "channels_last" in variant:
            self.model = self.model.to(memory_format=torch.channels_last)
        x = floats(batch["x"]).reshape(batch["plots"], *input)
        memory_format = torch.channels_last if "channels_last" in variant else torch.contiguous_format
        # [plots, channels, height, width] in the memory that the variant wants: nothing is to be turned in a step.
        self.x = x.permute(0, 3, 1, 2).contiguous(memory_format=memory_format)
        self.y = floats(batch["y"])
        # Fused: one pass over all weights, the fastest of PyTorch's three ways.
        self.optimizer = torch.optim.SGD(twin.parameter_groups(self.model, lr), lr=lr, fused=True)
        self.loss = lambda x, y: F.l1_loss(self.model(x).squeeze(1), y)
        if "compile" in variant:
            self.loss = torch.compile(self.loss)

    def step(self):
        # As a training gets it: out of a batch in memory, into a tensor of its own.
        x = self.x.clone(memory_format=torch.preserve_format)
        loss = self.loss(x, self.y)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.item()


def floats(path):
    return torch.from_file(path, size=os.path.getsize(path) // 4, dtype=torch.float32).clone()


def read_weights(path):
    """By our names, as tensors of our shapes."""
    with open(f"{path}.json", encoding="utf8") as file:
        listed = json.load(file)
    values = floats(f"{path}.f32")
    weights, offset = {}, 0
    for entry in listed:
        length = math.prod(entry["shape"])
        weights[entry["name"]] = values[offset : offset + length].reshape(entry["shape"])
        offset += length
    return weights


def products(size, count):
    """Milliseconds of each of `count` products of square float32 matrices."""
    a, b, out = torch.randn(size, size), torch.randn(size, size), torch.empty(size, size)
    return [timed(lambda: torch.mm(a, b, out=out))[0] for _ in range(count)]


def timed(work):
    started = time.perf_counter()
    result = work()
    return (time.perf_counter() - started) * 1000, result


def main():
    training = None
    answers = sys.stdout
    # What libraries print must not come between the answers.
    sys.stdout = sys.stderr
    for line in sys.stdin:
        command = json.loads(line)
        do = command.pop("do")
        try:
            if do == "threads":
                torch.set_num_threads(command["threads"])
                answer = {"version": torch.__version__}
            elif do == "start":
                training = Training(**command)
                answer = {"weights": sum(parameter.numel() for parameter in training.model.parameters())}
            elif do == "steps":
                steps = [timed(training.step) for _ in range(command["count"])]
                answer = {"ms": [ms for ms, _ in steps], "losses": [loss for _, loss in steps]}
            elif do == "products":
                answer = {"ms": products(command["size"], command["count"])}
            else:
                raise ValueError(f"unknown command {do}")
        except Exception as error:  # Said to the bench, which prints it in the row's place.
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


main()
