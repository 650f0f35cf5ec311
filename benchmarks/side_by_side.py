#!/usr/bin/env python3
"""Runs bench_emulate and PyTorch in turns and prints medians: side_by_side.py BENCH MODELS ROUNDS."""
import json
import os
import statistics
import subprocess
import sys
import time

bench, models, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
networks = ["resnet18", "mobilenet_v2"]
batch = 8

try:
    import numpy
    import onnx
    import onnx.numpy_helper
    import torch
    import torch.nn.functional as functional

    torch.set_num_threads(2)
    torch.set_grad_enabled(False)
except ImportError as missing:
    torch = None
    print(f"without PyTorch: {missing}")


def library(name):
    """Images a second (peak: GMAC/s) of one benchmark."""
    out = subprocess.run(
        [bench, f"--benchmark_filter=^{name}/", "--benchmark_min_time=0.5", "--benchmark_format=json"],
        check=True, capture_output=True, text=True).stdout
    return {r["name"].removesuffix("/process_time/real_time"): r
            for r in json.loads(out)["benchmarks"]}


def pads(attribute):
    top, left, bottom, right = attribute.get("pads", [0, 0, 0, 0])
    return left, right, top, bottom


class Network:
    """The operators of the shared networks, one by one."""

    def __init__(self, file):
        graph = onnx.load(file).graph
        self.constants = {t.name: torch.from_numpy(onnx.numpy_helper.to_array(t).copy())
                          for t in graph.initializer}
        self.nodes = graph.node
        self.input = next(i.name for i in graph.input if i.name not in self.constants)
        self.output = graph.output[0].name
        self.inputs = {}  # of convolutions, by name of the node's output

    def __call__(self, image, keep=False):
        values = dict(self.constants)
        values[self.input] = image
        for node in self.nodes:
            x = [values[name] if name else None for name in node.input]
            a = {at.name: onnx.helper.get_attribute_value(at) for at in node.attribute}
            if keep and node.op_type in ("Conv", "Gemm"):
                self.inputs[node.output[0]] = (x[0], x[1], a)
            values[node.output[0]] = self.apply(node.op_type, x, a)
        return values[self.output]

    @staticmethod
    def apply(kind, x, a):
        if kind == "Conv":
            left, right, top, bottom = pads(a)
            if left != right or top != bottom:
                x[0] = functional.pad(x[0], (left, right, top, bottom))
                left = top = 0
            return functional.conv2d(x[0], x[1], x[2] if len(x) > 2 else None, a["strides"],
                                     (top, left), a.get("dilations", 1), a.get("group", 1))
        if kind == "Relu":
            return functional.relu(x[0])
        if kind == "Clip":
            return torch.clamp(x[0], float(x[1]), float(x[2]))
        if kind == "Add":
            return x[0] + x[1]
        if kind == "MaxPool":
            left, right, top, bottom = pads(a)
            return functional.max_pool2d(x[0], a["kernel_shape"], a["strides"], (top, left))
        if kind == "GlobalAveragePool":
            return x[0].mean((2, 3), keepdim=True)
        if kind == "Flatten":
            return torch.flatten(x[0], 1)
        if kind == "Gemm":
            return functional.linear(x[0], x[1] if a.get("transB", 0) else x[1].T, x[2])
        raise SystemExit(f"side_by_side: operator {kind}")


def pytorch(network, images):
    """Images a second of plain forward passes, nothing clipped."""
    begin = time.perf_counter()
    for first in range(0, len(images), batch):
        network(images[first:first + batch])
    return len(images) / (time.perf_counter() - begin)


def multiplied_patches(network, image):
    """Seconds to count the zero products of all compute layers by multiplying them all."""
    network(image, keep=True)
    begin = time.perf_counter()
    for x, w, a in network.inputs.values():
        if w.dim() == 2:
            for one in w:
                (x * one).eq(0).sum()
            continue
        group = a.get("group", 1)
        patches = functional.unfold(x, w.shape[2:], a.get("dilations", 1), pads(a)[2::-2],
                                    a["strides"])[0]
        patches = patches.reshape(group, -1, patches.shape[-1])
        filters = w.reshape(group, w.shape[0] // group, -1, 1)
        for g in range(group):
            for one in filters[g]:
                (patches[g] * one).eq(0).sum()
    return time.perf_counter() - begin


manifest = json.load(open(os.path.join(models, "manifest.json")))
files = {m["name"]: os.path.join(models, m["file"]) for m in manifest["models"]}
rates = {}
if torch:
    dataset = manifest["datasets"]["imagenet_eli"]
    pixels = numpy.load(os.path.join(models, dataset["images"]), mmap_mode="r")[:32]
    images = (torch.from_numpy(pixels.astype("float32")) / 255 - 0.45) / 0.226
    loaded = {name: Network(files[name]) for name in networks}
for turn in range(rounds):
    peak = library("peak")
    rates.setdefault("peak", []).append(next(iter(peak.values()))["GMAC/s"])
    for name in networks:
        for key, r in library(name).items():
            rates.setdefault(key, []).append(r["images/s"])
            rates.setdefault(key + " GMAC/s", []).append(r["GMAC/s"])
        if torch:
            if turn == 0:
                pytorch(loaded[name], images[:batch])  # warm
            rates.setdefault(name + "/pytorch", []).append(pytorch(loaded[name], images))
    print(f"round {turn + 1} of {rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)

median = {key: statistics.median(values) for key, values in rates.items()}
print(f"peak {2 * median['peak']:.0f} GFLOP/s on two threads; medians of {rounds} rounds, "
      f"load {os.getloadavg()[0]:.1f} at the end")
for name in networks:
    reference = median.get(name + "/pytorch")
    for key, rate in median.items():
        if not key.startswith(name + "/") or key.endswith("GMAC/s"):
            continue
        share = median.get(key + " GMAC/s")
        print(f"{key:38} {rate:8.1f} images/s"
              + (f"  {rate / reference:5.2f} x PyTorch" if reference else "")
              + (f"  {100 * share / median['peak']:4.0f} % of peak" if share else ""))
forward = 1 / median["resnet18/eigen/answers"]
joint = 1 / median["resnet18/eigen/statistics"] - forward
print(f"joint statistics of ResNet-18: {1000 * joint:.1f} ms an image on top of the forward pass's "
      f"{1000 * forward:.1f} ms, {joint / forward:.2f} x")
if torch:
    seconds = multiplied_patches(loaded["resnet18"], images[:1])
    print(f"multiplying patches by filters in PyTorch: {seconds:.1f} s an image, "
          f"{seconds / joint:.0f} x as long")
