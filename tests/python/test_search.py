"""The hardware-aware loop: the numbers of hass_search, bit for bit, and Ctrl-C."""

import json
import subprocess
import sys
import textwrap

import pytest

import hass


def solution_of(program, tmp_path, *flags):
    """What the C++ program comes to; its JSON has every double in full."""
    subprocess.run(
        [program, *flags, "--search", "hardware", "--out", tmp_path, "--quiet"],
        check=True, stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip
    return json.loads((tmp_path / "solution.json").read_text())


def assert_same_design(theirs, hardware, network):
    """Every double of a design in solution.json is that of an allocation."""
    e, c = hardware.estimate, hardware.certificate
    for key, value in {
        "throughput_images_per_s": e.images_per_second,
        "interval_cycles": e.interval_cycles,
        "fill_cycles": e.fill_cycles,
        "latency_cycles": e.latency_cycles,
        "single_image_cycles": e.single_image_cycles,
        "link_cycles": e.link_cycles,
        "images_gbps": e.image_gbit_s,
        "bandwidth_gbps": e.total.bandwidth,
        "dsp": e.total.dsp,
        "lut": e.total.lut,
        "ff": e.total.ff,
        "bram18": e.total.bram18,
        "uram": e.total.uram,
        "upper_bound_images_per_s": c.upper_bound_images_per_second,
        "gap": c.gap,
    }.items():
        assert float(theirs[key]).hex() == float(value).hex(), key
    rows = {r.name: i for i, r in enumerate(network.rows)}
    for layer in theirs["layers"]:
        i = rows[layer["name"]]
        stage, option = hardware.stages[i], hardware.design[i]
        assert layer["interval_cycles"] == stage.cycles
        assert [layer[r] for r in ("dsp", "lut", "ff", "bram18")] == list(stage.cost[:4])
        folding = layer["parallelism"]
        assert folding["in"] == option.in_ and folding["out"] == option.out
        assert folding["macs"] == option.macs and folding["pixels"] == option.pixels


def assert_same_search(theirs, search, best):
    assert_same_design(theirs["dense"], search.dense, search.network)
    assert_same_design(theirs["activation_only"], search.natural, search.network)
    mine = search.best
    assert theirs["hardware_aware"]["top1"] == best.score
    rows = {r.name: i for i, r in enumerate(search.network.rows)}
    for layer in theirs["hardware_aware"]["layers"]:
        tau = mine.thresholds[rows[layer["name"]]]
        assert (layer["tau_w"], layer["tau_a"]) == (tau.weight, tau.activation)
    found = hass.allocate(search.network, best.statistics, search.engine, search.device)
    assert_same_design(theirs["hardware_aware"], found, search.network)
    (told,) = [s for s in theirs["searches"] if s["study"] == "hardware-aware"]
    assert told["best_so_far"][-1] == [mine.number, mine.objective]


@pytest.mark.parametrize("engine, trials", [("spe", 6)])
def test_search_on_statistics_is_hass_searchs(program, data, tmp_path, engine, trials):
    file = data / "statistics" / "squeezenet_v1.1.statistics"
    flags = ["--statistics", file, "--device", "zcu104", "--engine", engine]
    flags += ["--trials", str(trials), "--max-drop", "5"]
    theirs = solution_of(program, tmp_path, *flags)
    recorded = hass.load_statistics(file)
    search = hass.ThresholdSearch(recorded, "zcu104", engine, max_drop=5).run(trials)
    assert_same_search(theirs, search, search.best.measured)


def test_search_on_images_is_hass_searchs(program, data, tmp_path):
    theirs = solution_of(program, tmp_path, "--first-images", "20", "--trials", "2")
    emulator = hass.Emulator(
        hass.load_onnx(data / "fashion.onnx"),
        data / "fashion_images.npy",
        data / "fashion_labels.npy",
        first_images=20,
    )
    search = hass.ThresholdSearch(emulator).run(2)
    assert_same_search(theirs, search, emulator.measure_in_full(search.best.thresholds))


INTERRUPTED = """
    import os, signal, sys, threading
    import hass

    def search():
        return hass.ThresholdSearch(hass.load_statistics(sys.argv[1]), "zcu104", "spe", reach=0.2)

    whole = search().run(8)
    mine = search()
    begun = threading.Event()

    def interrupt():
        begun.wait()
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    try:
        mine.run(1000, progress=lambda s: begun.set() if len(s.trials) == 3 else None)
        sys.exit("it was not interrupted")
    except KeyboardInterrupt:
        pass
    kept = len(mine.trials)
    assert 3 <= kept < 1000, kept
    mine.run(2)
    while len(mine.trials) < 8:
        mine.run(1)
    for a, b in zip(whole.trials, mine.trials):
        assert (a.number, a.point, a.objective) == (b.number, b.point, b.objective)
        assert a.hardware.as_dict() == b.hardware.as_dict()
    print("kept", kept)
"""


def test_sigint_leaves_a_usable_search(data):
    file = data / "statistics" / "squeezenet_v1.1.statistics"
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(INTERRUPTED), file],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("kept ")


class Mine:
    """A source of one's own: what a training framework would measure."""

    def __init__(self, recorded):
        self.network = recorded.network
        self.recorded = recorded
        self.calls = 0

    def magnitudes(self):
        return self.recorded.magnitudes()

    def accuracy(self, thresholds):
        return self.recorded.accuracy(thresholds)

    def measure(self, thresholds):
        self.calls += 1
        return self.recorded.measure(thresholds)


def test_sources_of_ones_own_and_journals(data, tmp_path):
    recorded = hass.load_statistics(data / "statistics" / "squeezenet_v1.1.statistics")
    mine = Mine(recorded)
    log = tmp_path / "search.log"
    options = {"reach": 0.2, "optimizer": "tpe"}
    first = hass.ThresholdSearch(mine, "zcu104", "spe", journal=log, **options).run(3)
    assert mine.calls == 3  # the untouched network is measured once
    theirs = hass.ThresholdSearch(recorded, "zcu104", "spe", **options).run(5)
    resumed = hass.ThresholdSearch(mine, "zcu104", "spe", journal=log, **options).run(2)
    points = [t.point for t in first.trials] + [t.point for t in resumed.trials]
    assert points == [t.point for t in theirs.trials]
    assert "5 trials" in resumed.conclusion
    with pytest.raises(hass.Error, match="did you mean"):
        hass.ThresholdSearch(recorded, "zcu104", "spe", exempt=["frist"])
