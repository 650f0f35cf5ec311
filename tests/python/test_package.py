"""The package: what it exports, that its stub agrees with what was compiled, and its examples."""

import ast
import inspect
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import hass
from hass import _native


def test_everything_exported_is_there_and_documented():
    for name in hass.__all__:
        thing = getattr(hass, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert thing.__doc__, name
        if inspect.isclass(thing):
            for member, value in vars(thing).items():
                if not member.startswith("_") and inspect.isfunction(value):
                    assert value.__doc__, f"{name}.{member}"


def test_the_stub_has_what_was_compiled():
    stub = ast.parse((pathlib.Path(hass.__file__).parent / "_native.pyi").read_text())
    stated = {}
    for node in stub.body:
        if isinstance(node, ast.ClassDef):
            stated[node.name] = {n.name for n in node.body if isinstance(n, ast.FunctionDef)}
        elif isinstance(node, ast.FunctionDef):
            stated[node.name] = None
    compiled = {n for n in dir(_native) if not n.startswith("_")}
    assert compiled == {n for n in stated if not n.startswith("_")}
    for name, members in stated.items():
        if not members:
            continue
        there = {m for m in vars(getattr(_native, name)) if not m.startswith("_")}
        assert there == {m for m in members if not m.startswith("_")}, name


def test_importing_brings_in_nothing_heavy():
    text = "import sys, hass; print(sorted({'numpy', 'torch', 'optuna', 'matplotlib'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def run(script, *arguments, **more):
    return subprocess.run(
        [sys.executable, script, *map(str, arguments)],
        capture_output=True, text=True, timeout=300, **more,
    )  # fmt: skip


def test_pruning_loop(examples, data, tmp_path):
    script = examples / "pruning_loop.py"
    images = [data / "fashion_images.npy", data / "fashion_labels.npy", "--first-images", 20]
    try:
        import torch  # noqa: F401

        ran = run(script, *images, "--epochs", 1)
    except ImportError:
        none = run(script, *images)
        assert none.returncode != 0 and "PyTorch is not installed" in none.stdout
        assert "--onnx NET.onnx names a network" in none.stderr
        ran = run(script, *images, "--onnx", data / "fashion.onnx")
    assert ran.returncode == 0, ran.stderr
    assert "images/s at top-1" in ran.stdout


def test_optuna_study(examples, data, tmp_path):
    journal = tmp_path / "study.log"
    file = data / "statistics" / "squeezenet_v1.1.statistics"
    ran = run(examples / "optuna_study.py", file, "--trials", 4, "--journal", journal)
    assert ran.returncode == 0, ran.stderr
    (study,) = hass.read_journal(journal)
    assert len(study.trials) == 4 and len(study.directions) == 2
    states = {state for state, _, _ in study.trials}
    assert states == {"complete"}
    lines = ran.stdout.splitlines()
    assert f"{max(values[1] for _, values, _ in study.trials):,.1f}" in lines[-1]


def test_pareto_front(examples, data, tmp_path):
    file = data / "statistics" / "squeezenet_v1.1.statistics"
    plot = tmp_path / "front.png"
    ran = run(examples / "pareto_front.py", file, "--trials", 5, "--out", plot)
    assert ran.returncode == 0, ran.stderr
    try:
        import matplotlib  # noqa: F401

        assert plot.read_bytes()[:4] == b"\x89PNG"
    except ImportError:
        assert "matplotlib is not installed" in ran.stdout
    front = [line.split() for line in ran.stdout.splitlines()[2:] if "%" in line]
    accuracy = [float(row[0].rstrip("%")) for row in front]
    pace = [float(row[1].replace(",", "")) for row in front]
    assert front and accuracy == sorted(accuracy, reverse=True) and pace == sorted(pace)


def test_arrays_of_any_layout():
    net = hass.Network([hass.Row("convolution", (2, 4, 4), (3, 4, 4))])
    w = np.arange(6.0).reshape(2, 3).T  # not contiguous, doubles
    x = np.arange(32, dtype=">f4").reshape(1, 2, 4, 4)  # big-endian
    one = hass.measure_tensors(net, [w], [x]).statistics(hass.Thresholds(2.5, 8.0))
    assert one[0].weight_sparsity == 0.5 and one[0].activation_sparsity == 0.25
    with pytest.raises(TypeError, match=r"activations\[0\]"):
        hass.measure_tensors(net, [w], [np.array(["a"])])
