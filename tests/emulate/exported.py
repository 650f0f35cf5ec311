#!/usr/bin/env python3
"""Writes tests/data/exported_*: one small network as PyTorch's exporter writes it, folded or not,
for three operator sets, with images and PyTorch's own logits. Made with PyTorch 1.13, onnx 1.12:
exported.py <tests/data>
"""
import os
import sys

import numpy
import torch
from torch import nn

torch.manual_seed(1)


def block(inputs, outputs, kernel=3, activation=None, **options):
    padding = (kernel - 1) // 2 * options.get("dilation", 1)
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=padding, bias=False, **options)
    layers = [convolution, nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([activation()] if activation else []))


class SqueezeExcite(nn.Module):
    def __init__(self, channels, gate):
        super().__init__()
        self.fc = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, 4, 1), nn.ReLU(),
                                nn.Conv2d(4, channels, 1), gate())

    def forward(self, x):
        return self.fc(x) * x


class Network(nn.Module):
    """What the networks of torchvision are made of, each once."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(block(3, 8, 3, nn.Hardswish, stride=2),
                                  nn.MaxPool2d(3, 2, ceil_mode=True))
        self.mobile = nn.Sequential(block(8, 16, 1, nn.ReLU6),
                                    block(16, 16, 5, nn.Hardswish, groups=16),
                                    SqueezeExcite(16, nn.Hardsigmoid), block(16, 8, 1))
        self.efficient = nn.Sequential(block(8, 8, 3, nn.SiLU, groups=8),
                                       SqueezeExcite(8, nn.Sigmoid), block(8, 8, 1))
        self.left = block(8, 4, 1, nn.ReLU)
        self.right = block(8, 4, 3, nn.ReLU, dilation=2)
        self.down = nn.Sequential(block(8, 12, 3, nn.ReLU, stride=2, groups=2),
                                  nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False))
        self.classifier = nn.Sequential(nn.Linear(12 * 4, 16), nn.Hardswish(), nn.Dropout(),
                                        nn.Linear(16, 10, bias=False))

    def forward(self, x):
        x = self.stem(x)
        x = x + self.mobile(x)
        x = x + self.efficient(x)
        x = torch.cat([self.left(x), self.right(x)], 1)
        x = nn.functional.adaptive_max_pool2d(self.down(x), (2, 2))
        return self.classifier(x.view(x.size(0), -1))


folder = sys.argv[1]
images = torch.randint(0, 256, (4, 3, 29, 31), dtype=torch.uint8)
x = images.float() / 255
network = Network()
with torch.no_grad():
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.uniform_(0.7, 1.3)
            module.bias.normal_(0.0, 0.2)
            module.momentum = 1.0
    network(x)  # running means and variances
    network.eval()
    logits = network(x)
numpy.save(os.path.join(folder, "exported_images.npy"), images.numpy())
numpy.save(os.path.join(folder, "exported_logits.npy"), logits.numpy())
as_it_is = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
any_batch = {"dynamic_axes": {"input": {0: "batch"}, "logits": {0: "batch"}}}
for name, options in {"9": as_it_is, "11_batch": {**as_it_is, **any_batch}, "13_batch": any_batch,
                      "16": {}}.items():
    torch.onnx.export(network, x[:1], os.path.join(folder, f"exported_{name}.onnx"),
                      input_names=["input"], output_names=["logits"],
                      opset_version=int(name.split("_")[0]), **options)
