"""The loop of HASS: thresholds and the hardware for them, searched together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

from . import _native
from ._check import Path, expect, number, whole
from .hardware import Allocation, Allocator, Device, Engine, device_of, engine_of
from .network import Network
from .statistics import Magnitudes, Measurement, Thresholds
from .study import Axis, Study


class ThresholdAxes:
    """What a search point means: two axes a compute row, "NAME.weight" and "NAME.activation", in
    [0, 1]. 0 leaves a tensor as it is, 1 brings it to the highest sparsity worth trying.

    :param highest: sparsity at the end of the axes, in (0, 1]: of weights and of activations
    :param channels: whether every input channel gets a threshold of its own
    :param exempt: rows left as they are, by name; "first" and "last" too
    """

    def __init__(
        self,
        network: Network,
        magnitudes: Magnitudes,
        highest: Tuple[float, float] = (0.9, 0.9),
        channels: bool = False,
        exempt: Sequence[str] = (),
    ) -> None:
        expect("ThresholdAxes", "network", network, Network, "a hass.Network")
        expect("ThresholdAxes", "magnitudes", magnitudes, Magnitudes, "a hass.Magnitudes")
        expect("ThresholdAxes", "highest", highest, (tuple, list), "a pair of numbers")
        expect("ThresholdAxes", "channels", channels, bool, "a bool")
        expect("ThresholdAxes", "exempt", exempt, (tuple, list), "a list of str")
        for i, row in enumerate(exempt):
            expect("ThresholdAxes", f"exempt[{i}]", row, str, "a str")
        if len(highest) != 2:
            raise _native.Error("ThresholdAxes: argument 'highest' is (weights, activations)")
        self.network = network
        self._native = _native.ThresholdAxes(
            network._native,
            magnitudes._native,
            number("ThresholdAxes", "highest[0]", highest[0]),
            number("ThresholdAxes", "highest[1]", highest[1]),
            channels,
            list(exempt),
        )

    @property
    def names(self) -> List[str]:
        """Of the axes."""
        return self._native.names

    @property
    def axes(self) -> List[Axis]:
        """As a `Study` takes them."""
        return [Axis(name) for name in self.names]

    def shortened(self, reach: float) -> "ThresholdAxes":
        """The same axes, ending at this share of their length."""
        shorter = ThresholdAxes.__new__(ThresholdAxes)
        shorter.network = self.network
        shorter._native = self._native.shortened(number("shortened", "reach", reach))
        return shorter

    def at(self, point: Sequence[float]) -> List[Thresholds]:
        """Thresholds of a point, one a row."""
        return [Thresholds(*t) for t in self._native.at(point)]

    def typical_reach(
        self,
        accuracy: Callable[[List[Thresholds]], float],
        floor: float,
        seed: int = 1,
        draws: int = 3,
        steps: int = 6,
    ) -> float:
        """How far axes should reach so that random points cost about what may be lost: by bisection,
        draws x steps calls of `accuracy`."""
        return self._native.typical_reach(
            lambda given: accuracy([Thresholds(*t) for t in given]),
            number("typical_reach", "floor", floor),
            whole("typical_reach", "seed", seed),
            whole("typical_reach", "draws", draws),
            whole("typical_reach", "steps", steps),
        )


@dataclass(frozen=True)
class JudgedTrial:
    """One set of thresholds with all that follows from it."""

    number: int
    point: List[float]
    thresholds: List[Thresholds]
    measured: Measurement
    sparsity: float  #: average share of zero pairs, by layers or by MACs
    hardware: Allocation
    objective: float
    feasible: bool
    reason: str  #: why it is not feasible


class ThresholdSearch:
    """Searches thresholds together with the hardware for them (HASS), and can be interrupted.

        search = hass.ThresholdSearch(hass.load_statistics("resnet18.statistics"), "zcu104")
        search.run(96, progress=lambda s: print(s.best))
        search.best.hardware.images_per_second

    The objective, to be maximised, is relative accuracy + weights . (sparsity, speed-up over dense
    engines, -share of the DSPs); what loses more than `max_drop` points of accuracy is infeasible.

    :param source: an `Emulator` with labels, a `RecordedNetwork`, or anything that has `network`,
        `magnitudes()`, `accuracy(thresholds)` and `measure(thresholds)` -> `Measurement`
    :param max_drop: accuracy that may be lost, in points (0.01)
    :param weights: of sparsity, throughput and DSPs
    :param sparsity_of: "layers" (each alike) or "macs"
    :param reach: length of the axes in (0, 1]; None: so long that random points cost about `max_drop`,
        which takes 18 runs
    :param journal: of the study, see `Study`; trials of an earlier process are learnt from, and `best`
        is of this one's
    """

    def __init__(
        self,
        source: Any,
        device: Union[str, Device] = "zedboard",
        engine: Union[str, Engine] = "mixed",
        *,
        optimizer: str = "automatic",
        seed: int = 1,
        max_drop: float = 1.0,
        weights: Tuple[float, float, float] = (5.0, 5.0, 5.0),
        sparsity_of: str = "layers",
        highest_sparsity: float = 0.9,
        channels: bool = False,
        exempt: Sequence[str] = (),
        reach: Optional[float] = None,
        journal: Optional[Path] = None,
    ) -> None:
        for needed in ("network", "magnitudes", "accuracy", "measure"):
            if not hasattr(source, needed):
                raise TypeError(
                    "ThresholdSearch: argument 'source' must be a hass.Emulator or a "
                    f"hass.RecordedNetwork, or have '{needed}', not {type(source).__name__}"
                )
        if sparsity_of not in ("layers", "macs"):
            raise _native.Error(
                f"ThresholdSearch: argument 'sparsity_of' is '{sparsity_of}', not layers or macs"
            )
        highest = number("ThresholdSearch", "highest_sparsity", highest_sparsity)
        seed = whole("ThresholdSearch", "seed", seed)
        self.source = source
        self.network: Network = source.network
        self.device = device_of("ThresholdSearch", device)
        self.engine = engine_of("ThresholdSearch", engine)
        self._sparsity_of = sparsity_of
        self._weights = tuple(weights)
        self._judged: Dict[int, JudgedTrial] = {}
        axes = ThresholdAxes(
            self.network, source.magnitudes(), (highest, highest), channels, exempt
        )
        self._allocator = Allocator(self.network, self.engine, self.device)
        untouched = getattr(source, "measure_in_full", source.measure)
        self._zero = [Thresholds()] * len(self.network)
        self._untouched: Measurement = untouched(self._zero)
        dense_engine = replace(self.engine, name="dense")
        dense = Allocator(self.network, dense_engine, self.device).solve(self._statistics())
        #: The design of dense engines, and that of the chosen ones with natural zeros.
        self.dense = self._required(dense)
        self.natural = self._required(self._allocator.solve(self._statistics()))
        self._dense_terms = self._terms(self._untouched, dense)
        if not self._untouched.score > 0.0:
            raise _native.Error("ThresholdSearch: the accuracy is not above 0, even unpruned")
        #: Accuracy below which a trial is infeasible.
        self.floor = self._untouched.score - number("ThresholdSearch", "max_drop", max_drop) * 0.01
        if reach is None:
            reach = axes.typical_reach(source.accuracy, self.floor, seed)
        #: What the points of trials mean.
        self.axes = axes.shortened(reach)
        names = self.axes.axes
        #: Every trial by number, and the optimizer.
        self.study = Study(
            names,
            optimizer,
            seed,
            ("maximise",),
            start=[{axis.name: 0.0 for axis in names}],
            journal=journal,
            name="hardware-aware",
        )

    @staticmethod
    def _required(found: Allocation) -> Allocation:
        if not found.fits:
            raise _native.Error("nothing fits: " + found.certificate.reason)
        return found

    def _statistics(self) -> Any:
        if self._untouched.statistics is None:
            raise _native.Error("ThresholdSearch: measure() gave no statistics")
        return self._untouched.statistics

    def _terms(self, measured: Measurement, hardware: Allocation) -> Tuple[float, ...]:
        if measured.statistics is None:
            raise _native.Error("ThresholdSearch: measure() gave no statistics")
        average = measured.statistics.average(self.network)
        share = average.pair if self._sparsity_of == "macs" else average.pair_of_layers
        return (measured.score, share, hardware.images_per_second, hardware.dsp)

    def judge(self, point: Sequence[float], number: int = -1) -> JudgedTrial:
        """A point of the axes: measured, built, judged."""
        thresholds = self.axes.at(point)
        untouched = thresholds == self._zero
        measured = self._untouched if untouched else self.source.measure(thresholds)
        hardware = self._allocator.solve(measured.statistics)
        terms = self._terms(measured, hardware)
        value, feasible, _, reason = _native.judge(
            terms, self._dense_terms, self.device.dsp, self._weights, self.floor
        )
        if not hardware.fits:
            feasible, reason = False, hardware.certificate.reason
        return JudgedTrial(
            number, list(point), thresholds, measured, terms[1], hardware, value, feasible, reason
        )

    def run(
        self, trials: int = 96, progress: Optional[Callable[["ThresholdSearch"], Any]] = None
    ) -> "ThresholdSearch":
        """So many trials more; the very first one clips nothing.

        :param progress: called after each trial; the run ends when it returns False

        Ctrl-C ends it (KeyboardInterrupt) once the call that runs is through; everything so far is
        kept, and another `run` goes on as if nothing had happened.
        """
        study = self.study._native
        study.take_back()
        for _ in range(whole("ThresholdSearch.run", "trials", trials)):
            asked = study.ask(True)
            if asked is None:
                break
            at, point = asked
            one = self.judge(point, at)
            self._judged[at] = one
            if one.hardware.fits:
                constraints = [self.floor - one.measured.score]
                study.tell(at, "ok", [one.objective], constraints, one.reason, 0)
            else:
                study.tell(at, "infeasible", [], [], one.reason, 0)
            if progress is not None and progress(self) is False:
                break
        return self

    @property
    def trials(self) -> List[JudgedTrial]:
        """All trials so far, by number."""
        return [self._judged[number] for number in sorted(self._judged)]

    @property
    def best(self) -> Optional[JudgedTrial]:
        """The feasible trial of highest objective, the earliest on ties; None: there is none."""
        found: Optional[JudgedTrial] = None
        for one in self.trials:
            if one.feasible and (found is None or one.objective > found.objective):
                found = one
        return found

    @property
    def conclusion(self) -> str:
        """What the study came to, in one line."""
        return self.study.conclusion
