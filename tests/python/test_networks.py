"""Networks and statistics: from files, rows, arrays."""

import dataclasses
import pickle

import numpy as np
import pytest

import hass

CONV = hass.Row(
    "convolution", (4, 6, 6), (8, 6, 6), kernel=(3, 3), pad=(1, 1, 1, 1), name="conv", bias=True
)
RELU = hass.Row("relu", (8, 6, 6), (8, 6, 6))
POINTWISE = hass.Row("convolution", (8, 6, 6), (6, 6, 6))


@pytest.fixture
def net():
    return hass.Network([CONV, RELU, POINTWISE])


def test_rows_come_back_as_they_were_given(net):
    assert net.rows[0] == CONV
    assert net.names == ["conv", "relu 1", "convolution 2"]
    assert net.edges == [(-1, 0), (0, 1), (1, 2)]
    assert net.macs == 8 * 4 * 9 * 36 + 6 * 8 * 36 and net.weights == 8 * 4 * 9 + 6 * 8
    assert hass.Network(net.rows, net.edges).rows == net.rows
    assert pickle.loads(pickle.dumps(net)).rows == net.rows


def test_rows_of_quantised_networks_keep_what_prices_them():
    conv = dataclasses.replace(CONV, weight_bits=4, data_bits=8)
    levels = hass.Row("function", (8, 6, 6), (8, 6, 6), data_bits=8, form="fused", name="levels")
    mean = hass.Row("global_average_pool", (8, 6, 6), (8, 1, 1), data_bits=8, widens=True, name="mean")
    net = hass.Network([conv, levels, mean])
    assert net.rows == [conv, levels, mean]
    with pytest.raises(hass.Error, match="form.*did you mean 'wire'"):
        hass.Network([dataclasses.replace(levels, form="wires")])


def test_rows_that_do_not_fit_are_refused():
    with pytest.raises(hass.Error, match="expects 9x6x6 but 'conv' gives 8x6x6"):
        hass.Network([CONV, hass.Row("relu", (9, 6, 6), (9, 6, 6))])
    with pytest.raises(hass.Error, match="did you mean 'convolution'"):
        hass.Network([hass.Row("convolutoin", (4, 6, 6), (8, 6, 6))])
    with pytest.raises(hass.Error, match="kernel has 3 numbers, not 2"):
        hass.Network([hass.Row("convolution", (4, 6, 6), (8, 6, 6), kernel=(3, 3, 3))])
    with pytest.raises(hass.Error, match="two are called 'conv'"):
        hass.Network([CONV, hass.Row("relu", (8, 6, 6), (8, 6, 6), name="conv")])


def test_onnx(data):
    net = hass.load_onnx(data / "fashion.onnx")
    assert net.trained and net.image_shape == (1, 28, 28) and net.preprocessing is not None
    first = next(i for i, row in enumerate(net.rows) if row.is_compute)
    row = net.rows[first]
    assert net.row_weights(first).size == row.output[0] * row.input[0] * row.kernel[0] ** 2
    with pytest.raises(hass.Error, match="no_such.onnx"):
        hass.load_onnx("no_such.onnx")
    with pytest.raises(TypeError, match="are not pickled"):
        pickle.dumps(net)


def test_zoo():
    assert hass.zoo("resnet18").macs == 1814073344 and not hass.zoo("resnet18").trained
    with pytest.raises(hass.Error, match="did you mean 'resnet18'"):
        hass.zoo("resnet180")
    with pytest.raises(hass.Error, match="it cannot be run"):
        hass.Emulator(hass.zoo("cnv"), np.zeros((1, 3, 32, 32), np.uint8))


def test_statistics_of_arrays_are_what_counting_gives(net):
    random = np.random.default_rng(1)
    weights = [random.normal(size=(8, 4, 3, 3)), random.normal(size=(6, 8, 1, 1))]
    inputs = [random.normal(size=(2, 4, 6, 6)), np.maximum(random.normal(size=(2, 8, 6, 6)), 0)]
    tensors = hass.measure_tensors(net, weights, inputs)
    assert tensors.images == 2
    tau = hass.Thresholds(0.5, 0.25)
    at = tensors.statistics(tau)
    for row, (w, x) in zip((0, 2), zip(weights, inputs)):
        zero_w = np.abs(w.astype(np.float32)) < np.float32(0.5)
        zero_x = np.abs(x.astype(np.float32)) < np.float32(0.25)
        assert at[row].weight_sparsity == pytest.approx(zero_w.mean(), abs=1e-12)
        assert at[row].activation_sparsity == pytest.approx(zero_x.mean(), abs=1e-12)
    w, x = ~(np.abs(weights[1].astype(np.float32)) < 0.5), inputs[1].astype(np.float32)
    pairs = np.einsum("fc,nchw->", w[:, :, 0, 0].astype(float), (np.abs(x) >= 0.25).astype(float))
    assert at[2].pair_sparsity == pytest.approx(1.0 - pairs / (2 * 6 * 8 * 36), abs=1e-12)
    # and back: numbers of Python's are the same statistics
    again = hass.Statistics(list(at))
    assert list(again) == list(at) and again.average(net) == at.average(net)
    shares = tensors.magnitudes()
    threshold = shares.threshold(0, "weight", 0.5)
    assert shares.sparsity(0, "weight", threshold) == pytest.approx(0.5, abs=0.01)
    with pytest.raises(hass.Error, match="layer 'conv': 287 weights, expected 288"):
        hass.measure_tensors(net, [weights[0].ravel()[1:], weights[1]], inputs)


def test_recorded_network(data):
    recorded = hass.load_statistics(data / "statistics" / "resnet18.statistics")
    assert recorded.network.rows == recorded.network.rows and recorded.images > 0
    untouched = recorded.measure()
    clipped = recorded.measure(hass.Thresholds(0.05, 0.5))
    assert clipped.score < untouched.score == recorded.accuracy()
    more = clipped.statistics.average(recorded.network).pair
    assert more > untouched.statistics.average(recorded.network).pair
    with pytest.raises(hass.Error, match="thresholds: 1 entries for a network of"):
        recorded.measure([hass.Thresholds()])


def test_emulator(data):
    net = hass.load_onnx(data / "fashion.onnx")
    images = np.load(data / "fashion_images.npy")[:12]
    labels = np.load(data / "fashion_labels.npy")[:12]
    arrays = hass.Emulator(net, images, labels)
    files = hass.Emulator(
        net, data / "fashion_images.npy", data / "fashion_labels.npy", first_images=12
    )
    assert arrays.images == files.images == 12
    logits = arrays.logits()
    assert logits.shape == (12, 10) and (logits == files.logits()).all()
    expected = np.load(data / "fashion_logits_first8.npy")
    assert np.abs(logits[:8] - expected).max() < 1e-4
    measured = arrays.measure_in_full()
    assert measured.score == (logits.argmax(axis=1) == labels).mean()
    tau = hass.Thresholds(0.03, 0.1)
    assert arrays.measure(tau).score == arrays.accuracy(tau) == files.measure_in_full(tau).score
    assert list(arrays.measure_in_full(tau).statistics) == list(files.measure_in_full(tau).statistics)
    with pytest.raises(hass.Error, match="no labels"):
        hass.Emulator(net, images).measure()
    with pytest.raises(hass.Error, match="did you mean 'imagenet'"):
        hass.Emulator(net, images, labels, preprocessing="imagnet")
