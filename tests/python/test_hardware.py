"""evaluate and allocate: the same numbers wherever they come from, plain data, certificates."""

import dataclasses
import json
import pickle
import threading

import pytest

import hass


def conv(channels, filters, size, stride):
    shape = (filters, size // stride, size // stride)
    row = hass.Row(
        "convolution", (channels, size, size), shape, (3, 3), (stride, stride), (1, 1, 1, 1)
    )
    return [row, hass.Row("relu", shape, shape)]


@pytest.fixture(scope="module")
def net():
    rows = conv(3, 16, 32, 1) + conv(16, 32, 32, 2) + conv(32, 64, 16, 2)
    rows += [hass.Row("global_average_pool", (64, 8, 8), (64, 1, 1), kernel=(8, 8))]
    return hass.Network(rows + [hass.Row("linear", (64, 1, 1), (10, 1, 1), bias=True)])


@pytest.fixture(scope="module")
def half(net):
    return hass.Statistics.uniform(net, 0.5)


def test_allocation_is_what_evaluate_gives(net, half):
    for engine in hass.engines():
        found = hass.allocate(net, half, engine, "zcu102")
        assert found.fits and len(found.design) == len(found.stages) == len(net)
        assert hass.evaluate(net, half, engine, "zcu102", found.design) == found.estimate
        assert found.estimate.images_per_second == found.images_per_second
        assert found.certificate.upper_bound_images_per_second >= found.images_per_second
        slowest = max(stage.cycles for stage in found.stages)
        assert found.estimate.interval_cycles == max(slowest, found.estimate.link_cycles)
        dsp = sum(stage.cost.dsp for stage in found.stages) + found.estimate.between.dsp
        assert found.estimate.total.dsp == dsp == found.dsp <= hass.device("zcu102").dsp


def test_every_knob_of_an_engine_changes_something(net, half):
    board = dataclasses.replace(hass.device("zedboard"), lut=300000, dsp=300, bram18=8)
    first = hass.allocate(net, half, hass.Engine("spe"), board).as_dict()
    for knob, value in {
        "name": "dense",
        "resources": "repaired",
        "bits": 8,
        "multipliers": "either",
        "memories": "every",
        "requantise": "dsp",
    }.items():
        other = dataclasses.replace(hass.Engine("spe"), **{knob: value})
        assert hass.allocate(net, half, other, board).as_dict() != first, knob
    with pytest.raises(hass.Error, match="'published' has no price"):
        hass.allocate(net, half, hass.Engine("spe", "published", memories="every"), "zedboard")
    with pytest.raises(hass.Error, match="published resources have no price for it"):
        hass.allocate(net, half, hass.Engine("lists", "published"), "zedboard")


def test_a_board_that_is_too_small_is_no_error(net, half):
    tiny = dataclasses.replace(hass.device("zedboard"), name="tiny", dsp=3)
    found = hass.allocate(net, half, "dense", tiny)
    assert not found.fits and found.design == [] and found.images_per_second == 0.0
    assert found.certificate.binding == "DSP" and "tiny" in found.certificate.reason
    assert "nothing fits" in repr(found)


def test_allocator_answers_again(net, half):
    allocator = hass.Allocator(net, "spe", "zcu104")
    fastest = allocator.solve(half)
    assert fastest.as_dict() == hass.allocate(net, half, "spe", "zcu104").as_dict()
    slower = allocator.least("dsp", fastest.images_per_second / 2)
    assert slower.dsp < fastest.dsp and slower.certificate.least_need <= slower.dsp
    soonest = allocator.lowest_latency()
    assert soonest.estimate.single_image_cycles <= fastest.estimate.single_image_cycles
    row = next(i for i, r in enumerate(net.rows) if r.is_compute)
    layer = dataclasses.replace(half[row], pair_sparsity=0.0, pair_sparsity_padded=0.0)
    layers = list(half)
    layers[row] = layer
    assert allocator.update(row, layer).as_dict() == allocator.solve(layers).as_dict()
    with pytest.raises(hass.Error, match="did you mean 'bram18'"):
        allocator.least("bram36", 100.0)
    with pytest.raises(hass.Error, match="least before the first solve"):
        hass.Allocator(net, "spe", "zcu104").least("dsp", 100.0)


def test_threads_get_the_answers_of_one(net):
    allocator = hass.Allocator(net, "spe", "zcu104")
    shares = [0.1 * i for i in range(8)]
    alone = [allocator.solve(hass.Statistics.uniform(net, s)).as_dict() for s in shares]
    together = [None] * len(shares)

    def solve(i):
        together[i] = allocator.solve(hass.Statistics.uniform(net, shares[i])).as_dict()

    threads = [threading.Thread(target=solve, args=(i,)) for i in range(len(shares))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert together == alone


def test_answers_are_plain_data(net, half):
    found = hass.allocate(net, half, "spe", "zcu104")
    again = json.loads(json.dumps(found.as_dict()))
    assert again["certificate"]["gap"] == found.certificate.gap
    assert again["design"][0]["macs"] == found.design[0].macs
    assert pickle.loads(pickle.dumps(found)).as_dict() == found.as_dict()
    assert list(pickle.loads(pickle.dumps(half))) == list(half)


def test_boards(tmp_path):
    assert "zcu104" in hass.devices()
    assert hass.device("zcu104").dsp == 1728 and hass.device("zedboard").dsp_slice == "dsp48e1"
    with pytest.raises(hass.Error, match="did you mean 'u250'"):
        hass.device("u25O")
    file = tmp_path / "mine.json"
    file.write_text(
        '{"name": "mine", "dsp": 220, "lut": 53200, "ff": 106400, "bram18": 280, "uram": 0, '
        '"bandwidth_gbps": 34.1, "mhz": 150}'
    )
    assert hass.device(str(file)) == hass.Device("mine", 220, 53200, 106400, 280, 0, 34.1, 150)


def lut_of(folding):
    return folding.report["resources_of_what_is_modelled"]["LUT"]


def test_foldings():
    finn = hass.fold_finn(hass.zoo("cnv"), "pynq-z2", weight_bits=1, activation_bits=1, mhz=100)
    config = json.loads(finn.configuration)
    assert finn.fits and any(name.startswith("MVAU_hls_") for name in config)
    assert finn.report["images_per_s"] > 1000
    pace = finn.report["images_per_s"] / 2
    least = hass.fold_finn(
        hass.zoo("cnv"), "pynq-z2", pace, weight_bits=1, activation_bits=1, mhz=100
    )
    assert least.report["images_per_s"] >= pace
    assert lut_of(least) < lut_of(finn)
    rows = [hass.Row("linear", (16, 1, 1), (64, 1, 1)), hass.Row("linear", (64, 1, 1), (5, 1, 1))]
    hls4ml = hass.fold_hls4ml(hass.Network(rows), "pynq-z2")
    assert hls4ml.fits and "ReuseFactor" in hls4ml.configuration
    assert hls4ml.report["resources"]["LUT"] is None  # no model, and no 0
    with pytest.raises(hass.Error, match="is not modelled"):
        hass.fold_hls4ml(hass.zoo("resnet18"), "pynq-z2")
