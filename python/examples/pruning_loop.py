"""A training loop that looks at the hardware: module -> ONNX -> thresholds -> pruned module.

After every epoch the network is exported, clipped as far as its accuracy bears, and the best design of
the board is worked out for what is left; the module is pruned by these thresholds and trained on.

    pruning_loop.py IMAGES.npy LABELS.npy [--epochs 3] [--device zedboard]
    pruning_loop.py IMAGES.npy LABELS.npy --onnx NET.onnx       without PyTorch: one look at a network
"""

import argparse
import pathlib
import sys
import tempfile

import numpy as np

import hass


def best_thresholds(network, images, labels, device, max_drop=0.01):
    """The fastest design along the diagonal of all thresholds that keeps the accuracy."""
    emulator = hass.Emulator(network, images, labels)
    axes = hass.ThresholdAxes(network, emulator.magnitudes())
    allocator = hass.Allocator(network, "mixed", device)
    untouched, best = None, None
    for share in np.linspace(0.0, 0.6, 7):
        thresholds = axes.at([share] * len(axes.names))
        measured = emulator.measure(thresholds)
        found = allocator.solve(measured.statistics)
        if not found.fits:
            sys.exit(f"{device}: {found.certificate.reason}")
        print(f"  {share:4.0%} of the way: top-1 {measured.score:.1%}, {found}")
        untouched = measured.score if untouched is None else untouched
        if measured.score < untouched - max_drop:
            break
        if best is None or found.images_per_second > best[1].images_per_second:
            best = thresholds, found, measured.score
    return best


def say(best):
    _, found, score = best
    print(f"  best: {found.images_per_second:,.0f} images/s at top-1 {score:.1%}")
    print(f"  {found.certificate.reason}")


def train(arguments, images, labels):
    """Trains a small network, and prunes it as the hardware likes it."""
    import torch
    from torch import nn

    torch.manual_seed(1)
    module = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 7 * 7, 10),
    )  # fmt: skip
    pixels = torch.from_numpy(images.astype(np.float32) / 255.0)
    classes = torch.from_numpy(labels.astype(np.int64))
    optimizer = torch.optim.Adam(module.parameters(), lr=2e-3)
    masks = {}
    for epoch in range(arguments.epochs):
        for batch in torch.randperm(len(pixels)).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(module(pixels[batch]), classes[batch]).backward()
            optimizer.step()
            with torch.no_grad():
                for layer, mask in masks.items():
                    layer.weight *= mask
        print(f"epoch {epoch + 1}")
        with tempfile.TemporaryDirectory() as folder:
            file = str(pathlib.Path(folder) / "module.onnx")
            torch.onnx.export(module, pixels[:1], file, opset_version=13)
            network = hass.load_onnx(file)
        best = best_thresholds(network, pixels.numpy(), labels, arguments.device)
        say(best)
        layers = [m for m in module if isinstance(m, (nn.Conv2d, nn.Linear))]
        rows = [i for i, row in enumerate(network.rows) if row.is_compute]
        with torch.no_grad():
            for layer, row in zip(layers, rows):
                masks[layer] = (layer.weight.abs() >= best[0][row].weight).float()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images")
    parser.add_argument("labels")
    parser.add_argument("--onnx", help="a network to look at where PyTorch is not installed")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--first-images", type=int, default=1000)
    parser.add_argument("--device", default="zedboard")
    arguments = parser.parse_args()
    images = np.load(arguments.images)[: arguments.first_images]
    labels = np.load(arguments.labels)[: arguments.first_images]
    try:
        import torch  # noqa: F401
    except ImportError:
        print("PyTorch is not installed here: nothing is trained")
        if arguments.onnx is None:
            sys.exit("--onnx NET.onnx names a network to look at in its place")
        say(best_thresholds(hass.load_onnx(arguments.onnx), images, labels, arguments.device))
        return
    train(arguments, images, labels)


if __name__ == "__main__":
    main()
