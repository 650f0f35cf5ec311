#!/usr/bin/env python3
"""Train the Fashion-MNIST residual CNN of examples/data and write its files.

The data come from Debian's `dataset-fashion-mnist`, which holds the original
60,000 training and 10,000 test images. Run with Debian's python3-torch and
python3-onnx; the library itself never needs this folder. See README.md.
"""
import argparse
import gzip
import hashlib
import json
import re
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

PACKAGE = "dataset-fashion-mnist"
CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
           "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
# SHA-256 of each file's unpacked content (Debian packed them again).
SHA256 = {
    "train-images-idx3-ubyte.gz":
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte.gz":
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte.gz":
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte.gz":
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
OPS = {"Conv", "Relu", "Add", "GlobalAveragePool", "Flatten", "Gemm"}
SHIPPED = 2000  # test images that are written to the output folder


# ---------------------------------------------------------------- data

def fetch(cache):
    """Return the folder of the four IDX files, downloading them if needed."""
    installed = Path("/usr/share/datasets/fashion-mnist")
    unpacked = cache / "root" / installed.relative_to("/")
    for folder in (installed, unpacked):
        if all((folder / name).exists() for name in SHA256):
            return folder
    cache.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", PACKAGE], cwd=cache, check=True)
    deb = next(cache.glob(f"{PACKAGE}_*.deb"))
    subprocess.run(["dpkg-deb", "-x", deb, cache / "root"], check=True)
    return unpacked


def load(folder):
    """Return (train images, train labels, test images, test labels), uint8."""
    arrays = []
    for name, expected in SHA256.items():
        content = gzip.decompress((folder / name).read_bytes())
        if hashlib.sha256(content).hexdigest() != expected:
            raise SystemExit(f"{name}: not the expected content")
        raw = np.frombuffer(content, np.uint8)
        images = "images" in name
        arrays.append(raw[16:].reshape(-1, 1, 28, 28) if images else raw[8:])
    return arrays


def augment(batch, black, generator):
    """Flip half of a batch and shift each image by up to 2 pixels."""
    n = len(batch)
    padded = F.pad(batch, (2, 2, 2, 2), value=black)
    flip = torch.rand(n, generator=generator) < 0.5
    padded[flip] = padded[flip].flip(-1)
    dy, dx = torch.randint(0, 5, (2, n), generator=generator)
    rows = (dy[:, None] + torch.arange(28))[:, :, None]
    cols = (dx[:, None] + torch.arange(28))[:, None, :]
    return padded[torch.arange(n)[:, None, None], 0, rows, cols][:, None]


# ------------------------------------------------------------- network

def conv(cin, cout, kernel, stride=1, groups=1):
    """A convolution with 'same' padding; its bias comes from the folded BN."""
    return nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups,
                     bias=False)


class Residual(nn.Module):
    """Two 3x3 convolutions and a shortcut: relu(conv2(relu(conv1)) + short)."""

    def __init__(self, cin, mid, cout, stride):
        super().__init__()
        self.conv1 = conv(cin, mid, 3, stride)
        self.conv1_bn = nn.BatchNorm2d(mid)
        self.conv2 = conv(mid, cout, 3)
        self.conv2_bn = nn.BatchNorm2d(cout)
        self.shortcut = None
        if stride != 1 or cin != cout:
            self.shortcut = conv(cin, cout, 1, stride)
            self.shortcut_bn = nn.BatchNorm2d(cout)

    def forward(self, x):
        y = F.relu(self.conv1_bn(self.conv1(x)))
        y = self.conv2_bn(self.conv2(y))
        if self.shortcut is not None:
            x = self.shortcut_bn(self.shortcut(x))
        return F.relu(y + x)


class Inverted(nn.Module):
    """1x1 expand, 3x3 depthwise, 1x1 project and a shortcut, relu after it."""

    def __init__(self, cin, mid, cout, stride):
        super().__init__()
        self.expand = conv(cin, mid, 1)
        self.expand_bn = nn.BatchNorm2d(mid)
        self.depthwise = conv(mid, mid, 3, stride, groups=mid)
        self.depthwise_bn = nn.BatchNorm2d(mid)
        self.project = conv(mid, cout, 1)
        self.project_bn = nn.BatchNorm2d(cout)
        self.shortcut = None
        if stride != 1 or cin != cout:
            self.shortcut = conv(cin, cout, 1, stride)
            self.shortcut_bn = nn.BatchNorm2d(cout)

    def forward(self, x):
        y = F.relu(self.expand_bn(self.expand(x)))
        y = F.relu(self.depthwise_bn(self.depthwise(y)))
        y = self.project_bn(self.project(y))
        if self.shortcut is not None:
            x = self.shortcut_bn(self.shortcut(x))
        return F.relu(y + x)


class Net(nn.Module):
    """14 weight layers: 28x28x16, 14x14x32, 7x7x64, average pool, 10 logits."""

    def __init__(self):
        super().__init__()
        self.stem = conv(1, 16, 3)
        self.stem_bn = nn.BatchNorm2d(16)
        self.block1 = Residual(16, 16, 32, stride=2)
        self.block2 = Inverted(32, 64, 32, stride=1)
        self.block3 = Inverted(32, 64, 64, stride=2)
        self.block4 = Residual(64, 64, 64, stride=1)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.stem_bn(self.stem(x)))
        x = self.block4(self.block3(self.block2(self.block1(x))))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


def fold(net):
    """Fold every `*_bn` of a trained network into its convolution, in place."""
    net.eval()
    for module in list(net.modules()):
        for name, bn in list(module.named_children()):
            if isinstance(bn, nn.BatchNorm2d):
                layer = name[:-len("_bn")]
                fused = fuse_conv_bn_eval(getattr(module, layer), bn)
                setattr(module, layer, fused)
                setattr(module, name, nn.Identity())
    return net


# ---------------------------------------------------- training, measuring

def train(net, images, labels, args):
    """Train with SGD and a one-cycle learning rate; `images` are normalised."""
    generator = torch.Generator().manual_seed(args.seed)
    black = images.min().item()
    decayed = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() <= 1]
    optimiser = torch.optim.SGD(
        [{"params": decayed, "weight_decay": args.weight_decay},
         {"params": others, "weight_decay": 0.0}],
        lr=args.lr, momentum=0.9, nesterov=True)
    steps = len(images) // args.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, args.lr, total_steps=args.epochs * steps, pct_start=0.25)
    for epoch in range(args.epochs):
        start, total, right = time.time(), 0.0, 0
        order = torch.randperm(len(images), generator=generator)
        net.train()
        for step in range(steps):
            pick = order[step * args.batch:(step + 1) * args.batch]
            x, y = augment(images[pick], black, generator), labels[pick]
            logits = net(x.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(logits, y, label_smoothing=args.smoothing)
            penalty = sum(p.abs().sum() for p in decayed)
            optimiser.zero_grad(set_to_none=True)
            (loss + args.l1 * penalty).backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
            right += (logits.argmax(1) == y).sum().item()
        print(f"epoch {epoch + 1}/{args.epochs} loss {total / steps:.4f} "
              f"train {right / (steps * args.batch):.4f} "
              f"{time.time() - start:.1f} s", flush=True)


@torch.no_grad()
def predict(net, images):
    """Return the logits of normalised images, in evaluation mode."""
    net.eval()
    return torch.cat([net(part) for part in images.split(500)])


@torch.no_grad()
def describe(net, image):
    """Return one entry a weight layer: shapes, MACs, zeros in its input."""
    layers, hooks = [], []

    def hook(name):
        def record(module, inputs, output):
            w = module.weight
            layers.append({
                "name": name, "weight": list(w.shape),
                "stride": getattr(module, "stride", [1])[0],
                "groups": getattr(module, "groups", 1),
                "input": list(inputs[0].shape[1:]),
                "output": list(output.shape[1:]),
                "parameters": w.numel() + module.bias.numel(),
                "macs": output[0].numel() * w[0].numel(),
                "input_zeros": round((inputs[0] == 0).float().mean().item(), 4),
                "weights_below_1pct_of_max": round(
                    (w.abs() < 0.01 * w.abs().max()).float().mean().item(), 4),
            })
        return record

    for name, module in net.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            hooks.append(module.register_forward_hook(hook(name)))
    net(image)
    for handle in hooks:
        handle.remove()
    return layers


def export(net, path, mean, std):
    """Write the folded network, with its preprocessing, as ONNX and check it.

    Return its op counts.
    """
    torch.onnx.export(
        net, torch.zeros(1, 1, 28, 28), str(path), opset_version=13,
        input_names=["input"], output_names=["logits"],
        dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}})
    model = onnx.load(str(path))
    onnx.helper.set_model_props(model, {
        "hass.scale": "0.003921569", "hass.mean": f"{mean}", "hass.std": f"{std}"})
    onnx.save(model, str(path))
    onnx.checker.check_model(model, full_check=True)
    ops = Counter(node.op_type for node in model.graph.node)
    if not set(ops) <= OPS:
        raise SystemExit(f"unexpected operators: {sorted(set(ops) - OPS)}")
    return dict(sorted(ops.items()))


def sha256(path):
    """Return the hex sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main():
    """Train, fold, check, and write the files of examples/data."""
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=here.parent / "data")
    parser.add_argument("--cache", type=Path, help="of the download",
                        default=Path(tempfile.gettempdir(), "fashion-mnist"))
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--l1", type=float, default=1e-5)
    parser.add_argument("--smoothing", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--validate", type=int, default=0, metavar="N",
                        help="hold out the last N training images, report "
                             "their accuracy, and write nothing")
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    train_u8, train_y, test_u8, test_y = load(fetch(args.cache))
    mean = round(float(train_u8.mean() / 255), 6)
    std = round(float(train_u8.std() / 255), 6)

    def normalise(u8):
        return (torch.tensor(u8).float() / 255 - mean) / std

    train_x, train_y = normalise(train_u8), torch.tensor(train_y).long()
    test_x, test_y = normalise(test_u8), torch.tensor(test_y).long()
    net = Net().to(memory_format=torch.channels_last)
    cut = len(train_x) - args.validate
    start = time.time()
    train(net, train_x[:cut], train_y[:cut], args)
    seconds = time.time() - start
    if args.validate:
        right = predict(net, train_x[cut:]).argmax(1) == train_y[cut:]
        print(f"validation {right.float().mean().item():.4f} "
              f"in {seconds:.0f} s")
        return

    net = net.to(memory_format=torch.contiguous_format)
    before = predict(net, test_x)
    logits = predict(fold(net), test_x)
    difference = (logits - before).abs().max().item()
    if difference > 1e-4:
        raise SystemExit(f"folding changed the logits by {difference}")

    args.out.mkdir(parents=True, exist_ok=True)
    files = {name: args.out / f"fashion_{name}.npy"
             for name in ("images", "labels", "logits_first8")}
    files["model"] = args.out / "fashion.onnx"
    np.save(files["images"], test_u8[:SHIPPED])
    np.save(files["labels"], test_y[:SHIPPED].numpy().astype(np.uint8))
    np.save(files["logits_first8"], predict(net, test_x[:8]).numpy())
    ops = export(net, files["model"], mean, std)
    layers = describe(net, test_x[:256])
    right = logits.argmax(1) == test_y

    manifest = {
        "dataset": "Fashion-MNIST (MIT, Zalando SE), original split",
        "source": f"Debian package {PACKAGE}",
        "images": {"train": len(train_x), "test": len(test_x),
                   "shipped": SHIPPED, "shipped_are": "test images 0-1999"},
        "preprocessing": {"formula": "x = (u8 / 255 - mean) / std",
                          "mean": mean, "std": std, "scale": 255},
        "classes": CLASSES,
        "accuracy": {
            "test_10000": right.float().mean().item(),
            "test_10000_right": int(right.sum()),
            "shipped_2000": right[:SHIPPED].float().mean().item(),
            "shipped_2000_right": int(right[:SHIPPED].sum())},
        "folding_max_abs_difference": difference,
        "parameters": sum(layer["parameters"] for layer in layers),
        "macs": sum(layer["macs"] for layer in layers),
        "ops": ops,
        "layers": layers,
        "training": {
            "program": "examples/training/train.py",
            **{key: getattr(args, key) for key in (
                "epochs", "batch", "lr", "weight_decay", "l1", "smoothing",
                "seed")},
            "seconds": round(seconds, 1), "threads": torch.get_num_threads(),
            "torch": torch.__version__},
        "files": {path.name: {"bytes": path.stat().st_size,
                              "sha256": sha256(path)}
                  for path in files.values()},
    }
    for key in ("test_10000", "shipped_2000"):
        manifest["accuracy"][key] = round(manifest["accuracy"][key], 4)
    text = json.dumps(manifest, indent=2)
    text = re.sub(r"\[[\d\s,]+\]", lambda m: " ".join(m[0].split()), text)
    text = text.replace("[ ", "[").replace(" ]", "]") + "\n"
    (args.out / "fashion_manifest.json").write_text(text)
    print(f"test {manifest['accuracy']['test_10000']} of {len(test_x)}, "
          f"{manifest['parameters']} parameters, {manifest['macs']} MACs, "
          f"{seconds:.0f} s")


if __name__ == "__main__":
    main()
