"""Accuracy against images/s: searches thresholds and plots the front, or prints it without matplotlib.

    pareto_front.py NET.statistics [--device zcu104] [--trials 40] [--max-drop 2] [--out front.png]
"""

import argparse

import hass


def front_of(search):
    """The feasible trials that no other one beats in accuracy and images/s, by accuracy."""
    trials = [t for t in search.trials if t.feasible]
    points = [(-t.measured.score, -t.hardware.images_per_second) for t in trials]
    front = [trials[i] for i in hass.non_dominated(points)]
    return sorted(front, key=lambda t: -t.measured.score)


def plot(search, front, file):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    pace = [t.hardware.images_per_second for t in search.trials]
    axes.scatter(pace, [100 * t.measured.score for t in search.trials], s=14, color="0.6",
                 label="trials")  # fmt: skip
    axes.step([t.hardware.images_per_second for t in front],
              [100 * t.measured.score for t in front], where="post", marker="o", label="front")  # fmt: skip
    axes.axhline(100 * search.floor, linestyle=":", color="0.4", label="accuracy allowed")
    axes.set_xlabel(f"images/s on {search.device.name}")
    axes.set_ylabel("top-1, %")
    axes.set_title(search.source.name)
    axes.legend()
    figure.savefig(file, dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("statistics")
    parser.add_argument("--device", default="zcu104")
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--max-drop", type=float, default=2.0, help="accuracy to lose, in points")
    parser.add_argument("--out", default="front.png")
    arguments = parser.parse_args()
    recorded = hass.load_statistics(arguments.statistics)
    search = hass.ThresholdSearch(recorded, arguments.device, max_drop=arguments.max_drop)
    try:
        search.run(arguments.trials)
    except KeyboardInterrupt:
        print("interrupted: the front of what there is")
    front = front_of(search)
    print(f"{search.conclusion}; dense {search.dense.images_per_second:,.1f} images/s")
    print(f"{'top-1':>7} {'images/s':>9} {'DSPs':>6}")
    for t in front:
        score, found = t.measured.score, t.hardware
        print(f"{score:7.2%} {found.images_per_second:9,.1f} {found.dsp:6,.0f}")
    try:
        plot(search, front, arguments.out)
    except ImportError:
        print("matplotlib is not installed here: no plot")
    else:
        print(arguments.out)


if __name__ == "__main__":
    main()
