// What the data look like, and how sure the numbers are.

const with_weights = (design) => design.layers.filter((l) => l.engine);

/// Sparsities of every layer: natural (nothing clipped) and at the design's thresholds.
function sparsity_chart(run, design) {
    const natural = run.designs.find((d) => d.key === "activation_only");
    const layers = with_weights(design), before = natural ? with_weights(natural) : null;
    const kinds = [["weights", "weight_sparsity"], ["activations", "activation_sparsity"], ["pairs, padding as zeros", "pair_sparsity"]];
    return figure("chart-sparsity", `Shares of zeros, layer by layer: bars as clipped by the ${design.title} design, diamonds natural`, 650, (width) => {
        const c = colours();
        const one = (480 - 40) / 3;
        return {
            grid: kinds.map((_, k) => ({ left: 58, right: 14, top: 60 + k * (one + 26), height: one - 26 })),
            legend: { data: ["clipped", ...(before ? ["natural"] : [])] },
            tooltip: { formatter: (p) => { const k = Math.floor(p.seriesIndex / (before ? 2 : 1)), key = kinds[k][1];
                return tip(layers[p.dataIndex].name, `${kinds[k][0]}: ${percent(layers[p.dataIndex][key])} zeros`, before ? `natural ${percent(before[p.dataIndex][key])}` : null); } },
            xAxis: kinds.map((_, k) => ({ gridIndex: k, ...stage_axis(layers.map((l) => l.name), width - 72), ...(k < 2 ? { axisLabel: { show: false } } : {}) })),
            yAxis: kinds.map(([name], k) => ({ gridIndex: k, type: "value", min: 0, max: 1, interval: 0.5, name, nameLocation: "end", nameGap: 12, nameTextStyle: { align: "left", color: c.ink, padding: [0, 0, 0, -40] }, axisLabel: { formatter: (v) => percent(v, 0) } })),
            series: kinds.flatMap(([, key], k) => [
                { type: "bar", name: "clipped", xAxisIndex: k, yAxisIndex: k, barMaxWidth: 18, itemStyle: { color: [c.blue, c.orange, c.green][k] }, data: layers.map((l) => l[key]) },
                ...(before ? [{ type: "scatter", name: "natural", xAxisIndex: k, yAxisIndex: k, symbol: "diamond", symbolSize: 8, itemStyle: { color: c.ground, borderColor: c.ink, borderWidth: 1.5 }, data: before.map((l) => l[key]) }] : []),
            ]),
        };
    }, () => [["layer", ...kinds.flatMap(([name]) => (before ? [name + ", natural", name + ", clipped"] : [name]))],
        ...layers.map((l, i) => [l.name, ...kinds.flatMap(([, key]) => (before ? [percent(before[i][key]), percent(l[key])] : [percent(l[key])]))])]);
}

/// Magnitude below which a share of the values that are not zero lies: quantiles stand evenly.
const quantile = (tensor, share) => tensor.quantiles[Math.round(share * (tensor.quantiles.length - 1))];

/// Boxes of |x| of every layer, and the thresholds in them, as hls4ml's profiles have them.
function magnitudes_chart(run, design, kind, tau, title) {
    const list = run.solution.magnitudes.filter((m) => m[kind].quantiles.length > 0);
    const layer = (m) => design.layers.find((l) => l.name === m.name) || {};
    const shares = [0.05, 0.25, 0.5, 0.75, 0.95];
    const names = list.map((m) => m.name);
    return figure("chart-magnitudes-" + kind, `Magnitudes of ${title} that are not zero, layer by layer (logarithmic): boxes from 25 to 75 %, whiskers from 5 to 95 %; diamonds: thresholds of the ${design.title} design`, 360, (width) => ({
        grid: { ...stage_grid, left: 66 },
        tooltip: { formatter: (p) => { const m = list[p.dataIndex];
            return tip(m.name, `zeros ${percent(m[kind].zeros)}`, ...shares.map((q) => `${percent(q, 0)} below ${number(quantile(m[kind], q), 4)}`), `threshold ${number(layer(m)[tau], 4)}`); } },
        xAxis: stage_axis(names, width - 80),
        yAxis: { type: "log", name: "|x|", nameLocation: "end", nameGap: 12, axisLabel: { formatter: (v) => number(v, 1) } },
        series: [{ type: "boxplot", boxWidth: [3, 16], itemStyle: { color: colours().raised, borderColor: kind === "weights" ? colours().blue : colours().orange, borderWidth: 1.5 },
            data: list.map((m) => shares.map((q) => Math.max(quantile(m[kind], q), 1e-12))) },
        { type: "scatter", symbol: "diamond", symbolSize: 9, itemStyle: { color: colours().bad, borderColor: colours().ground, borderWidth: 1 }, data: list.map((m) => (layer(m)[tau] > 0 ? layer(m)[tau] : "-")) }],
    }), () => [["layer", "zeros", ...shares.map((q) => percent(q, 0) + " below"), "threshold"],
        ...list.map((m) => [m.name, percent(m[kind].zeros), ...shares.map((q) => number(quantile(m[kind], q), 4)), number(layer(m)[tau], 4)])]);
}

/// One layer: which share of its values a threshold of that magnitude leaves as zero.
function distribution(run, design) {
    const list = run.solution.magnitudes;
    const place = element("div");
    const show = (at) => {
        const m = list[at], l = design.layers.find((x) => x.name === m.name) || {};
        const tensors = [["weights", "tau_w", colours().blue], ["activations", "tau_a", colours().orange]].filter(([kind]) => m[kind].quantiles.length > 0);
        const points = (t) => t.quantiles.map((x, i) => [Math.max(x, 1e-12), t.zeros + (1 - t.zeros) * i / (t.quantiles.length - 1)]);
        place.replaceChildren(figure("chart-distribution", `${m.name}: share of zeros that a threshold leaves; dashed: those of the ${design.title} design`, 320, () => ({
            grid: { left: 60, right: 18, top: 34, bottom: 50 }, legend: {},
            tooltip: { trigger: "axis", axisPointer: { type: "line" }, formatter: (ps) => tip(`|x| ${number(ps[0].value[0], 4)}`, ...ps.map((p) => `${p.seriesName}: ${percent(p.value[1])} below`)) },
            xAxis: { type: "log", name: "threshold on |x|", axisLabel: { formatter: (v) => number(v, 1) } },
            yAxis: { type: "value", min: 0, max: 1, name: "share of zeros", nameGap: 44, axisLabel: { formatter: (v) => percent(v, 0) } },
            series: tensors.map(([kind, tau, color]) => ({ type: "line", name: kind, symbolSize: 4, itemStyle: { color: color }, data: points(m[kind]),
                markLine: l[tau] > 0 ? { symbol: "none", silent: true, data: [{ xAxis: l[tau] }], lineStyle: { color, type: "dashed" }, label: { color: colours().ink, formatter: number(l[tau], 3), position: "insideEndBottom" } } : undefined })),
        }), () => [["share of values that are not zero", ...tensors.map(([kind]) => `|x| of ${kind}`)],
            ...m[tensors[0][0]].quantiles.map((_, i) => [percent(i / (m[tensors[0][0]].quantiles.length - 1), 0), ...tensors.map(([kind]) => number(m[kind].quantiles[i], 5))])]));
    };
    show(0);
    return element("div", null, element("label", null, "Layer:",
        element("select", { id: "distribution-choice", onchange: (e) => { show(Number(e.target.value)); draw_waiting(); } },
            list.map((m, i) => element("option", { value: String(i) }, m.name)))), place);
}

// --- how sure is it?

function errors_chart(error) {
    const kinds = [["DSP", "dsp"], ["LUT", "lut"], ["FF", "ff"], ["BRAM18", "bram18"]];
    return figure("chart-errors", `Resources of model '${error.model}' against ${error.designs} of ${error.against}: from the most underestimated design to the least`, 220, () => ({
        grid: { left: 20, right: 60, top: 8, bottom: 44, containLabel: true },
        tooltip: { formatter: (p) => tip(kinds[p.dataIndex][0], error[kinds[p.dataIndex][1]].map((x) => signed(100 * x, 1, " %")).join(" to ")) },
        xAxis: { type: "value", name: "said / measured − 1", axisLabel: { formatter: (v) => percent(v, 0) } },
        yAxis: { type: "category", inverse: true, data: kinds.map(([name]) => name) },
        series: [{ type: "custom", encode: { x: [1, 2], y: 0 }, data: kinds.map(([, key], r) => [r, ...error[key]]),
            renderItem: (_, api) => {
                const from = api.coord([api.value(1), api.value(0)]), to = api.coord([api.value(2), api.value(0)]);
                return { type: "rect", shape: { x: from[0] - 2, y: from[1] - 8, width: to[0] - from[0] + 4, height: 16 }, style: { fill: colours().blue } };
            },
            markLine: { symbol: "none", silent: true, data: [{ xAxis: 0 }], label: { show: false }, lineStyle: { color: colours().ink } } }],
    }), () => [["resource", "most underestimated", "least underestimated"], ...kinds.map(([name, key]) => [name, ...error[key].map((x) => signed(100 * x, 1, " %"))])]);
}
