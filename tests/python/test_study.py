"""Studies: ask and tell in any order, journals, interruptions."""

import json

import pytest

import hass

AXES = [hass.Axis("x", -1, 1), hass.Axis.integer("n", 1, 8), hass.Axis.choice("kind", ["a", "b"])]


def bowl(params):
    return params["x"] ** 2 + params["n"] + (params["kind"] == "b")


@pytest.mark.parametrize("optimizer", [n for n in hass.optimizers() if n != "cma-es"])
def test_every_optimizer_searches_and_repeats(optimizer):
    first = hass.Study(AXES, optimizer, seed=3).run(bowl, 12)
    again = hass.Study(AXES, optimizer, seed=3).run(bowl, 12)
    assert first.history() == again.history() and len(first.history()) == 12
    best = min(first.history(), key=lambda t: t.values[0])
    assert first.best == best and bowl(best.params) == best.values[0]
    assert {type(v) for t in first.history() for v in t.params.values()} == {float, int, str}


def test_ask_and_tell_in_any_order():
    study = hass.Study(AXES, "random", seed=1, trials=4, start=[{"x": 0.5, "n": 2, "kind": "b"}])
    trials = [study.ask() for _ in range(4)]
    assert trials[0].params == {"x": 0.5, "n": 2, "kind": "b"} and study.ask() is None
    study.tell(trials[3], 3.0)
    study.tell(trials[1], state="failed", reason="no licence")
    study.tell(trials[0], 1.0, constraints=[0.5])
    study.tell(trials[2], 4.0, state="pruned", step=2)
    states = [t.state for t in study.history()]
    assert states == ["infeasible", "failed", "pruned", "ok"]
    assert study.best.number == 3 and "1 failed" in study.conclusion
    with pytest.raises(hass.Error, match="was told before"):
        study.tell(trials[3], 3.0)
    with pytest.raises(hass.Error, match="never asked for"):
        study.tell(99, 3.0)


def test_several_objectives():
    study = hass.Study(AXES[:2], "nsga2", directions=["minimise", "maximise"])
    study.run(lambda p: (p["x"] ** 2, p["x"] + p["n"]), 30)
    front = study.front()
    points = [(t.values[0], -t.values[1]) for t in study.history()]
    assert [t.number for t in front] == hass.non_dominated(points)
    assert hass.hypervolume([(1.0, 2.0), (2.0, 1.0)], (3.0, 3.0)) == 3.0
    with pytest.raises(hass.Error, match="use front"):
        study.best


def test_what_an_objective_throws():
    def sometimes(params):
        if params["n"] < 4:
            raise hass.Error("too few")
        return bowl(params)

    study = hass.Study(AXES, "random", seed=1).run(sometimes, 20)
    failed = [t for t in study.history() if t.state == "failed"]
    assert failed and all(t.params["n"] < 4 and t.reason == "too few" for t in failed)

    def wrong(params):
        return params["no such axis"]

    with pytest.raises(KeyError):  # a mistake is no failed trial
        study.run(wrong, 5)
    assert len(study.run(bowl, 1).history()) == 21
    assert study.history()[20].state == "ok"  # the trial that broke off was tried again


def test_an_interrupted_study_goes_on_as_if_nothing_had_happened(tmp_path):
    whole = hass.Study(AXES, "tpe", seed=5).run(bowl, 30)
    calls = []

    def interrupted(params):
        calls.append(params)
        if len(calls) in (7, 20):
            raise KeyboardInterrupt
        return bowl(params)

    study = hass.Study(AXES, "tpe", seed=5, journal=tmp_path / "study.log")
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            study.run(interrupted, 30)
    study.run(interrupted, 30 - len([t for t in study.history() if t.state == "ok"]))
    assert study.history() == whole.history()
    # and in another process
    resumed = hass.Study(AXES, "tpe", seed=5, journal=tmp_path / "study.log")
    assert resumed.differing == 0 and resumed.history() == whole.history()
    whole.run(bowl, 5), resumed.run(bowl, 5)
    assert resumed.history() == whole.history()


def test_progress_ends_a_run():
    study = hass.Study(AXES, "random").run(bowl, 50, lambda s: len(s.history()) < 5)
    assert len(study.history()) == 5


def test_journal_is_optunas(tmp_path):
    file = tmp_path / "study.log"
    study = hass.Study(AXES, "random", seed=2, directions=["maximise"], journal=file, name="mine")
    study.run(bowl, 3)
    (read,) = hass.read_journal(file)
    assert read.name == "mine" and read.directions == ["maximise"]
    assert [t[2] for t in read.trials] == [t.params for t in study.history()]
    assert [t[1] for t in read.trials] == [t.values for t in study.history()]
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert lines[0]["op_code"] == 0 and lines[1]["op_code"] == 4
    # what Optuna 3.1 writes
    theirs = tmp_path / "optuna.log"
    theirs.write_text(
        '{"op_code": 0, "worker_id": "w", "study_name": "theirs", "directions": [1]}\n'
        '{"op_code": 4, "worker_id": "w", "study_id": 0, "datetime_start": '
        '"2024-01-01T00:00:00.000000"}\n'
        '{"op_code": 5, "worker_id": "w", "trial_id": 0, "param_name": "x", '
        '"param_value_internal": 0.25, "distribution": "{\\"name\\": \\"FloatDistribution\\", '
        '\\"attributes\\": {\\"step\\": null, \\"low\\": -1.0, \\"high\\": 1.0, \\"log\\": false}}"}\n'
        '{"op_code": 6, "worker_id": "w", "trial_id": 0, "state": 1, "values": [0.5], '
        '"datetime_complete": "2024-01-01T00:00:01.000000"}\n'
    )
    (read,) = hass.read_journal(theirs)
    assert read.trials == [("complete", [0.5], {"x": 0.25})]
    resumed = hass.Study([hass.Axis("x", -1, 1)], "tpe", journal=theirs, name="theirs")
    assert resumed.best.values == [0.5] and resumed.differing == 1
    with pytest.raises(hass.Error, match="study.log:1: damaged line"):
        file.write_text("no journal\n{}\n")
        hass.read_journal(file)


def test_optuna_reads_it(tmp_path):
    optuna = pytest.importorskip("optuna")
    file = str(tmp_path / "study.log")
    study = hass.Study(AXES, "random", seed=2, journal=file, name="mine").run(bowl, 5)
    storage = optuna.storages.JournalStorage(optuna.storages.JournalFileStorage(file))
    loaded = optuna.load_study(study_name="mine", storage=storage)
    assert [t.params for t in loaded.trials] == [t.params for t in study.history()]
    assert loaded.best_value == study.best.values[0]
