"""A study whose objective is `hass.allocate`: Optuna's where it is installed, else the library's own.

What is chosen: how far weights and activations are clipped, and which engines run the layers. What is
wanted: accuracy and images/s. Both kinds of study write the same journal.

    optuna_study.py NET.statistics [--device zcu104] [--trials 30] [--journal study.log]
"""

import argparse

import hass


class Objective:
    """Accuracy and images/s of a recorded network at a point."""

    def __init__(self, file, device):
        self.recorded = hass.load_statistics(file)
        self.device = device
        self.axes = hass.ThresholdAxes(self.recorded.network, self.recorded.magnitudes())
        self.engines = ["spe", "mixed"]

    def __call__(self, weights, activations, engine):
        # one axis a tensor, of which all of a kind go together
        point = [
            weights if name.endswith(".weight") else activations for name in self.axes.names
        ]
        measured = self.recorded.measure(self.axes.at(point))
        found = hass.allocate(self.recorded.network, measured.statistics, engine, self.device)
        if not found.fits:
            raise hass.Error(found.certificate.reason)
        return measured.score, found.images_per_second


def with_optuna(optuna, objective, trials, journal):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = None
    if journal:
        storage = optuna.storages.JournalStorage(optuna.storages.JournalFileStorage(journal))
    study = optuna.create_study(
        directions=["maximize", "maximize"],
        sampler=optuna.samplers.TPESampler(seed=1),
        storage=storage,
        study_name="hass",
        load_if_exists=True,
    )
    study.optimize(
        lambda t: objective(
            t.suggest_float("weights", 0.0, 0.5),
            t.suggest_float("activations", 0.0, 0.5),
            t.suggest_categorical("engine", objective.engines),
        ),
        n_trials=trials,
        catch=(hass.Error,),
    )
    return [(t.values, t.params) for t in study.best_trials]


def with_our_own(objective, trials, journal):
    study = hass.Study(
        [
            hass.Axis("weights", 0.0, 0.5),
            hass.Axis("activations", 0.0, 0.5),
            hass.Axis.choice("engine", objective.engines),
        ],
        optimizer="tpe",
        seed=1,
        directions=["maximise", "maximise"],
        journal=journal,
    )
    try:
        study.run(lambda params: objective(**params), trials)
    except KeyboardInterrupt:
        print("interrupted: the front of what there is")
    return [(t.values, t.params) for t in study.front()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("statistics")
    parser.add_argument("--device", default="zcu104")
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--journal")
    arguments = parser.parse_args()
    objective = Objective(arguments.statistics, arguments.device)
    try:
        import optuna
    except ImportError:
        print("Optuna is not installed here: the library's own study is taken")
        front = with_our_own(objective, arguments.trials, arguments.journal)
    else:
        front = with_optuna(optuna, objective, arguments.trials, arguments.journal)
    print(f"{'top-1':>7} {'images/s':>9}  clipped")
    for (accuracy, pace), params in sorted(front, key=lambda one: -one[0][0]):
        print(
            f"{accuracy:7.2%} {pace:9,.1f}  weights {params['weights']:.2f}, "
            f"activations {params['activations']:.2f}, engine {params['engine']}"
        )


if __name__ == "__main__":
    main()
