"""What hardware comes to: boards, engines by name, `evaluate`, `allocate`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union

from . import _native
from ._check import expect, number, whole
from .network import Network
from .statistics import LayerStatistics, Statistics, statistics_of


class Usage(NamedTuple):
    """What is taken: DSP slices, LUTs, flip-flops, 18 Kbit block RAMs, URAMs, Gbit/s."""

    dsp: float
    lut: float
    ff: float
    bram18: float
    uram: float
    bandwidth: float


@dataclass(frozen=True)
class Device:
    """What there is to spend; `bandwidth` is what the link to memory carries in Gbit/s."""

    name: str
    dsp: float
    lut: float
    ff: float
    bram18: float
    uram: float
    bandwidth: float
    mhz: float = 200.0
    dsp_slice: str = "dsp48e2"  #: or "dsp48e1"
    reconfiguration_s: float = 0.08255


@dataclass(frozen=True)
class Engine:
    """How dot products are executed, and under which resource model.

    :param name: "dense", "spe", "lanes", "lists", "cascade", or "mixed": whichever is best, layer by
        layer; where "lanes" or "lists" cannot run a layer, dense engines do
    :param resources: "calibrated", "published", "repaired", or a .json file of `hass_calibrate`
    :param bits: of weights and data
    :param multipliers: "dsp" or "either" (LUTs, too)
    :param memories: "weights" (in block RAM, URAM) or "every"
    :param requantise: "shift", "dsp", or "rtl" (as its modules do it)
    """

    name: str = "mixed"
    resources: str = "calibrated"
    bits: int = 16
    multipliers: str = "dsp"
    memories: str = "weights"
    requantise: str = "shift"


@dataclass(frozen=True)
class RowOption:
    """One way to build a row: in_ x out x group x pixels engines of `macs` multipliers each."""

    engine: str = "dense"
    in_: int = 1
    out: int = 1
    group: int = 1
    macs: int = 1
    vector: int = 1
    shared: int = 1
    pixels: int = 1
    multipliers: str = "dsp"  #: or "lut"
    memory: str = "bram18"  #: of weights: "bram18", "uram", "off_chip", "lutram"
    maps: str = "bram18"  #: of what it buffers


@dataclass(frozen=True)
class Stage:
    """A stage of the pipeline: cycles for an image, and cost."""

    cycles: float
    cost: Usage


@dataclass(frozen=True)
class Estimate:
    """The whole accelerator; `evaluate.hpp` says what each figure is."""

    interval_cycles: float
    bottleneck: int  #: the slowest stage
    link_cycles: float
    images_per_second: float
    fill_cycles: float
    latency_cycles: float  #: of one image behind others
    single_image_cycles: float  #: of one image alone
    total: Usage
    between: Usage  #: of that, what stands between stages
    image_gbit_s: float
    bram18_from_lut: float
    fits: bool


@dataclass(frozen=True)
class Certificate:
    """What is proved about an allocation; `certificate.hpp` says what each figure is."""

    upper_bound_images_per_second: float
    gap: float  #: 0: proved optimal
    shares: float  #: of everything the board has, summed
    least_shares: float
    thriftiest: bool
    least_need: float
    least_latency_cycles: float
    minimal: bool
    binding: Optional[str]  #: the resource that forbids a smaller interval; None: none does
    missing: float
    limiting_row: int
    reason: str


class Allocation:
    """A design and what is known about it. Its parts are made when they are looked at."""

    def __init__(self, native: _native.Allocation) -> None:
        expect("Allocation", "native", native, _native.Allocation, "what an Allocator gives")
        self._native = native
        self.fits: bool = native.fits
        self.images_per_second: float = native.images_per_second  #: 0 where nothing fits
        self.dsp: float = native.dsp

    @cached_property
    def design(self) -> List[RowOption]:
        """One option a row; empty where nothing fits."""
        return [RowOption(*option) for option in self._native.design()]

    @cached_property
    def stages(self) -> List[Stage]:
        """Cycles and cost of each row."""
        return [Stage(cycles, Usage(*cost)) for cycles, cost in self._native.stages()]

    @cached_property
    def estimate(self) -> Estimate:
        """Of the whole, as `evaluate` gives it."""
        return _estimate(self._native.estimate())

    @cached_property
    def certificate(self) -> Certificate:
        """What is proved, and why it is not faster (or why nothing fits)."""
        return Certificate(**self._native.certificate())

    _parts = ("fits", "images_per_second", "dsp", "design", "stages", "estimate", "certificate")

    def as_dict(self) -> Dict[str, Any]:
        """All of it as plain dicts and lists, for JSON."""

        def plain(x: Any) -> Any:
            if isinstance(x, list):
                return [plain(one) for one in x]
            if isinstance(x, Usage):
                return x._asdict()
            if hasattr(x, "__dataclass_fields__"):
                return {k: plain(getattr(x, k)) for k in x.__dataclass_fields__}
            return x

        return {name: plain(getattr(self, name)) for name in self._parts}

    def __getstate__(self) -> Dict[str, Any]:
        return {name: getattr(self, name) for name in self._parts}

    def __setstate__(self, parts: Dict[str, Any]) -> None:
        self.__dict__.update(parts)

    def __repr__(self) -> str:
        if not self.fits:
            return f"<hass.Allocation: nothing fits: {self.certificate.reason}>"
        return f"<hass.Allocation: {self.images_per_second:,.1f} images/s, {self.dsp:,.0f} DSPs>"


def _estimate(given: Dict[str, Any]) -> Estimate:
    given["total"] = Usage(*given["total"])
    given["between"] = Usage(*given["between"])
    return Estimate(**given)


def devices() -> List[str]:
    """Names of the boards that the library knows."""
    return _native.device_names()


@lru_cache(maxsize=None)
def _board(name: str) -> Device:
    return Device(**_native.device_by_name(name))


def device(name: str) -> Device:
    """A board by name, or from a .json file. `dataclasses.replace` makes another one of it.

    :raises hass.Error: with the nearest name, or naming file and field
    """
    expect("device", "name", name, str, "a str")
    return Device(**_native.device_by_name(name)) if name.endswith(".json") else _board(name)


def engines() -> List[str]:
    """Names that `Engine` takes."""
    return _native.engine_names()


def device_of(call: str, given: Union[str, Device]) -> Device:
    """A device, or the one of that name."""
    if isinstance(given, Device):
        return given
    expect(call, "device", given, str, "a hass.Device or the name of one")
    return device(given)


def engine_of(call: str, given: Union[str, Engine]) -> Engine:
    """An engine, or the one of that name under calibrated resources."""
    if isinstance(given, Engine):
        return given
    expect(call, "engine", given, str, "a hass.Engine or the name of one")
    return Engine(given)


def evaluate(
    network: Network,
    statistics: Union[Statistics, Sequence[LayerStatistics]],
    engine: Union[str, Engine],
    device: Union[str, Device],
    design: Optional[Sequence[RowOption]] = None,
) -> Estimate:
    """What a design comes to.

    :param design: one option a row; None: the smallest there is
    :raises hass.Error: when lengths differ, and for what the engine refuses
    """
    expect("evaluate", "network", network, Network, "a hass.Network")
    if design is not None:
        expect("evaluate", "design", design, (list, tuple), "a list of hass.RowOption, one a row")
        for i, option in enumerate(design):
            expect("evaluate", f"design[{i}]", option, RowOption, "a hass.RowOption")
    given = statistics_of("evaluate", statistics)
    engine = engine_of("evaluate", engine)
    return _estimate(
        _native.evaluate(network._native, given, engine, device_of("evaluate", device), design)
    )


class Allocator:
    """Allocates one network on one board again and again, for changing statistics.

    What every option costs is worked out once. May be called from several threads; calls wait for each
    other, and other Python threads run on meanwhile.
    """

    def __init__(
        self,
        network: Network,
        engine: Union[str, Engine] = "mixed",
        device: Union[str, Device] = "zedboard",
    ) -> None:
        expect("Allocator", "network", network, Network, "a hass.Network")
        self.network = network
        self.engine = engine_of("Allocator", engine)
        self.device = device_of("Allocator", device)
        self._native = _native.Allocator(network._native, self.engine, self.device)

    def solve(self, statistics: Union[Statistics, Sequence[LayerStatistics]]) -> Allocation:
        """The fastest design; of those, the one that takes the least sum of shares of the board."""
        return Allocation(self._native.solve(statistics_of("Allocator.solve", statistics)))

    def update(self, row: int, layer: LayerStatistics) -> Allocation:
        """The same when only one row has other statistics than at the last call."""
        at = whole("Allocator.update", "row", row)
        if not 0 <= at < len(self.network):
            raise IndexError(f"Allocator.update: a network of {len(self.network)} rows, row {at}")
        expect("Allocator.update", "layer", layer, LayerStatistics, "a hass.LayerStatistics")
        return Allocation(self._native.update(at, Statistics([layer])._native))

    def least(self, resource: str, images_per_second: float) -> Allocation:
        """Least of "dsp", "lut", "ff", "bram18", "uram" or "bandwidth" at a throughput, for the
        statistics of the last `solve`."""
        expect("Allocator.least", "resource", resource, str, "a str")
        pace = number("Allocator.least", "images_per_second", images_per_second)
        return Allocation(self._native.least(resource, pace))

    def lowest_latency(self, alone: bool = True) -> Allocation:
        """The design that answers one image soonest, alone or behind others."""
        expect("Allocator.lowest_latency", "alone", alone, bool, "a bool")
        return Allocation(self._native.lowest_latency(alone))

    @property
    def uncertainty(self) -> str:
        """How far the resource model was off where it was measured, in words."""
        return self._native.uncertainty


def allocate(
    network: Network,
    statistics: Union[Statistics, Sequence[LayerStatistics]],
    engine: Union[str, Engine] = "mixed",
    device: Union[str, Device] = "zedboard",
) -> Allocation:
    """The best design of a network on a board, with its certificate.

    A board that is too small is no error: `fits` is False and `certificate.reason` says why.

    :raises hass.Error: for statistics of another network, shares outside [0, 1], unknown names
    """
    expect("allocate", "network", network, Network, "a hass.Network")
    given = statistics_of("allocate", statistics)
    engine = engine_of("allocate", engine)
    native = _native.Allocator(network._native, engine, device_of("allocate", device))
    return Allocation(native.solve(given))
