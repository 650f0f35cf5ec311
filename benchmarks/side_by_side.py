#!/usr/bin/env python3
"""Runs bench_emulate, onnxruntime and PyTorch in turns and prints medians:

    side_by_side.py BENCH MODELS ROUNDS

Rates are images a second of the wall clock; ratios are given of these and of CPU time, which other
programs on the machine disturb less. onnxruntime is npm's onnxruntime-node, found through NODE_PATH.
"""
import collections
import ctypes
import json
import os
import statistics
import subprocess
import sys
import time

bench, models, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
networks = {"resnet18": (3, 224, 224), "mobilenet_v2": (3, 224, 224),
            "yolox_nano": (3, 320, 320), "vit": (3, 32, 32)}
in_more = {"yolox_nano": "yolox_nano_coco", "vit": "vit_cifar10"}
batches = [4, 8, 16]  # of PyTorch, which is compared at its best
runtime_batches = [1, 8]  # of onnxruntime, likewise
one_thread_batch = 16  # below, PyTorch 1.13 takes pointwise layers the slow way on one thread

try:
    import numpy
    import onnx
    import onnx.numpy_helper
    import torch
    import torch.nn.functional as functional

    torch.set_num_threads(2)
    torch.set_grad_enabled(False)
    # glibc would map large activations afresh, page by page, in every layer: keep what was freed.
    # This process only: the library is measured under the allocator as it is.
    libc = ctypes.CDLL(None)
    for option, value in ((-4, 0), (-1, -1), (-2, 400 << 20)):  # M_MMAP_MAX, TRIM_THRESHOLD, TOP_PAD
        libc.mallopt(option, value)
except ImportError as missing:
    torch = None
    print(f"without PyTorch: {missing}")


def library(name):
    """Results of some benchmarks, by name: images a second, CPU seconds an image, GMAC/s."""
    out = subprocess.run(
        [bench, f"--benchmark_filter=^{name}/(real_time|.*/(answers|answers at 0.01|statistics)/)",
         "--benchmark_min_time=0.5", "--benchmark_format=json"],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    results = {}
    for r in json.loads(out)["benchmarks"]:
        rate = r.get("images/s", 0.0)
        images = rate * r["real_time"] / 1000 if rate else 1.0
        name = r["name"].removesuffix("/process_time/real_time")
        results[name] = {"rate": rate, "cpu": r["cpu_time"] / 1000 / images, "gmac": r["GMAC/s"],
                         "busy": r["cpu_time"] / r["real_time"]}
    return results


def onnxruntime(file, each):
    """Its rate with two threads at the faster batch, and CPU time with one; None where it lacks."""
    def run(threads, batch):
        images = 16 if each[1] > 64 else 128
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "side_by_side.js")
        out = subprocess.run(["node", script, file, str(threads), str(images), str(batch)]
                             + [str(e) for e in each], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        if out.returncode:
            raise OSError(out.stderr.strip().splitlines()[-1] if out.stderr else "node failed")
        return json.loads(out.stdout)

    best = max((run(2, batch)["rate"], batch) for batch in runtime_batches)
    cpu = min(run(1, batch)["cpu"] for batch in runtime_batches)
    return {"rate": best[0], "cpu": cpu, "batch": best[1]}


def pads(attribute):
    top, left, bottom, right = attribute.get("pads", [0, 0, 0, 0])
    return left, right, top, bottom


class Network:
    """The operators of the shared networks, one by one."""

    def __init__(self, file):
        graph = onnx.load(file).graph
        self.constants = {t.name: torch.from_numpy(onnx.numpy_helper.to_array(t).copy())
                          for t in graph.initializer}
        readers = collections.Counter(name for n in graph.node for name in n.input)
        sigmoids = {n.output[0]: n.input[0] for n in graph.node if n.op_type == "Sigmoid"}
        self.nodes = []  # kind, inputs, output, attributes
        for n in graph.node:
            a = {at.name: onnx.helper.get_attribute_value(at) for at in n.attribute}
            kind, inputs = n.op_type, list(n.input)
            gate = [name for name in inputs if sigmoids.get(name) in inputs]
            if kind == "Mul" and gate and readers[gate[0]] == 1:  # as who writes PyTorch would
                kind, inputs = "SiLU", [sigmoids[gate[0]]]
                self.nodes = [other for other in self.nodes if other[2] != gate[0]]
            self.nodes.append((kind, inputs, n.output[0], a))
        self.input = next(i.name for i in graph.input if i.name not in self.constants)
        self.output = graph.output[0].name
        self.inputs = {}  # of convolutions, by name of the node's output
        self.known = {}  # by size of batch: what follows from shapes alone, and the other nodes

    def __call__(self, image, keep=False):
        known, nodes = self.known.setdefault(len(image), (dict(self.constants), list(self.nodes)))
        values = dict(known)
        values[self.input] = image
        first = nodes == self.nodes
        for kind, inputs, output, a in list(nodes):
            x = [values[name] if name else None for name in inputs]
            if keep and kind in ("Conv", "Gemm"):
                self.inputs[output] = (x[0], x[1], a)
            values[output] = self.apply(kind, x, a)
            if first and (kind == "Shape" or all(not name or name in known for name in inputs)):
                known[output] = values[output]
        if first:
            nodes[:] = [node for node in nodes if node[2] not in known]
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
        if kind == "SiLU":
            return functional.silu(x[0])
        if kind == "Sigmoid":
            return torch.sigmoid(x[0])
        if kind == "Mul":
            return x[0] * x[1]
        if kind == "Div":
            return x[0] / x[1] if x[0].is_floating_point() else x[0] // x[1]
        if kind == "MatMul":
            return torch.matmul(x[0], x[1])
        if kind == "Softmax":
            return functional.softmax(x[0], a["axis"])
        if kind == "LayerNormalization":
            return functional.layer_norm(x[0], x[1].shape, x[1], x[2], a["epsilon"])
        if kind == "Concat":
            return torch.cat(x, a["axis"])
        if kind == "Resize":  # nearest
            return functional.interpolate(x[0], scale_factor=x[2].tolist()[2:])
        if kind == "Reshape":
            return x[0].reshape([size or x[0].shape[i] for i, size in enumerate(x[1].tolist())])
        if kind == "Transpose":
            return x[0].permute(a["perm"])
        if kind == "Slice":
            axes = x[3].tolist() if len(x) > 3 else range(len(x[1]))
            steps = x[4].tolist() if len(x) > 4 else [1] * len(x[1])
            cut = [slice(None)] * x[0].dim()
            for axis, begin, end, step in zip(axes, x[1].tolist(), x[2].tolist(), steps):
                cut[axis] = slice(begin, end, step)
            return x[0][tuple(cut)]
        if kind == "Gather":
            return x[0].select(a["axis"], int(x[1])) if x[1].dim() == 0 else x[0].index_select(
                a["axis"], x[1] % x[0].shape[a["axis"]])
        if kind == "Unsqueeze":
            return x[0].unsqueeze(int(x[1]))
        if kind == "Expand":
            return x[0].expand(torch.broadcast_shapes(x[0].shape, x[1].tolist()))
        if kind == "Shape":
            return torch.tensor(x[0].shape)
        if kind == "Constant":
            return torch.from_numpy(onnx.numpy_helper.to_array(a["value"]).copy())
        if kind == "ConstantOfShape":
            return torch.full(x[0].tolist(), onnx.numpy_helper.to_array(a["value"]).item())
        if kind == "Equal":
            return x[0] == x[1]
        if kind == "Where":
            return torch.where(x[0], x[1], x[2])
        if kind == "GlobalAveragePool":
            return x[0].mean((2, 3), keepdim=True)
        if kind == "Flatten":
            return torch.flatten(x[0], 1)
        if kind == "Gemm":
            return functional.linear(x[0], x[1] if a.get("transB", 0) else x[1].T, x[2])
        raise SystemExit(f"side_by_side: operator {kind}")


def pytorch(network, images):
    """The same of plain forward passes, nothing clipped, and the batch with which they are fastest:
    the rate with two threads, CPU time with one, since threads of OpenMP that wait for each other
    on a busy machine spin.
    """
    def seconds(batch, clock):
        begin = clock()
        for first in range(0, len(images), batch):
            network(images[first:first + batch])
        return (clock() - begin) / len(images)

    wall, batch = min((seconds(batch, time.perf_counter), batch) for batch in batches)
    torch.set_num_threads(1)
    cpu = seconds(one_thread_batch, time.process_time)
    torch.set_num_threads(2)
    return {"rate": 1 / wall, "cpu": cpu, "batch": batch}


def multiplied_patches(network, image):
    """Counts the zero products of all compute layers by multiplying them all."""
    network(image, keep=True)
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


manifest = json.load(open(os.path.join(models, "manifest.json")))
files = {m["name"]: os.path.join(models, m["file"]) for m in manifest["models"]}
files |= {name: os.path.join(models, "more", folder, "model.onnx")
          for name, folder in in_more.items()}
networks = {name: each for name, each in networks.items() if os.path.exists(files.get(name, ""))}
rounds_of = {}
try:
    onnxruntime(files["mobilenet_v2"], networks["mobilenet_v2"])
    has_runtime = True
except (OSError, KeyError) as missing:
    has_runtime = False
    print(f"without onnxruntime: {missing}")
if torch:
    dataset = manifest["datasets"]["imagenet_eli"]
    pixels = numpy.load(os.path.join(models, dataset["images"]), mmap_mode="r")[:32]
    images = (torch.from_numpy(pixels.astype("float32")) / 255 - 0.45) / 0.226
    random = torch.Generator().manual_seed(1)
    loaded = {name: Network(files[name]) for name in networks}
    images = {name: images if name not in in_more
              else torch.rand((64, *each), generator=random) for name, each in networks.items()}
    for name, network in loaded.items():
        pytorch(network, images[name])  # warm
for turn in range(rounds):
    found = library("peak")
    for name in networks:
        found |= library(name)
        if has_runtime:
            found[name + "/onnxruntime"] = onnxruntime(files[name], networks[name])
        if torch:
            found[name + "/pytorch"] = pytorch(loaded[name], images[name])
    for key, result in found.items():
        for what, value in result.items():
            rounds_of.setdefault((key, what), []).append(value)
    print(f"round {turn + 1} of {rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)

median = {key: statistics.median(values) for key, values in rounds_of.items()}
peak_name = next(key for key, what in median if key.startswith("peak"))
# Multiply-adds a CPU second: what one of two threads that nobody disturbs would reach.
peak = median[peak_name, "gmac"] / median[peak_name, "busy"]
print(f"peak {2 * 2 * peak:.0f} GFLOP/s on two threads; medians of {rounds} rounds, "
      f"load {os.getloadavg()[0]:.1f} at the end")
for name in networks:
    for key in [key for key, what in median if what == "rate" and key.startswith(name + "/")]:
        line = f"{key:38} {median[key, 'rate']:7.1f} images/s {1000 * median[key, 'cpu']:7.2f} CPU ms"
        if (key, "batch") in median:
            line += f", batch {median[key, 'batch']:.0f}"
        for other, what in (("onnxruntime", "onnxruntime"), ("pytorch", "PyTorch")):
            reference = f"{name}/{other}"
            if (reference, "rate") in median and key != reference:
                line += (f"  {median[key, 'rate'] / median[reference, 'rate']:5.2f} x {what}"
                         f" ({median[reference, 'cpu'] / median[key, 'cpu']:.2f} x by CPU time)")
        if (key, "gmac") in median:
            share = median[key, "gmac"] / median[key, "busy"] / peak
            line += f"  {100 * share:3.0f} % of peak"
        print(line)
for name in networks:
    forward = median[f"{name}/eigen/answers", "cpu"]
    joint = median[f"{name}/eigen/statistics", "cpu"] - forward
    print(f"joint statistics of {name}: {1000 * joint:.1f} CPU ms an image on top of the forward "
          f"pass's {1000 * forward:.1f}, {joint / forward:.2f} x")
joint = median["resnet18/eigen/statistics", "cpu"] - median["resnet18/eigen/answers", "cpu"]
if torch:
    cpu = time.process_time()
    multiplied_patches(loaded["resnet18"], images["resnet18"][:1])
    cpu = time.process_time() - cpu
    print(f"multiplying patches by filters in PyTorch: {cpu:.1f} CPU s an image, "
          f"{cpu / joint:.0f} x as long")
