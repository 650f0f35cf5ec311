"""Files of a run that nobody made: for pages larger, and names nastier, than a search gives in seconds."""
import csv
import json
import math
import random

NASTY = "<script>window.broken = 1</script>"
RESOURCES = ("dsp", "lut", "ff", "bram18", "uram", "bandwidth_gbps")
BUDGET = {"dsp": 12288, "lut": 1728000, "ff": 3456000, "bram18": 5376, "uram": 1280, "bandwidth_gbps": 614.4}
STUDIES = ("software-only", "hardware-aware")


def layer(i, count, rng, clipped):
    compute = i % 2 == 0
    inputs = [i - 1]
    if i % 8 == 7:
        inputs = [i - 5, i - 1]
    used = {r: BUDGET[r] / count * rng.uniform(0.3, 0.9) for r in RESOURCES}
    return {"name": f"/stage{i // 8}/block{i % 8}/" + (NASTY if i == 2 else "Conv" if compute else "Add" if len(inputs) > 1 else "Relu"),
            "kind": "convolution" if compute else "add" if len(inputs) > 1 else "relu", "engine": "spe" if compute else "",
            "inputs": inputs, "tau_w": 0.01 * (1 + i % 5) * clipped if compute else 0.0, "tau_a": 0.05 * clipped if compute else 0.0,
            "weight_sparsity": 0.1 + 0.3 * clipped if compute else 0.0, "activation_sparsity": 0.4 + 0.2 * clipped if compute else 0.0,
            "pair_sparsity": 0.5 + 0.2 * clipped if compute else 0.0,
            "parallelism": {"in": 1 + i % 3, "out": 1, "group": 1, "vector": 1, "macs": 1 + i % 9, "shared": 1, "pixels": 1},
            "interval_cycles": 20000 * rng.uniform(0.3, 1.0), "fill_cycles": 300.0, **used}


def design(key, layers, rng, clipped):
    stages = [layer(i, layers, rng, clipped) for i in range(layers)]
    slowest = max(stages, key=lambda l: l["interval_cycles"])
    total = {r: sum(l[r] for l in stages) for r in RESOURCES}
    interval = slowest["interval_cycles"]
    return {"top1": 0.7 - 0.002 * clipped, "top5": 0.9, "weight_sparsity": 0.3, "activation_sparsity": 0.5, "pair_sparsity": 0.6,
            "throughput_images_per_s": 250e6 / interval * (1 + clipped), "interval_cycles": interval, "fill_cycles": 9.0,
            "latency_cycles": 2 * interval, "single_image_cycles": 1.5 * interval, "mhz": 250.0, **total, "bram18_from_lut": 0.0,
            "images_gbps": 0.1, "link_cycles": 1.0, "between": {r: 0.01 * BUDGET[r] for r in RESOURCES[:5]},
            "efficiency_images_per_cycle_per_dsp": 1 / (interval * total["dsp"]), "bottleneck": slowest["name"],
            "limit": "LUT is spent", "binding": "LUT", "upper_bound_images_per_s": 1e4, "gap": 0.0, "layers": stages,
            "top1_interval": [0.69, 0.71], "against_dense": {"images_per_s": 2.0, "efficiency": 1.0, "dense_is_better": False, "verdict": "faster"}}


def write(folder, layers=100, trials=500, feasible=True, seed=1):
    rng = random.Random(seed)
    names = [f"{layer(i, layers, rng, 0)['name']}" for i in range(0, layers, 2)]
    tensors = [n + kind for n in names for kind in (".weight", ".activation")]
    # a layer has two thresholds: as many columns as a network of that many layers with weights
    tensors += [f"more{i}.{kind}" for i in range(layers - len(names)) for kind in ("weight", "activation")]
    found = {s: [] for s in STUDIES}
    with open(folder / "trials.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["study", "trial", "state", "top1", "top5", "weight_sparsity", "activation_sparsity", "pair_sparsity", "images_per_s",
                      "interval_cycles", "dsp", "lut", "ff", "bram18", "uram", "efficiency_images_per_cycle_per_dsp", "objective", *tensors])
        for n in range(trials):
            study, trial = STUDIES[n * 2 // trials], n % ((trials + 1) // 2)
            speed, drop = rng.uniform(8e3, 3e4), rng.uniform(0, 0.04)
            row = [study, trial, "ok" if feasible and drop < 0.03 else "infeasible", 0.7 - drop, 0.9 - drop, *(rng.random() for _ in range(3)), speed, 2.5e8 / speed,
                   rng.randint(2000, 12000), 1e6 * rng.random(), 1e6 * rng.random(), 2000, 10, rng.random() * 1e-8, speed / 1e4 - 10 * drop]
            found[study].append(row)
            out.writerow(row + [rng.random() * 0.1 for _ in tensors])
    designs = [("dense", 0.0), ("activation_only", 0.0), ("software_only", 0.6), ("hardware_aware", 1.0)]
    kept = [row for rows in found.values() for row in rows if row[2] == "ok"]
    searches = []
    for study, rows in found.items():
        best = []
        for row in rows:
            if row[2] == "ok" and (not best or row[16] > best[-1][1]):
                best.append([row[1], row[16]])
        shares = [{"axis": t, "share": 2.0 ** -(i + 1)} for i, t in enumerate(tensors)] if len(rows) >= 8 else []
        searches.append({"study": study, "accuracy_floor": 0.67, "trials": len(rows), "conclusion": "all trials were made", "best_so_far": best,
                         "importance": {"explained": 0.8, "shares": shares} if shares else None})
    tensor = {"zeros": 0.2, "quantiles": [math.exp(i / 3 - 8) for i in range(21)]}
    solution = {
        "hass_version": "0", "network": NASTY + ".onnx", "images": 10000, "accuracy": "measured", "warnings": [], "device": "u250", "budget": BUDGET,
        "engine": "mixed", "resources": "calibrated", "uncertainty": "as measured.", "optimizer": "tpe", "bits": 16, "seed": seed, "trials": trials // 2, "interrupted": False,
        **{key: design(key, layers, rng, clipped) if feasible or clipped == 0.0 else None for key, clipped in designs},
        "pareto": [{"study": row[0], "trial": row[1], "top1": row[3], "throughput_images_per_s": row[8], "dsp": row[10]} for row in kept
                   if not any(o is not row and o[3] >= row[3] and o[8] >= row[8] and o[10] <= row[10] for o in kept)],
        "searches": searches, "simulations": [],
        "prices": [{"resource": r, "more": more, "images_per_s": 1e4, "gain": more / (2 + i), "gain_at_most": more / (2 + i), "binding": "LUT"}
                   for more in (0.01, 0.1) for i, r in enumerate(RESOURCES)],
        "boards": [{"device": f"board{i}", "dense_images_per_s": 1e3 * (i + 1), "images_per_s": None if i == 3 else 2e3 * (i + 1), "gain": None if i == 3 else 2.0,
                    "dense_is_better": None if i == 3 else i == 4, "binding": "LUT", "limit": "LUT is spent"} for i in range(16)],
        "magnitudes": [{"name": n, "weights": tensor, "activations": tensor} for n in names],
        "model_error": {"model": "calibrated", "against": "designs that were built", "designs": 4, "dsp": [0.0, 0.1], "lut": [-0.2, 0.4], "ff": [-0.1, 0.1], "bram18": [-0.3, 0.2]}}
    (folder / "solution.json").write_text(json.dumps(solution, indent=2))
    return solution
