#!/usr/bin/env python3
"""Small networks of other kinds, as PyTorch's exporter writes them, with onnxruntime's answers.

    exported.py <tests/data/exported/more> <node_modules with onnxruntime-node>

Random weights and inputs; what is tested is that a structure loads and is computed right. One of them is
quantised (QuantizeLinear and DequantizeLinear around operators, int32 biases, a scale a filter) and run by
onnxruntime's kernels on integers. Made with PyTorch 1.13, onnx 1.12, onnxruntime-node 1.30.
"""
import json
import os
import subprocess
import sys

import numpy
import onnx
import torch
import torch.nn.functional as F
from onnx import helper, numpy_helper
from torch import nn

RUN = """
const fs = require('fs'), [modules, folder] = process.argv.slice(1);
const ort = require(modules + '/onnxruntime-node');
(async () => {
    const wanted = JSON.parse(fs.readFileSync(0));
    const s = await ort.InferenceSession.create(folder + '/run.onnx', {logSeverityLevel: 3});
    const x = new Float32Array(wanted.x);
    const y = await s.run({[s.inputNames[0]]: new ort.Tensor('float32', x, wanted.shape)});
    const values = s.outputNames.map(n => [n, y[n].dims, Array.from(y[n].data).map(Number)]);
    console.log(JSON.stringify(values));
})();
"""


def answers(model, folder, modules, x):
    """name, shape and values of every output"""
    onnx.save(model, f"{folder}/run.onnx")
    given = json.dumps({"x": x.ravel().tolist(), "shape": list(x.shape)})
    out = subprocess.run(["node", "-e", RUN, modules, folder], input=given, text=True,
                         capture_output=True, check=True).stdout
    os.remove(f"{folder}/run.onnx")
    return [(n, numpy.array(v, numpy.float32).reshape(d)) for n, d, v in json.loads(out)]


def conv(i, o, k=1, s=1, act=nn.SiLU):
    return nn.Sequential(nn.Conv2d(i, o, k, s, k // 2, bias=False), nn.BatchNorm2d(o), act())


class YoloV8(nn.Module):
    """C2f blocks, a pyramid of pools, and the head with its distribution of distances."""

    class C2f(nn.Module):
        def __init__(self, i, o):
            super().__init__()
            self.first, self.last = conv(i, o), conv(o // 2 * 3, o)
            self.inner = nn.Sequential(conv(o // 2, o // 2, 3), conv(o // 2, o // 2, 3))

        def forward(self, x):
            y = list(self.first(x).chunk(2, 1))
            y.append(y[-1] + self.inner(y[-1]))
            return self.last(torch.cat(y, 1))

    def __init__(self, classes=3):
        super().__init__()
        self.classes = classes
        self.stem = nn.Sequential(conv(3, 4, 3, 2), conv(4, 8, 3, 2), self.C2f(8, 8))
        self.down, self.pyramid = conv(8, 8, 3, 2), conv(32, 8)
        self.neck, self.up = self.C2f(16, 8), nn.Upsample(scale_factor=2, mode="nearest")
        self.box = nn.ModuleList(nn.Conv2d(8, 64, 1) for _ in range(2))
        self.cls = nn.ModuleList(nn.Conv2d(8, classes, 1) for _ in range(2))
        self.dfl = nn.Conv2d(16, 1, 1, bias=False)
        self.dfl.weight.data[:] = torch.arange(16.0).view(1, 16, 1, 1)

    def forward(self, x):
        fine = self.stem(x)
        coarse = self.down(fine)
        pools = [coarse]
        for _ in range(3):
            pools.append(F.max_pool2d(pools[-1], 5, 1, 2))
        coarse = self.pyramid(torch.cat(pools, 1))
        maps = [self.neck(torch.cat([self.up(coarse), fine], 1)), coarse]
        anchors, strides = [], []
        for m, stride in zip(maps, (4.0, 8.0)):
            h, w = (int(n) for n in m.shape[2:])
            y, x_ = torch.meshgrid(torch.arange(h) + 0.5, torch.arange(w) + 0.5, indexing="ij")
            anchors.append(torch.stack([x_, y], -1).view(-1, 2))
            strides.append(torch.full((h * w, 1), stride))
        anchors, strides = torch.cat(anchors).t()[None], torch.cat(strides).t()
        all_ = torch.cat([torch.cat([self.box[k](m), self.cls[k](m)], 1).view(
            m.shape[0], 64 + self.classes, -1) for k, m in enumerate(maps)], 2)
        box, cls = all_.split((64, self.classes), 1)
        b, _, a = box.shape
        far = self.dfl(box.view(b, 4, 16, a).transpose(2, 1).softmax(1)).view(b, 4, a)
        before, after = far.chunk(2, 1)
        low, high = anchors - before, anchors + after
        return torch.cat([torch.cat([(low + high) / 2, high - low], 1) * strides,
                          cls.sigmoid()], 1)


class Detr(nn.Module):
    """Queries that are parameters attend to a map; axes tokens x images x features."""

    def __init__(self):
        super().__init__()
        self.back = nn.Sequential(conv(3, 8, 3, 4), conv(8, 16, 3, 2))
        self.place = nn.Parameter(torch.randn(16, 1, 16))
        self.queries = nn.Parameter(torch.randn(5, 1, 16))
        self.own, self.cross = nn.MultiheadAttention(16, 4), nn.MultiheadAttention(16, 4)
        self.norm, self.boxes = nn.LayerNorm(16), nn.Linear(16, 4)

    def forward(self, x):
        m = self.back(x).flatten(2).permute(2, 0, 1)
        m = self.norm(m + self.own(m + self.place, m + self.place, m)[0])
        q = self.queries.expand(-1, x.shape[0], -1)
        q = q + self.cross(q, m + self.place, m)[0]
        return self.boxes(q.transpose(0, 1)).sigmoid()


class MobileVit(nn.Module):
    """Attention within the pixels of equal place in their patch: the batch is images x 4."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = conv(3, 8, 3, 2), nn.Conv2d(16, 4, 1)
        self.tokens = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True)

    def forward(self, x):
        y = self.stem(x)
        b, c, h, w = y.shape
        t = y.reshape(b * c * (h // 2), 2, w // 2, 2).transpose(1, 2)
        t = t.reshape(b, c, h * w // 4, 4).transpose(1, 3).reshape(b * 4, -1, c)
        t = self.tokens(t).view(b, 4, -1, c).transpose(1, 3)
        t = t.reshape(b * c * (h // 2), w // 2, 2, 2).transpose(1, 2).reshape(b, c, h, w)
        return self.head(torch.cat([y, t], 1)).mean((2, 3))


class Attended(nn.Module):
    """Gates by means and maxima over channels; a weighted mean by Einsum; a normalised answer."""

    def __init__(self):
        super().__init__()
        self.stem, self.gate = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x):
        y = F.relu(self.stem(x))
        y = y * torch.sigmoid(self.gate(torch.cat([y.mean(1, True), y.max(1, True)[0]], 1)))
        y = y.flatten(2)
        weights = torch.softmax(y.sum(1), 1)
        return F.normalize(torch.einsum("bt,bct->bc", weights, y), dim=1)


class Residual(nn.Module):
    """To be quantised; its answer is a map, in which a level that is off shows."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 32, 3, padding=1), nn.Conv2d(32, 32, 3, padding=1)
        self.d, self.e = nn.Conv2d(32, 32, 3, 2, 1, groups=32), nn.Conv2d(32, 6, 1)
        self.f = nn.Conv2d(32, 6, 1)

    def forward(self, x):
        x = F.relu(self.a(x))
        x = F.relu(self.d(F.relu(x + self.b(x))))
        return self.e(x) + self.f(F.adaptive_avg_pool2d(x, 1))


def swin():
    from torchvision.models.swin_transformer import SwinTransformer
    return SwinTransformer([4, 4], 8, [2, 1], [2, 2], [4, 4], num_classes=4)


def quantised(model, ranges):
    """uint8 data, int8 weights with a scale a filter, int32 biases"""
    graph = model.graph
    constant = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    nodes, more, scale = [], [], {}

    def held(name, array):
        more.append(numpy_helper.from_array(numpy.asarray(array), name))
        return name

    def levels(t):
        if t not in scale:
            low, high = min(ranges[t][0], 0.0), max(ranges[t][1], 0.0)
            scale[t] = numpy.float32((high - low) / 255)
            zero = numpy.uint8(round(-low / float(scale[t])))
            with_ = [held(t + "/scale", scale[t]), held(t + "/zero", zero)]
            nodes.append(helper.make_node("QuantizeLinear", [t, *with_], [t + "/q"]))
            nodes.append(helper.make_node("DequantizeLinear", [t + "/q", *with_], [t + "/dq"]))
        return t + "/dq"

    def weights(t, unit=None):
        w = constant[t]
        if unit is None:
            unit = (abs(w).reshape(len(w), -1).max(1) / 127).astype(numpy.float32)
            whole = numpy.round(w / unit.reshape(-1, *[1] * (w.ndim - 1))).astype(numpy.int8)
        else:
            whole = numpy.round(w / unit).astype(numpy.int32)
        with_ = [held(t + "/scale", unit), held(t + "/zero", numpy.zeros(len(w), whole.dtype))]
        nodes.append(helper.make_node("DequantizeLinear", [held(t + "/q", whole), *with_],
                                      [t + "/dq"], axis=0))
        return t + "/dq", unit

    for node in list(graph.node):
        fresh = onnx.NodeProto()
        fresh.CopyFrom(node)
        if node.op_type in ("Conv", "Gemm"):
            fresh.input[0] = levels(node.input[0])
            fresh.input[1], unit = weights(node.input[1])
            fresh.input[2], _ = weights(node.input[2], scale[node.input[0]] * unit)
        elif node.op_type in ("Add", "MaxPool", "GlobalAveragePool", "Flatten"):
            for k, t in enumerate(node.input):
                fresh.input[k] = levels(t)
        nodes.append(fresh)
    answer = graph.output[0].name
    nodes[-1].output[0] = answer + "/sum"
    ranges[answer + "/sum"] = ranges[answer]
    levels(answer + "/sum")
    nodes[-1].output[0] = answer
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(more)


def write(folder, modules, name, net, size, images, quantise=False):
    torch.manual_seed(1)
    at = os.path.join(folder, name)
    os.makedirs(at, exist_ok=True)
    net = net().eval()
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.normal_(0, 0.1)
            m.running_var.uniform_(0.5, 1.5)
    levels = numpy.random.RandomState(1).randint(0, 256, (images, 3, size, size)).astype(numpy.uint8)
    x = levels.astype(numpy.float32) / numpy.float32(64) - numpy.float32(2)
    file = f"{at}/model.onnx"
    torch.onnx.export(net, torch.from_numpy(x[:2]), file, opset_version=13, input_names=["image"],
                      output_names=["answer"],
                      dynamic_axes={"image": {0: "N"}, "answer": {0: "N"}})
    if quantise:
        model = onnx.load(file)
        every = onnx.ModelProto()
        every.CopyFrom(model)
        for node in every.graph.node:
            for out in node.output:
                if out != "answer":
                    every.graph.output.append(helper.make_empty_tensor_value_info(out))
        ranges = {n: (v.min(), v.max()) for n, v in answers(every, at, modules, x)}
        ranges["image"] = (x.min(), x.max())
        quantised(model, ranges)
        onnx.save(model, file)
    numpy.save(f"{at}/images.npy", levels)
    numpy.save(f"{at}/answer.npy", answers(onnx.load(file), at, modules, x)[0][1])
    check = {"inputs": [{"name": "image", "file": "images.npy", "scale": 1 / 64, "mean": [2.0],
                         "std": [1.0]}],
             "references": [{"output": "answer", "file": "answer.npy"}], "metric": None}
    with open(f"{at}/meta.json", "w") as meta:
        json.dump({"name": name, "origin": "tests/networks/exported.py", "check": check}, meta,
                  indent=1)
        meta.write("\n")


if __name__ == "__main__":
    to, modules = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    write(to, modules, "yolov8", YoloV8, 32, 2)
    write(to, modules, "detr", Detr, 32, 2)
    write(to, modules, "mobilevit", MobileVit, 16, 2)
    write(to, modules, "swin", swin, 32, 2)
    write(to, modules, "attended", Attended, 12, 2)
    write(to, modules, "quantised", Residual, 16, 96, quantise=True)
