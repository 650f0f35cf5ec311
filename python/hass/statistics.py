"""What the tensors of a network look like: shares of zeros, and which pairs survive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple, Union

from . import _native
from ._check import Path, expect, float32_arrays, number, path, whole
from .network import Network


@dataclass(frozen=True)
class Thresholds:
    """Of one row: a weight is zeroed where |w| < weight, an input where |x| < activation; >= 0.

    `weight_channels` and `activation_channels` hold one an input channel in place of these; empty:
    the same for all.
    """

    weight: float = 0.0
    activation: float = 0.0
    weight_channels: Tuple[float, ...] = ()
    activation_channels: Tuple[float, ...] = ()


def uniform_thresholds(
    network: Network, weight: float = 0.0, activation: float = 0.0
) -> List[Thresholds]:
    """The same two thresholds for every row."""
    expect("uniform_thresholds", "network", network, Network, "a hass.Network")
    each = Thresholds(
        number("uniform_thresholds", "weight", weight),
        number("uniform_thresholds", "activation", activation),
    )
    return [each] * len(network)


@dataclass(frozen=True)
class LayerStatistics:
    """One layer at one operating point; shares of zeros in [0, 1].

    `pair_sparsity` counts pairs inside the image, `pair_sparsity_padded` all multiply-accumulates: what
    an engine meets. `windows`: (channels, length, shares), `lanes`: (in, group, macs, vector, shared,
    engines, cycles), `lists`: (lanes, shares), `rows`: work of rows of windows, as `layer_statistics.hpp` has them; empty: zeros are
    taken as independent.
    """

    weight_sparsity: float = 0.0
    activation_sparsity: float = 0.0
    pair_sparsity: float = 0.0
    pair_sparsity_padded: float = 0.0
    windows: Sequence[Tuple[int, int, Sequence[float]]] = ()
    lanes: Sequence[Tuple[int, int, int, int, int, int, float]] = ()
    lists: Sequence[Tuple[int, Sequence[float]]] = ()
    rows: Sequence[float] = ()


class AverageSparsity(NamedTuple):
    """Averages over a network: weights, inputs, multiply-accumulates, and layers alike."""

    weight: float
    activation: float
    pair: float
    pair_of_layers: float


class Statistics:
    """Statistics of a network, one entry a row.

    :param layers: of `LayerStatistics`, one a row; those of rows that do not compute are not read
    """

    _native: _native.Statistics

    def __init__(self, layers: Sequence[LayerStatistics]) -> None:
        expect("Statistics", "layers", layers, (list, tuple), "a list of hass.LayerStatistics")
        for i, layer in enumerate(layers):
            expect("Statistics", f"layers[{i}]", layer, LayerStatistics, "a hass.LayerStatistics")
        self._native = _native.statistics_of_layers(layers)

    @classmethod
    def _of(cls, native: _native.Statistics) -> "Statistics":
        made = cls.__new__(cls)
        made._native = native
        return made

    @staticmethod
    def dense(network: Network) -> "Statistics":
        """Nothing is zero."""
        expect("Statistics.dense", "network", network, Network, "a hass.Network")
        return Statistics._of(_native.dense_statistics(network._native))

    @staticmethod
    def uniform(network: Network, pair_sparsity: float) -> "Statistics":
        """The same share of zero pairs everywhere, independent: for sweeps, not for results."""
        expect("Statistics.uniform", "network", network, Network, "a hass.Network")
        share = number("Statistics.uniform", "pair_sparsity", pair_sparsity)
        return Statistics._of(_native.uniform_statistics(network._native, share))

    def __len__(self) -> int:
        return len(self._native)

    def __getitem__(self, row: int) -> LayerStatistics:
        at = whole("Statistics[]", "row", row)
        if not -len(self) <= at < len(self):
            raise IndexError(f"statistics of {len(self)} rows have no row {at}")
        return LayerStatistics(**self._native.layer(at % len(self)))

    def average(self, network: Network) -> AverageSparsity:
        """Averages over the network whose statistics these are."""
        expect("Statistics.average", "network", network, Network, "a hass.Network")
        return AverageSparsity(*self._native.average(network._native))

    def __getstate__(self) -> Any:
        return list(self)

    def __setstate__(self, layers: Any) -> None:
        self.__init__(layers)  # type: ignore[misc]


def statistics_of(call: str, given: Union[Statistics, Sequence[LayerStatistics]]) -> Any:
    """What the library takes."""
    if isinstance(given, Statistics):
        return given._native
    expect(
        call, "statistics", given, (list, tuple), "a hass.Statistics or a list of LayerStatistics"
    )
    return Statistics(given)._native


def thresholds_of(call: str, given: Any, network: Network) -> Any:
    """What the library takes: one a row; None: nothing is clipped."""
    if given is None:
        return [Thresholds()] * len(network)
    if isinstance(given, Thresholds):
        return [given] * len(network)
    expect(call, "thresholds", given, (list, tuple), "a list of hass.Thresholds, one a row")
    for i, one in enumerate(given):
        expect(call, f"thresholds[{i}]", one, Thresholds, "a hass.Thresholds")
    return given


class Magnitudes:
    """Distributions of |w| and |x| of every compute row."""

    def __init__(self, native: _native.Magnitudes) -> None:
        expect("Magnitudes", "native", native, _native.Magnitudes, "what magnitudes() gives")
        self._native = native

    def _at(self, row: int, tensor: str, value: float, call: str) -> Tuple[int, bool, float]:
        at = whole(call, "row", row)
        if not 0 <= at < len(self._native):
            raise IndexError(f"magnitudes of {len(self._native)} rows have no row {at}")
        if tensor not in ("weight", "activation"):
            raise _native.Error(f"{call}: tensor '{tensor}' is neither 'weight' nor 'activation'")
        return at, tensor == "weight", value

    def threshold(self, row: int, tensor: str, share: float) -> float:
        """The threshold that zeroes this share of a row's "weight" or "activation"."""
        call = "Magnitudes.threshold"
        return self._native.threshold(*self._at(row, tensor, number(call, "share", share), call))

    def sparsity(self, row: int, tensor: str, threshold: float) -> float:
        """The share that this threshold zeroes."""
        call = "Magnitudes.sparsity"
        limit = number(call, "threshold", threshold)
        return self._native.sparsity(*self._at(row, tensor, limit, call))


@dataclass(frozen=True)
class Measurement:
    """What a search learns about a network at one set of thresholds."""

    score: float  #: share of images answered right, or another metric; up is better
    statistics: Optional[Statistics]  #: one entry a row; None: none were taken
    top5: Optional[float] = None
    loss: Optional[float] = None  #: mean cross-entropy, nats


class TensorStatistics:
    """Tensors of one's own, measured at any thresholds; see `measure_tensors`."""

    def __init__(self, network: Network, weights: Sequence[Any], activations: Sequence[Any]) -> None:
        expect("measure_tensors", "network", network, Network, "a hass.Network")
        self.network = network
        self._native = _native.Tensors(
            network._native,
            float32_arrays("measure_tensors", "weights", weights),
            float32_arrays("measure_tensors", "activations", activations),
        )

    @property
    def images(self) -> int:
        """N, the images that the activations are of."""
        return self._native.images

    def statistics(self, thresholds: Any = None, products: bool = True) -> Statistics:
        """Exact statistics at thresholds (one a row, or one for all; None: nothing is clipped).

        :param products: whether whole dot products are counted too, which engines "lanes", "lists"
            and "mixed" ask for; it takes several times as long. Windows of zeros, which "spe" asks
            for, are always counted
        """
        tau = thresholds_of("TensorStatistics.statistics", thresholds, self.network)
        expect("TensorStatistics.statistics", "products", products, bool, "a bool")
        return Statistics._of(self._native.statistics(tau, products))

    def magnitudes(self) -> Magnitudes:
        """Distributions of |x|."""
        return Magnitudes(self._native.magnitudes())


def measure_tensors(
    network: Network, weights: Sequence[Any], activations: Sequence[Any]
) -> TensorStatistics:
    """Looks at arrays (NumPy, PyTorch) of every compute row, in the order of rows; copies them.

    :param weights: out x in/groups x kernel_h x kernel_w each
    :param activations: the inputs, N x in x height x width each, the same N everywhere
    :raises hass.Error: naming the layer whose array is missing or of another size
    """
    return TensorStatistics(network, weights, activations)


class RecordedNetwork:
    """A network as it was measured, without its weights and without images.

    Statistics at thresholds are predicted from distributions, the accuracy from tensors measured one
    at a time (docs/results.md says how far off that is); with nothing clipped both are exact.
    """

    def __init__(self, file: Path) -> None:
        self._native = _native.Recorded(path("load_statistics", "file", file))
        self.network = Network._of(self._native.network())

    @property
    def name(self) -> str:
        """Of the network."""
        return self._native.name

    @property
    def images(self) -> int:
        """On which it was measured."""
        return self._native.images

    #: What the engine asks for of whole dot products is not in such files.
    needs_products = False

    def measure(self, thresholds: Any = None) -> Measurement:
        """Accuracy and statistics at thresholds."""
        tau = thresholds_of("RecordedNetwork.measure", thresholds, self.network)
        top1, top5 = self._native.accuracy(tau)
        return Measurement(top1, Statistics._of(self._native.statistics(tau)), top5)

    measure_in_full = measure

    def accuracy(self, thresholds: Any = None) -> float:
        """Share of right answers."""
        tau = thresholds_of("RecordedNetwork.accuracy", thresholds, self.network)
        return self._native.accuracy(tau)[0]

    def magnitudes(self) -> Magnitudes:
        """Distributions of |x|, as far as they were sampled."""
        return Magnitudes(self._native.magnitudes())


def load_statistics(file: Path) -> RecordedNetwork:
    """Reads what `hass_search --write-statistics` wrote. :raises hass.Error: naming the place"""
    return RecordedNetwork(file)
