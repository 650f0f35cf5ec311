"""Studies: an optimizer, its history, and a file that survives crashes and that Optuna reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Type, Union

from . import _native
from ._check import Path, expect, number, path, whole

#: A value of an axis: a number, or the name of a choice.
Value = Union[float, int, str]


@dataclass(frozen=True)
class Axis:
    """One thing to choose: a range of reals or integers (with a step, or on a log scale), or names."""

    name: str
    low: float = 0.0
    high: float = 1.0
    kind: str = "real"  #: or "integer", "categorical"
    step: float = 0.0  #: 0: continuous; of integers: 1
    log: bool = False
    choices: Tuple[str, ...] = ()
    fixed: Optional[float] = None  #: set: not searched

    @staticmethod
    def integer(name: str, low: int, high: int, step: int = 1, log: bool = False) -> "Axis":
        """low, low + step, ... up to high."""
        return Axis(name, low, high, "integer", step, log)

    @staticmethod
    def choice(name: str, choices: Sequence[str]) -> "Axis":
        """One of some names."""
        return Axis(name, kind="categorical", choices=tuple(choices))

    def value(self, coordinate: float) -> Value:
        """What a coordinate of a point means."""
        if self.kind == "categorical":
            return self.choices[int(coordinate)]
        return int(coordinate) if self.kind == "integer" else coordinate

    def coordinate(self, value: Value) -> float:
        """The coordinate of a value. :raises hass.Error: for a choice that there is not"""
        if self.kind == "categorical":
            if value not in self.choices:
                known = ", ".join(self.choices)
                raise _native.Error(f"axis '{self.name}': no choice '{value}' (known: {known})")
            return float(self.choices.index(value))  # type: ignore[arg-type]
        return number(f"axis '{self.name}'", "value", value)


@dataclass(frozen=True)
class Trial:
    """A point to try: `params` by axis, `point` in coordinates."""

    number: int
    params: Dict[str, Value]
    point: List[float]


@dataclass(frozen=True)
class TrialRecord(Trial):
    """A trial and what came of it: state "running", "ok", "infeasible", "failed" or "pruned"."""

    state: str = "running"
    values: List[float] = field(default_factory=list)
    constraints: List[float] = field(default_factory=list)
    reason: str = ""
    enqueued: bool = False


@dataclass(frozen=True)
class JournalStudy:
    """A study in a journal: of each trial its state, values and params."""

    name: str
    directions: List[str]
    trials: List[Tuple[str, List[float], Dict[str, Value]]]


class Study:
    """Asks an optimizer which point to try next, and tells it what came of it.

    :param axes: what can be chosen
    :param optimizer: a name of `optimizers()`
    :param seed: the same seed, asks and tells give the same suggestions
    :param directions: "minimise" or "maximise", one an objective
    :param trials: `ask` hands out so many; None: no limit
    :param start: params of points that are tried first
    :param journal: a file of Optuna's format; what it holds of a study of this name is taken up again
    :param name: of the study in the journal

    Calls may come from several threads, and other Python threads run on meanwhile.

    :raises hass.Error: for axes that make no sense, and a journal of other axes or directions
    """

    def __init__(
        self,
        axes: Sequence[Axis],
        optimizer: str = "automatic",
        seed: int = 0,
        directions: Sequence[str] = ("minimise",),
        trials: Optional[int] = None,
        start: Sequence[Dict[str, Value]] = (),
        journal: Optional[Path] = None,
        name: str = "hass",
    ) -> None:
        expect("Study", "axes", axes, (list, tuple), "a list of hass.Axis")
        for i, axis in enumerate(axes):
            expect("Study", f"axes[{i}]", axis, Axis, "a hass.Axis")
        expect("Study", "optimizer", optimizer, str, "a str")
        expect("Study", "directions", directions, (list, tuple), "a list of str")
        expect("Study", "name", name, str, "a str")
        seed = whole("Study", "seed", seed)
        if trials is not None:
            trials = whole("Study", "trials", trials)
        if seed < 0 or (trials is not None and trials < 0):
            raise _native.Error("Study: arguments 'seed' and 'trials' must not be negative")
        self.axes = tuple(axes)
        self.directions = tuple(directions)
        file = "" if journal is None else path("Study", "journal", journal)
        points = [self._point("start", params) for params in start]
        self._native = _native.Study(
            self.axes, optimizer, seed, self.directions, trials, points, file, name
        )

    def _point(self, call: str, params: Dict[str, Value]) -> List[float]:
        expect(call, "params", params, dict, "a dict by axis")
        names = [axis.name for axis in self.axes]
        for name in params:
            if name not in names:
                raise _native.Error(f"{call}: no axis '{name}' (known: {', '.join(names)})")
        for name in names:
            if name not in params:
                raise _native.Error(f"{call}: axis '{name}' is missing")
        return [axis.coordinate(params[axis.name]) for axis in self.axes]

    def _params(self, point: Sequence[float]) -> Dict[str, Value]:
        return {axis.name: axis.value(x) for axis, x in zip(self.axes, point)}

    def _trial(self, given: Any) -> Optional[Trial]:
        if given is None:
            return None
        at, point = given
        return Trial(at, self._params(point), point)

    def _record(self, given: Dict[str, Any]) -> TrialRecord:
        return TrialRecord(params=self._params(given["point"]), **given)

    def ask(self) -> Optional[Trial]:
        """The next trial; None: the trials are spent, or the optimizer is exhausted."""
        return self._trial(self._native.ask(False))

    def tell(
        self,
        trial: Union[Trial, int],
        values: Union[float, Sequence[float]] = (),
        *,
        state: str = "ok",
        constraints: Sequence[float] = (),
        reason: str = "",
        step: int = 0,
    ) -> None:
        """Records what came of a trial, in any order, each once.

        :param values: one an objective
        :param state: "ok", "infeasible", "failed", or "pruned" with one intermediate value at `step`
        :param constraints: c <= 0 holds; where one does not, the trial is infeasible
        :raises hass.Error: for a trial that was never asked for, or told before
        """
        at = trial.number if isinstance(trial, Trial) else whole("Study.tell", "trial", trial)
        if at < 0:
            raise _native.Error(f"study: trial {at} was never asked for")
        if not isinstance(values, (list, tuple)) and not hasattr(values, "__len__"):
            values = [number("Study.tell", "values", values)]
        if state not in ("ok", "infeasible", "failed", "pruned"):
            raise _native.Error(
                f"Study.tell: state '{state}' is not 'ok', 'infeasible', 'failed' or 'pruned'"
            )
        expect("Study.tell", "reason", reason, str, "a str")
        count = whole("Study.tell", "step", step)
        self._native.tell(at, state, values, constraints, reason, count)

    def enqueue(self, params: Dict[str, Value]) -> None:
        """Puts a point in line: the next `ask` that finds none before it returns it."""
        self._native.enqueue(self._point("Study.enqueue", params))

    def run(
        self,
        objective: Callable[[Dict[str, Value]], Union[float, Sequence[float], None]],
        trials: Optional[int] = None,
        progress: Optional[Callable[["Study"], Any]] = None,
        catch: Tuple[Type[BaseException], ...] = (_native.Error,),
    ) -> "Study":
        """Asks, evaluates and tells.

        :param objective: objective(params) -> value, or values, or None: it failed
        :param trials: so many more; None: until `ask` has no more
        :param progress: called after each trial; the run ends when it returns False
        :param catch: exceptions of the objective that fail a trial and no more. Any other one, Ctrl-C
            too, ends the run; its trial is the first of the next run, and the study stays usable
        """
        if not callable(objective):
            raise TypeError(
                f"Study.run: argument 'objective' must be callable, not {type(objective).__name__}"
            )
        left = None if trials is None else whole("Study.run", "trials", trials)
        self._native.take_back()
        while left is None or left > 0:
            trial = self._trial(self._native.ask(True))
            if trial is None:
                break
            try:
                values = objective(trial.params)
            except catch as why:
                self.tell(trial, state="failed", reason=str(why))
            else:
                if values is None:
                    self.tell(trial, state="failed", reason="the objective gave None")
                else:
                    self.tell(trial, values)
            left = None if left is None else left - 1
            if progress is not None and progress(self) is False:
                break
        return self

    @property
    def best(self) -> Optional[TrialRecord]:
        """The best feasible trial, the earliest on ties; None: there is none.

        :raises hass.Error: with several objectives: use `front`
        """
        found = self._native.best()
        return None if found is None else self._record(found)

    def front(self) -> List[TrialRecord]:
        """The non-dominated feasible trials."""
        return [self._record(r) for r in self._native.front()]

    def history(self) -> List[TrialRecord]:
        """Every trial handed out so far, by number."""
        return [self._record(r) for r in self._native.history()]

    def importance(self, objective: int = 0) -> Tuple[Dict[str, float], float]:
        """Share of the objective's variance by axis, and how much of it that explains."""
        return self._native.importance(whole("Study.importance", "objective", objective))

    def may_be_left(self) -> Optional[float]:
        """What more trials may still gain, at most; None: the optimizer cannot tell."""
        return self._native.may_be_left()

    @property
    def conclusion(self) -> str:
        """What it came to, in one line."""
        return self._native.conclusion

    @property
    def differing(self) -> int:
        """Trials of the journal that this optimizer and seed would not have suggested."""
        return self._native.differing

    @property
    def warning(self) -> str:
        """What was wrong with the journal's last line; "" when nothing was."""
        return self._native.warning


def optimizers() -> Dict[str, str]:
    """Names that `Study` takes, with a line about each."""
    return dict(_native.optimizer_names())


def read_journal(file: Path) -> List[JournalStudy]:
    """The studies of a journal, of this library's or of Optuna's. :raises hass.Error: naming the line"""
    name = path("read_journal", "file", file)
    return [JournalStudy(*study) for study in _native.read_journal(name)]


def non_dominated(points: Sequence[Sequence[float]]) -> List[int]:
    """Indices of the points that no other beats; all objectives minimised."""
    return _native.non_dominated(points)


def hypervolume(points: Sequence[Sequence[float]], reference: Sequence[float]) -> float:
    """Volume that the points dominate below `reference`; all objectives minimised."""
    return _native.hypervolume(points, reference)
