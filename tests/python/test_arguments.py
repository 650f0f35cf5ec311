"""Wrong types are TypeErrors that name the argument, wrong values hass.Errors."""

import numpy as np
import pytest

import hass

NET = hass.zoo("cnv")
DENSE = hass.Statistics.dense(NET)
AXES = [hass.Axis("x", 0, 1)]


@pytest.mark.parametrize(
    "argument, call",
    [
        ("network", lambda: hass.allocate("cnv", DENSE)),
        ("statistics", lambda: hass.allocate(NET, 0.5)),
        (r"layers\[1\]", lambda: hass.allocate(NET, [hass.LayerStatistics(), 1])),
        ("engine", lambda: hass.allocate(NET, DENSE, 3)),
        ("device", lambda: hass.allocate(NET, DENSE, "spe", None)),
        ("engine.bits", lambda: hass.allocate(NET, DENSE, hass.Engine(bits="8"))),
        ("device.dsp", lambda: hass.allocate(NET, DENSE, "spe", hass.Device("d", "1", 1, 1, 1, 1, 1))),
        ("design", lambda: hass.evaluate(NET, DENSE, "spe", "zcu104", 3)),
        (r"design\[0\].macs", lambda: hass.evaluate(NET, DENSE, "spe", "zcu104",
                                                    [hass.RowOption(macs=1.5)] * len(NET))),
        ("resource", lambda: hass.Allocator(NET, "spe", "zcu104").least(1, 2)),
        ("images_per_second", lambda: hass.Allocator(NET, "spe", "zcu104").least("dsp", "fast")),
        ("rows", lambda: hass.Network("rows")),
        (r"rows\[0\]", lambda: hass.Network([{"kind": "relu"}])),
        (r"rows\[0\].input", lambda: hass.Network([hass.Row("relu", ("a", 1, 1), (1, 1, 1))])),
        (r"rows\[0\].kind", lambda: hass.Network([hass.Row(3, (1, 1, 1), (1, 1, 1))])),
        (r"edges\[0\]", lambda: hass.Network([hass.Row("relu", (1, 1, 1), (1, 1, 1))], [3])),
        ("file", lambda: hass.load_onnx(7)),
        ("input_shape", lambda: hass.load_onnx("net.onnx", input_shape=28)),
        ("file", lambda: hass.load_statistics(7)),
        ("thresholds", lambda: hass.measure_tensors(
            NET, *[[np.zeros(n, np.float32) for n in sizes()] for sizes in (weights, inputs)]
        ).statistics(0.5)),
        ("weights", lambda: hass.measure_tensors(NET, 3, [])),
        (r"weights\[0\]", lambda: hass.measure_tensors(NET, ["w"], [])),
        ("images", lambda: hass.Emulator(NET, [["a"]])),
        ("weight", lambda: hass.uniform_thresholds(NET, "0.1")),
        ("axes", lambda: hass.Study("x")),
        (r"axes\[0\]", lambda: hass.Study(["x"])),
        (r"axes\[0\].low", lambda: hass.Study([hass.Axis("x", "0", 1)])),
        ("optimizer", lambda: hass.Study(AXES, 3)),
        ("seed", lambda: hass.Study(AXES, seed=1.5)),
        ("directions", lambda: hass.Study(AXES, directions="minimise")),
        ("objective", lambda: hass.Study(AXES).run(3)),
        ("trial", lambda: hass.Study(AXES).tell("0", 1.0)),
        ("values", lambda: hass.Study(AXES).tell(0, object())),
        ("params", lambda: hass.Study(AXES).enqueue([0.5])),
        ("points", lambda: hass.non_dominated(3)),
        ("source", lambda: hass.ThresholdSearch(NET)),
        ("target_fps", lambda: hass.fold_finn(NET, "pynq-z2", "fast")),
        ("bits", lambda: hass.fold_hls4ml(NET, "pynq-z2", bits=1.5)),
    ],
)  # fmt: skip
def test_wrong_types_name_the_argument(argument, call):
    with pytest.raises(TypeError, match=argument + ".* must "):
        call()


def weights():
    return [r.output[0] * r.input[0] * r.kernel[0] ** 2 for r in NET.rows if r.is_compute]


def inputs():
    return [int(np.prod(r.input)) for r in NET.rows if r.is_compute]


@pytest.mark.parametrize(
    "text, call",
    [
        ("did you mean 'spe'", lambda: hass.allocate(NET, DENSE, "sep")),
        ("did you mean 'calibrated'", lambda: hass.allocate(NET, DENSE, hass.Engine("spe", "calibratd"))),
        ("did you mean 'tpe'", lambda: hass.Study(AXES, "tpa")),
        ("did you mean 'minimise'", lambda: hass.Study(AXES, directions=["minimize"])),
        ("axis 'x': low 2 is above high 1", lambda: hass.Study([hass.Axis("x", 2, 1)])),
        ("no axis 'y'", lambda: hass.Study(AXES).enqueue({"y": 1})),
        ("statistics of 2 layers", lambda: hass.allocate(NET, [hass.LayerStatistics()] * 2)),
        ("is 1.5, not within", lambda: hass.allocate(NET, [hass.LayerStatistics(1.5)] * len(NET))),
        ("options for", lambda: hass.evaluate(NET, DENSE, "spe", "zcu104", [hass.RowOption()])),
    ],
)  # fmt: skip
def test_wrong_values_are_hass_errors(text, call):
    with pytest.raises(hass.Error, match=text) as thrown:
        call()
    assert isinstance(thrown.value, ValueError)


def test_numpys_numbers_are_numbers():
    study = hass.Study([hass.Axis("x", np.float32(0), np.int64(2))], seed=np.int64(1))
    study.tell(study.ask(), np.float64(1.5))
    study.tell(study.ask(), np.array([2.5]))
    assert [t.values for t in study.history()] == [[1.5], [2.5]]
