// What the four designs are, where their cycles and resources go, and what more would buy.

// --- what did I get?

/// One sentence: what the last design is beside the dense one, and when dense is better.
function verdict_of(run) {
    const s = run.solution, best = run.chosen, dense = run.dense;
    if (!dense || best === dense) return null;
    const speed = best.throughput_images_per_s / dense.throughput_images_per_s;
    const parts = [`On ${s.device}, the ${best.title} design gives ${times(speed)} the images/s of dense ` +
        `at ${signed((score_unit === "" ? 100 : 1) * (best.top1 - dense.top1), 2, " " + (score_unit || "points"))} of ${score_title}` +
        (s.accuracy === "predicted" ? " (predicted)" : "") + "; " +
        (best.binding ? `${best.binding} binds` : "no resource binds: its slowest stage cannot be split further") + "."];
    const known = (s.boards || []).filter((b) => b.gain !== null);
    const worse = known.filter((b) => b.dense_is_better).map((b) => b.device);
    if (best.against_dense.dense_is_better) parts.push(` Here ${best.against_dense.verdict}.`);
    if (worse.length > 0) parts.push(` Dense is the better choice on ${worse.join(", ")}.`);
    else if (known.length > 0 && !best.against_dense.dense_is_better)
        parts.push(` Dense is the better choice on none of ${known.length} boards at these thresholds.`);
    return element("p", { class: "verdict" }, parts.join(""));
}

// Four digits say enough of a small number, and no part of a large one is left out.
const large_or_small = (x) => (x >= 1000 ? number(Math.round(x), 12) : number(x, 4));

// Measures of a design: name, value, how it is said, and whether more is better (0: neither).
const measures = [
    [score_title, (d) => d.top1, (x) => score_text(x, 2), 1, score_unit || "points"],
    ["images/s", (d) => d.throughput_images_per_s, large_or_small, 1],
    ["interval, cycles", (d) => d.interval_cycles, large_or_small, -1],
    ["latency of one image, ms", (d) => d.single_image_cycles / (1e3 * d.mhz), (x) => number(x, 3), -1],
    ["latency behind others, ms", (d) => d.latency_cycles / (1e3 * d.mhz), (x) => number(x, 3), -1],
    ["images/cycle/DSP", (d) => d.efficiency_images_per_cycle_per_dsp, (x) => number(x, 4), 1],
    ["weight sparsity", (d) => d.weight_sparsity, percent, 0, "points"],
    ["activation sparsity", (d) => d.activation_sparsity, percent, 0, "points"],
    ["pair sparsity", (d) => d.pair_sparsity, percent, 0, "points"],
];

/// How a value differs from that of the dense design.
function delta(value, base, better, unit) {
    if (unit === "points") {
        const points = 100 * (value - base);
        const kind = better * points > 0.005 ? "good" : better * points < -0.005 ? "bad" : "";
        return element("span", { class: "delta " + kind }, signed(points, 2, " points"));
    }
    if (!(base > 0)) return null;
    const ratio = value / base;
    const kind = better * (ratio - 1) > 1e-9 ? "good" : better * (ratio - 1) < -1e-9 ? "bad" : "";
    return element("span", { class: "delta " + kind }, times(ratio));
}

/// Designs side by side: of each its titles, and the budget of its board.
function designs_table(caption, designs, base) {
    const rows = [["", ...designs.map((d) => d.title)]];
    for (const [name, value, text, better, unit] of measures)
        rows.push([name, ...designs.map((d) => element("span", null, text(value(d)),
            d === base ? null : delta(value(d), value(base), better, unit)))]);
    for (const [key, name] of resource_keys) {
        if (designs.every((d) => !(d.budget[key] > 0))) continue;
        rows.push([name, ...designs.map((d) => element("span", null, key === "bandwidth_gbps" ? number(d[key], 3) : large_or_small(d[key]),
            element("span", { class: "delta" }, d.budget[key] > 0 ? percent(d[key] / d.budget[key], 0) + " of the board" : "none there")))]);
    }
    rows.push(["slowest", ...designs.map((d) => d.bottleneck)]);
    return table_of(caption, rows);
}

function speed_chart(run) {
    const designs = run.designs;
    return figure("chart-speed", `Images/s of the designs, and ${score_title} beside them`, 50 + 44 * designs.length, (width) => ({
        grid: { left: 20, right: 120, top: 8, bottom: 44, containLabel: true },
        tooltip: { formatter: (p) => tip(designs[p.dataIndex].title, number(designs[p.dataIndex].throughput_images_per_s, 5) + " images/s",
            score_title + " " + score_text(designs[p.dataIndex].top1, 2)) },
        xAxis: { type: "value", name: "images/s", axisLabel: { formatter: (v) => number(v) }, splitNumber: width < 500 ? 3 : 6 },
        yAxis: { type: "category", inverse: true, data: designs.map((d) => d.title) },
        series: [{ type: "bar", barMaxWidth: 24, data: designs.map((d) => d.throughput_images_per_s),
            itemStyle: { color: (p) => (designs[p.dataIndex] === run.chosen ? colours().blue : colours().grey) },
            label: { show: true, position: "right", color: colours().ink,
                formatter: (p) => `${number(p.value, 4)}  (${score_text(designs[p.dataIndex].top1, 1)})` } }],
    }), null);
}

// --- where does it go?

const utilisation = (d, l) => l.interval_cycles / d.interval_cycles;
const products = (l) => Object.values(l.parallelism).reduce((p, x) => p * x, 1);

/// The last words of a stage's path; what it computes goes without saying where there are others.
function stage_label(name) {
    const words = name.split("/").filter((word) => word !== "");
    const telling = words.filter((word) => word !== "Conv" && word !== "Relu");
    return short_name((telling.length > 0 ? telling : words).slice(-2).join("/"), 15);
}

/// Stages that feed a stage; the image is none.
const fed_by = (l) => (l.inputs || []).filter((k) => k >= 0);

/// Stages in order, several lines of them, every other line from right to left: x, y of each.
function layout(layers, per_line) {
    const depth = [];
    layers.forEach((l, i) => { depth[i] = Math.max(-1, ...fed_by(l).map((k) => depth[k])) + 1; });
    const lanes = new Map();
    return layers.map((l, i) => {
        const lane = lanes.get(depth[i]) || 0;
        lanes.set(depth[i], lane + 1);
        const line = Math.floor(depth[i] / per_line), place = depth[i] % per_line;
        return { x: line % 2 === 0 ? place : per_line - 1 - place, line, lane };
    });
}

function pipeline_chart(design) {
    const layers = design.layers;
    if (!layers.every((l) => l.inputs)) return missing("The file does not say which stage feeds which: an older version wrote it.");
    const plan = (width) => {
        const places = layout(layers, Math.max(3, Math.floor(width / 92)));
        const deepest = [];
        for (const p of places) deepest[p.line] = Math.max(deepest[p.line] || 0, p.lane + 1);
        const top = [];
        let y = 0;
        deepest.forEach((lanes, line) => { top[line] = y; y += lanes * 62 + 16; });
        return { places, top, height: y };
    };
    return figure("chart-pipeline",
        "The pipeline: stages in order, lines are what they pass on; width of a stage: its parallelism; colour: its share of the interval",
        (width) => plan(width).height + 126, (width) => {
            const c = colours();
            const { places, top } = plan(width);
            const step = width / Math.max(3, Math.floor(width / 92));
            const nodes = layers.map((l, i) => {
                const bottleneck = l.name === design.bottleneck;
                const size = 18 + 9 * Math.min(6, Math.log2(1 + products(l)));
                return { id: String(i), name: l.name, value: utilisation(design, l), symbol: "rect", symbolSize: [size, 24],
                    x: (places[i].x + 0.5) * step, y: top[places[i].line] + places[i].lane * 62,
                    itemStyle: { borderColor: bottleneck ? c.bad : c.quiet, borderWidth: bottleneck ? 4 : 1 },
                    label: { show: true, position: "bottom", distance: 3, fontSize: 9, lineHeight: 11, color: bottleneck ? c.bad : c.ink,
                        width: step - 6, overflow: "truncate",
                        formatter: () => stage_label(l.name) + (bottleneck ? "\nslowest" : "") } };
            });
            // Lines that pass stages by bend around them, by half of `bend` at most: there is room for so much.
            const bend = 88;
            const around = (k, i) => Math.min(0.25, bend / (step * Math.max(1, Math.abs(places[k].x - places[i].x))));
            const links = layers.flatMap((l, i) => fed_by(l).map((k) => ({ source: String(k), target: String(i),
                lineStyle: { curveness: places[k].lane === places[i].lane && Math.abs(i - k) > 1 ? around(k, i) : 0 } })));
            return {
                visualMap: { type: "continuous", min: 0, max: 1, dimension: 0, calculable: false, orient: "horizontal", left: 0, bottom: 0,
                    inRange: { color: sequence }, text: ["100 % of the interval", "0 %"], textStyle: { color: c.ink }, itemWidth: 12, itemHeight: 120, hoverLink: false },
                tooltip: { formatter: (p) => {
                    if (p.dataType === "edge") return tip(`${layers[p.data.source].name} → ${layers[p.data.target].name}`);
                    const l = layers[p.dataIndex];
                    return tip(l.name, l.kind + (l.engine ? ", engine " + l.engine : ""), `${number(l.interval_cycles, 6)} cycles, ${percent(utilisation(design, l))} of the interval`,
                        "parallelism " + Object.entries(l.parallelism).filter(([, x]) => x > 1).map(([k, x]) => `${k} ${x}`).join(", "));
                } },
                series: [{ type: "graph", layout: "none", data: nodes, links, roam: false, edgeSymbol: ["none", "arrow"], edgeSymbolSize: 6,
                    left: 50, right: 50, top: 64, bottom: 76, preserveAspect: false,
                    lineStyle: { color: c.quiet, width: 1.2, opacity: 0.8 } }],
            };
        },
        () => [["stage", "kind", "engine", "fed by", "parallelism", "cycles", "of the interval"],
            ...layers.map((l) => [l.name, l.kind, l.engine || "–", (l.inputs || []).map((k) => (k < 0 ? "the image" : layers[k].name)).join(", "),
                Object.entries(l.parallelism).map(([k, x]) => `${k} ${x}`).join(", "), number(l.interval_cycles, 7), percent(utilisation(design, l))])]);
}

function cycles_chart(design) {
    const layers = design.layers;
    return figure("chart-cycles", "Cycles of every stage for one image, against the interval", 340, (width) => ({
        grid: stage_grid,
        tooltip: { formatter: (p) => p.componentType === "markLine" ? tip("interval", number(design.interval_cycles, 7) + " cycles")
            : tip(layers[p.dataIndex].name, number(layers[p.dataIndex].interval_cycles, 7) + " cycles", percent(utilisation(design, layers[p.dataIndex])) + " of the interval") },
        xAxis: stage_axis(layers.map((l) => l.name), width - 72),
        yAxis: { type: "value", name: "cycles", nameLocation: "end", nameGap: 12, axisLabel: { formatter: (v) => (v >= 1000 ? number(v / 1000) + "k" : v) } },
        series: [{ type: "bar", barMaxWidth: 26, data: layers.map((l) => ({ value: l.interval_cycles,
            itemStyle: { color: l.name === design.bottleneck ? colours().bad : colours().blue } })),
        markLine: { symbol: "none", data: [{ yAxis: design.interval_cycles }], lineStyle: { color: colours().bad, type: "dashed" },
            label: { position: "insideEndTop", color: colours().ink, formatter: "interval " + number(design.interval_cycles, 6) } } }],
    }), () => [["stage", "cycles", "of the interval", "fill, cycles"], ...layers.map((l) => [l.name, number(l.interval_cycles, 7), percent(utilisation(design, l)), number(l.fill_cycles, 5)])]);
}

/// Kinds of stages, and the colour of each.
function kinds_of_stages() {
    const c = colours();
    return [["convolutions", c.blue], ["linear layers", c.orange], ["joins", c.pink], ["other stages", c.green], ["between stages", c.grey]];
}
const kind_of = (kind) => ({ convolution: "convolutions", linear: "linear layers", add: "joins", concat: "joins",
                             "between stages": "between stages" }[kind] || "other stages");

function resources_chart(design, budget) {
    const kept = resource_keys.filter(([key]) => budget[key] > 0);
    const pieces = [];  // resource, from, to, stage
    kept.forEach(([key], r) => {
        let sum = 0;
        const add = (name, kind, amount) => {
            if (!(amount > 0)) return;
            pieces.push({ r, from: sum / budget[key], to: (sum + amount) / budget[key], name, kind, amount, key });
            sum += amount;
        };
        design.layers.forEach((l) => add(l.name, l.kind, l[key]));
        add("between stages", "between stages", key === "bandwidth_gbps" ? design.images_gbps : design.between[key]);
    });
    const of = (kind) => pieces.filter((q) => kind_of(q.kind) === kind);
    const shown = () => kinds_of_stages().filter(([kind]) => of(kind).length > 0);
    return figure("chart-resources", "Resources of every stage, stacked, as shares of the board", 100 + 46 * kept.length, (width) => ({
        grid: { left: 20, right: 24, top: width < 500 ? 60 : 34, bottom: 44, containLabel: true }, legend: { selectedMode: false },
        tooltip: { formatter: (p) => { const q = of(p.seriesName)[p.dataIndex];
            return tip(q.name, `${number(q.amount, 6)} ${resource_title(q.key)}, ${percent(q.to - q.from)} of the board`); } },
        xAxis: { type: "value", name: "of the board", min: 0, max: (v) => Math.max(1, v.max), axisLabel: { formatter: (v) => percent(v, 0) }, splitNumber: width < 500 ? 2 : 5 },
        yAxis: { type: "category", inverse: true, data: kept.map(([, name]) => name.replace(", Gbit/s", "")) },
        series: shown().map(([kind, color], k) => ({ type: "custom", name: kind, itemStyle: { color }, encode: { x: [1, 2], y: 0 },
            data: of(kind).map((q) => [q.r, q.from, q.to]),
            renderItem: (_, api) => {
                const from = api.coord([api.value(1), api.value(0)]), to = api.coord([api.value(2), api.value(0)]);
                return { type: "rect", shape: { x: from[0], y: from[1] - 13, width: Math.max(0.5, to[0] - from[0]), height: 26 },
                    style: { fill: color, stroke: colours().ground, lineWidth: to[0] - from[0] > 3 ? 1 : 0 } };
            },
            markLine: k > 0 ? undefined : { symbol: "none", silent: true, data: [{ xAxis: 1 }], label: { show: false }, lineStyle: { color: colours().bad, type: "dashed" } } })),
    }), () => [["stage", ...kept.map(([, name]) => name)],
        ...design.layers.map((l) => [l.name, ...kept.map(([key]) => number(l[key], 6))]),
        ["between stages", ...kept.map(([key]) => number(key === "bandwidth_gbps" ? design.images_gbps : design.between[key], 6))],
        ["total", ...kept.map(([key]) => number(design[key], 7))], ["board", ...kept.map(([key]) => number(budget[key], 7))]]);
}

// --- what would help?

function prices_chart(prices) {
    const names = [...new Set(prices.map((p) => p.resource))];
    const amounts = [...new Set(prices.map((p) => p.more))];
    const at = (name, more) => prices.find((p) => p.resource === name && p.more === more);
    return figure("chart-prices", "What more of one resource buys, the best design being found again: gain in images/s", 70 + 46 * names.length, () => ({
        grid: { left: 20, right: 70, top: 34, bottom: 44, containLabel: true }, legend: {},
        tooltip: { formatter: (p) => { const q = at(names[p.dataIndex], amounts[p.seriesIndex]);
            return tip(`+${percent(q.more, 0)} ${resource_title(q.resource)}`, `${number(q.images_per_s, 6)} images/s, ${signed(100 * q.gain, 2, " %")}`,
                `no design gains more than ${number(100 * q.gain_at_most, 3)} %`, q.binding ? `then ${q.binding} binds` : "then no resource binds"); } },
        xAxis: { type: "value", name: "gain in images/s", axisLabel: { formatter: (v) => number(100 * v, 3) + " %" }, max: (v) => (v.max < 0.001 ? 0.001 : null), splitNumber: 4 },
        yAxis: { type: "category", inverse: true, data: names.map((n) => resource_title(n).replace(", Gbit/s", "")) },
        series: amounts.map((more, k) => ({ type: "bar", name: `+${percent(more, 0)} of it`, barMaxWidth: 14,
            itemStyle: { color: k === 0 ? colours().blue : colours().orange }, data: names.map((n) => at(n, more).gain),
            label: { show: true, position: "right", color: colours().ink, fontSize: 10, formatter: (p) => signed(100 * p.value, 2, " %") } })),
    }), () => [["resource", "more", "images/s", "gain", "proved: at most", "binds then"],
        ...prices.map((p) => [resource_title(p.resource), "+" + percent(p.more, 0), number(p.images_per_s, 6), signed(100 * p.gain, 3, " %"), number(100 * p.gain_at_most, 4) + " %", p.binding || "none"])]);
}

/// "+1 % LUT buys +0.4 % images/s", for what buys most.
function prices_sentence(run) {
    const design = run.chosen, prices = run.solution.prices;
    const said = design.binding ? [`${design.binding} binds the ${design.title} design. `] : [];
    for (const more of [...new Set(prices.map((p) => p.more))].sort((a, b) => a - b)) {
        const best = prices.filter((p) => p.more === more).sort((a, b) => b.gain - a.gain)[0];
        said.push(!(best.gain > 1e-9) ? `+${percent(more, 0)} of any single resource buys nothing: the next faster design needs more than that. `
            : `+${percent(more, 0)} ${resource_title(best.resource)} buys ${signed(100 * best.gain, 2, " %")} images/s, and then ${best.binding ? best.binding + " binds" : "no resource binds"}. `);
    }
    return element("p", null, said.join(""));
}

function boards_chart(run) {
    const boards = run.solution.boards;
    return figure("chart-boards", "The same thresholds on every board of the catalogue (logarithmic)", 90 + 34 * boards.length, (width) => ({
        grid: { left: 20, right: 30, top: 34, bottom: 44, containLabel: true }, legend: {},
        tooltip: { formatter: (p) => { const b = boards[p.dataIndex];
            return tip(b.device, `${p.seriesName}: ${number(p.value, 6)} images/s`, b.gain === null ? null : `${times(b.gain)} the images/s of dense`, b.limit); } },
        xAxis: { type: "log", name: "images/s", axisLabel: { formatter: (v) => number(v) }, splitNumber: width < 500 ? 3 : 6 },
        yAxis: { type: "category", inverse: true, axisLabel: { interval: 0 },
                 data: boards.map((b) => b.device + (b.images_per_s === null && b.dense_images_per_s === null ? ": too small" : "")) },
        series: [["dense", "dense_images_per_s", colours().grey], [run.chosen.title, "images_per_s", colours().blue]].map(([name, key, color]) => ({
            type: "bar", name, barMaxWidth: 11, itemStyle: { color }, data: boards.map((b) => (b[key] === null ? "-" : b[key])) })),
    }), () => [["board", "dense, images/s", run.chosen.title + ", images/s", "gain", "binds", "why not faster"],
        ...boards.map((b) => [b.device, number(b.dense_images_per_s, 6), number(b.images_per_s, 6), b.gain === null ? "–" : times(b.gain), b.binding || "none", b.limit])], [5]);
}
