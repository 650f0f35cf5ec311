"""Opens reports in headless Chromium: page.py <hass_report> <folder for screenshots>

Every chart is drawn, marks are as many as the files have, numbers are those of the files, hover and pin
work, dark and print apply, a phone needs no sideways scrolling, names are text and never markup."""
import csv
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

import browser
import made_up_run

failures = []


def check(holds, what):
    if not holds:
        failures.append(what)
        print("FAILED:", what, flush=True)


def trials_of(folder):
    with open(folder / "trials.csv", newline="") as file:
        rows = list(csv.reader(file))
    at = rows[0].index("objective") + 1
    return [(r[:3] + [float(x) for x in r[3:at]], [float(x) for x in r[at:]]) for r in rows[1:]]


def float32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


# Marks of a chart that were drawn, by series: what a reader can see, not what the chart was asked for.
DRAWN = """Object.fromEntries([...hass_report.charts].map(([id, {chart}]) => [id, chart.getModel().getSeries().map((s) => {
    const d = s.getData(); let n = 0;
    for (let i = 0; i < d.count(); ++i) n += d.getItemGraphicEl(i) ? 1 : 0;
    return s.subType === 'line' ? d.count() : n; })]))"""
PATHS = "Object.fromEntries([...hass_report.charts].map(([id, {place}]) => [id, place.querySelectorAll('svg path').length]))"


def check_marks(b, folder, solution):
    drawn, paths = b.run(DRAWN), b.run(PATHS)
    trials = [row for row, _ in trials_of(folder)]
    of = {s: [t for t in trials if t[0] == s] for s in made_up_run.STUDIES}
    last = solution["hardware_aware"]
    with_weights = sum(1 for l in last["layers"] if l["engine"])
    designs = sum(1 for key in ("dense", "activation_only", "software_only", "hardware_aware") if solution[key])
    feasible = [sum(1 for t in of[s] if t[2] == "ok") for s in made_up_run.STUDIES]
    steps = []
    for s in solution["searches"]:
        best = s["best_so_far"]
        steps.append(len(best) + (best[-1][0] < int(of[s["study"]][-1][1]) and 1))
    stages = len(last["layers"])
    tensors = [len(m) for m in (solution["magnitudes"],)][0]
    boards = solution["boards"]
    expected = {
        "chart-speed": [designs], "chart-pareto": [len(of[s]) for s in made_up_run.STUDIES] + [designs],
        "chart-history": feasible + steps, "chart-importance": [min(15, len(solution["searches"][1]["importance"]["shares"]))],
        "chart-parallel": [len(of["hardware-aware"])], "chart-pipeline": [stages], "chart-cycles": [stages],
        "chart-resources": [n for n in [sum(1 for r in made_up_run.RESOURCES for l in last["layers"] if l[r] > 0 and l["kind"] == kind)
                                        for kind in ("convolution", "add", "relu")] if n > 0] + [6],
        "chart-prices": [6, 6], "chart-boards": [len(boards), sum(1 for x in boards if x["images_per_s"] is not None)],
        "chart-sparsity": [with_weights] * 6, "chart-magnitudes-weights": [tensors, sum(1 for l in last["layers"] if l["tau_w"] > 0)],
        "chart-magnitudes-activations": [tensors, sum(1 for l in last["layers"] if l["tau_a"] > 0)], "chart-distribution": [21, 21], "chart-errors": [4]}
    check(set(drawn) == set(expected), f"charts: {sorted(set(drawn) ^ set(expected))} are there or missing")
    for chart, marks in expected.items():
        check(drawn.get(chart) == marks, f"{chart}: {drawn.get(chart)} marks drawn, the files have {marks}")
        check(paths.get(chart, 0) > sum(m > 0 for m in marks), f"{chart}: its SVG is empty")


def check_numbers(b, folder, solution):
    shown = b.run("JSON.parse(JSON.stringify(hass_report.data.runs[0].solution))")
    check(shown == solution, "the page's solution is not that of the file")
    trials = trials_of(folder)
    rows = b.run("hass_report.data.runs[0].trials.rows")
    check(rows == [[r[0], int(r[1]), *r[2:]] for r, _ in trials], "the page's trials are not those of the file")
    thresholds = b.run("hass_report.data.runs[0].log.list.map((t) => t.thresholds())")
    check(thresholds == [[float32(x) for x in t] for _, t in trials], "the page's thresholds are not those of the file")


def check_pin(b, folder):
    """Hovers over the trial that stands most apart, clicks it, and reads what is pinned."""
    trials = trials_of(folder)
    speed, top1 = [t[0][8] for t in trials], [t[0][3] for t in trials]
    wide, high = max(speed) - min(speed), max(top1) - min(top1)
    def apart(i):
        return min((speed[i] - speed[k]) ** 2 / wide ** 2 + (top1[i] - top1[k]) ** 2 / high ** 2 for k in range(len(trials)) if k != i)
    i = max(range(len(trials)), key=apart)
    row, thresholds = trials[i]
    title = f"{row[0]}, trial {row[1]}"
    b.run("document.getElementById('chart-pareto').scrollIntoView({block: 'center', behavior: 'instant'})")
    x, y = b.run(f"""(() => {{ const {{chart, place}} = hass_report.charts.get('chart-pareto'), box = place.getBoundingClientRect();
        const [x, y] = chart.convertToPixel({{xAxisIndex: 0, yAxisIndex: 0}}, [{row[8]!r}, {row[3]!r}]); return [box.left + x, box.top + y]; }})()""")
    b.mouse("mouseMoved", x - 40, y - 3), b.mouse("mouseMoved", x, y)
    b.wait_for("[...document.querySelectorAll('#chart-pareto .tip')].some((t) => t.textContent.includes(%s))" % json.dumps(title))
    b.mouse("mousePressed", x, y), b.mouse("mouseReleased", x, y)
    b.wait_for("document.querySelector('#pinned h3')?.textContent === %s" % json.dumps("Thresholds of " + title))
    b.wait_for("hass_report.charts.has('chart-thresholds')")
    shown = b.run("hass_report.charts.get('chart-thresholds').chart.getOption().series.map((s) => s.data)")
    check(sorted(shown[0] + shown[1]) == sorted(float32(t) for t in thresholds), "pinned thresholds are not those of the trial")
    check(b.run("document.getElementById('pinned-choice').selectedOptions[0].text") == title, "the list does not say what is pinned")
    check(b.run("document.getElementById('said').textContent") == "Pinned: " + title, "a screen reader is not told")
    # the same by keyboard: the list pins, the button unpins
    b.run("(() => { const s = document.getElementById('pinned-choice'); s.value = '0'; s.dispatchEvent(new Event('change')); })()")
    first = f"{trials[0][0][0]}, trial {trials[0][0][1]}"
    b.wait_for("document.querySelector('#pinned h3')?.textContent === %s" % json.dumps("Thresholds of " + first))
    b.run("[...document.querySelectorAll('button')].find((x) => x.textContent === 'Unpin').click()")
    b.wait_for("document.querySelector('#pinned h3') === null")


def check_text(b):
    check(b.run("window.broken") is None, "a name was run as a script")
    check(b.run("document.querySelectorAll('main script, header script').length") == 0, "a name became markup")
    b.run("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    b.wait_for("[...document.querySelectorAll('details')].every((d) => d.querySelectorAll('tbody tr').length > 0)")
    check(b.run("document.body.innerText.includes('<script>')"), "a name is not shown as it is")
    check(b.run("[...document.querySelectorAll('.chart')].every((c) => c.getAttribute('role') === 'img' && c.getAttribute('aria-label'))"),
          "a chart has no text for a screen reader")
    check(b.run("[...document.querySelectorAll('main td, main th')].every((c) => !/undefined|NaN|Infinity|\\[object/.test(c.textContent))"), "a table has no value where it should")


def no_complaints(b, where):
    said = b.complaints()
    check(not said, f"{where}: the console says {said[:3]}")


def whole_page(b, report, scratch, shots):
    large, small = scratch / "large", scratch / "small"
    for folder, size in ((large, (100, 500)), (small, (24, 40))):
        folder.mkdir()
        made_up_run.write(folder, *size)
        report([folder / "solution.json", folder / "trials.csv"], folder / "report.html")
    bytes_ = (large / "report.html").stat().st_size
    check(bytes_ <= 2_500_000, f"500 trials of 100 layers make {bytes_} bytes")
    b.screen(1200, 900)
    b.call("Performance.enable", timeDomain="threadTicks")
    b.open(large / "report.html")
    no_complaints(b, "large page")
    spent = {m["name"]: m["value"] for m in b.call("Performance.getMetrics")["metrics"]}
    seconds = sum(spent[k] for k in ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration"))
    print(f"500 trials of 100 layers: {bytes_} bytes, {seconds:.2f} s of work to open", flush=True)
    check(seconds < 2.0, f"the large page takes {seconds:.2f} s to open")
    solution = json.loads((large / "solution.json").read_text())
    check_marks(b, large, solution), check_numbers(b, large, solution)
    b.open(small / "report.html")
    check_marks(b, small, json.loads((small / "solution.json").read_text()))
    b.screenshot(shots / "report-light.png")
    check_pin(b, small), check_text(b)
    no_complaints(b, "small page")
    ground = "getComputedStyle(document.body).backgroundColor"
    ink = "hass_report.charts.get('chart-cycles').chart.getOption().textStyle.color"
    light = (b.run(ground), b.run(ink))
    b.screen(1200, 900, "dark")
    b.open(small / "report.html")
    dark = (b.run(ground), b.run(ink))
    check(light[0] != dark[0] and light[1] != dark[1], f"dark is as light: {light}, {dark}")
    b.screenshot(shots / "report-dark.png")
    b.screen(1200, 900, "dark", "print")
    b.wait_for("document.documentElement.dataset.theme === 'light'")
    check((b.run(ground), b.run(ink)) == light, "paper is not as the light page")
    check(b.run("getComputedStyle(document.querySelector('nav')).display") == "none", "the list of sections is printed")
    b.print_to(shots / "report.pdf")
    check((shots / "report.pdf").stat().st_size > 20000, "the printed page is empty")
    b.screen(1200, 900, "dark")
    b.wait_for("document.documentElement.dataset.theme === 'dark'")
    b.screen(400, 800)
    b.open(small / "report.html")
    b.screenshot(shots / "report-phone.png")
    check(b.run("document.documentElement.scrollWidth") <= 400, "a phone has to scroll sideways")
    check_text(b)
    check(b.run("document.documentElement.scrollWidth") <= 400, "a phone has to scroll sideways once tables are open")
    no_complaints(b, "phone")


def odd_runs(b, report, scratch, shots):
    """Runs that are not whole: a sensible page, and one that says so."""
    def page(name, inputs, *words):
        report(inputs, scratch / (name + ".html"))
        b.open(scratch / (name + ".html"))
        no_complaints(b, name)
        text = b.run("document.body.innerText")
        for word in words:
            check(word in text, f"{name}: does not say '{word}'")
        check(not any(bad in text for bad in ("undefined", "NaN", "Infinity", "[object")), f"{name}: a number is none")
        check(b.run("[...hass_report.charts.values()].every(({place}) => place.querySelector('svg path'))"), f"{name}: a chart is empty")
    b.screen(1200, 900)
    def made(name, **how):
        folder = scratch / name
        folder.mkdir()
        return folder, made_up_run.write(folder, **how)
    folder, s = made("interrupted", layers=12, trials=20)
    s.update(interrupted=True, software_only=None, hardware_aware=None, prices=None, boards=None)
    (folder / "solution.json").write_text(json.dumps(s))
    text = (folder / "trials.csv").read_text()
    (folder / "trials.csv").write_text(text[:-40])
    page("interrupted", [folder], "was interrupted", "is not complete; it is left out", "the run was interrupted")
    folder, s = made("infeasible", layers=12, trials=20, feasible=False)
    page("infeasible", [folder], "The hardware-aware search found no design")
    folder, s = made("one", layers=4, trials=1)
    page("one", [folder], "Too few trials")
    page("trials", [folder / "trials.csv"], "There is no solution.json")
    page("solution", [folder / "solution.json"], "No trial was finished")
    other, _ = made("other <b>run", layers=12, trials=30, seed=2)
    page("two", [folder, other], "How do the runs differ?", "other <b>run: hardware-aware", "seed")
    b.run("(() => { const s = document.getElementById('run-choice'); s.value = '1'; s.dispatchEvent(new Event('change')); })()")
    b.wait_for("hass_report.ready")
    no_complaints(b, "the second run in full")
    check(b.run("document.querySelectorAll('main b').length") == 0, "a name of a file became markup")
    b.screenshot(shots / "report-two.png")


def main():
    path = browser.find()
    if not path:
        print("skipped: no Chromium here")
        return 0
    shots = pathlib.Path(sys.argv[2])
    shots.mkdir(parents=True, exist_ok=True)
    def report(inputs, out):
        subprocess.run([sys.argv[1], *map(str, inputs), "-o", str(out)], check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as scratch, browser.Browser(path) as b:
        whole_page(b, report, pathlib.Path(scratch), shots)
        odd_runs(b, report, pathlib.Path(scratch), shots)
    print(f"screenshots: {shots}")
    return 1 if failures else 0


sys.exit(main())
