// Every trial: what may be traded, whether the searches converged, which thresholds mattered.

let pinned = null;  // the trial whose thresholds are shown: {run, trial}

const trial_lines = (t) => [`${score_title} ${score_text(t.top1, 2)}`, `${number(t.images_per_s, 5)} images/s`,
    `${number(t.dsp, 5)} DSP, ${number(t.lut, 6)} LUT`, `objective ${number(t.objective, 5)}`,
    t.state === "ok" ? null : "infeasible: misses a limit of the search"];

/// Groups of trials that are drawn alike: a search of a run.
function trial_groups(runs) {
    return runs.flatMap((run) => run.studies.map((study) => ({
        run, study, name: runs.length > 1 ? `${run.name}: ${study}` : study,
        trials: run.log.list.filter((t) => t.study === study),
    })));
}

// --- what may I trade?

function pareto_chart(runs) {
    const groups = trial_groups(runs);
    const largest = Math.max(1, ...groups.flatMap((g) => g.trials.map((t) => t.dsp)));
    const front_of = (run) => run.solution ? run.solution.pareto : [];
    const on_front = (g, t) => front_of(g.run).some((p) => p.study === t.study && p.trial === t.trial);
    const size = (t) => 5 + 11 * Math.sqrt(t.dsp / largest);
    const made = figure("chart-pareto",
        `All trials: ${score_title} against images/s; size: DSPs; outlined: no other trial is better in all three; faint: infeasible. Click a trial to pin its thresholds`,
        440, (width) => {
            const c = colours();
            const series = groups.map((g, k) => ({ type: "scatter", name: g.name, symbol: symbols[k % symbols.length],
                itemStyle: { color: study_colours()[k % 6] },
                data: g.trials.map((t) => ({ value: [t.images_per_s, t.top1, t.dsp], symbolSize: size(t),
                    itemStyle: { opacity: t.state === "ok" ? 0.8 : 0.25, borderColor: c.ink, borderWidth: on_front(g, t) ? 1.6 : 0 } })) }));
            const designs = runs.flatMap((run) => run.designs.map((d) => ({ run, d })));
            series.push({ type: "scatter", name: "designs", symbol: "diamond", symbolSize: 15, z: 5,
                itemStyle: { color: c.yellow, borderColor: c.ink, borderWidth: 1 },
                data: designs.map(({ d }) => [d.throughput_images_per_s, d.top1, d.dsp]) });
            if (pinned) series.push({ type: "scatter", name: "pinned", symbol: "circle", symbolSize: 28, z: 6, silent: true,
                itemStyle: { color: "transparent", borderColor: c.bad, borderWidth: 3 }, data: [[pinned.trial.images_per_s, pinned.trial.top1]] });
            return {
                grid: { left: 62, right: 18, top: width < 500 ? 78 : 40, bottom: 50 }, legend: { data: [...groups.map((g) => g.name), "designs"] },
                tooltip: { formatter: (p) => {
                    if (p.seriesIndex < groups.length) { const t = groups[p.seriesIndex].trials[p.dataIndex]; return tip(t.title, ...trial_lines(t)); }
                    const { run, d } = designs[p.dataIndex] || {};
                    return d ? tip((runs.length > 1 ? run.name + ": " : "") + d.title, `${score_title} ${score_text(d.top1, 2)}`, `${number(d.throughput_images_per_s, 5)} images/s`, `${number(d.dsp, 5)} DSP`) : "";
                } },
                xAxis: { type: "value", name: "images/s", scale: true, axisLabel: { formatter: (v) => number(v) }, splitNumber: width < 500 ? 3 : 6 },
                yAxis: { type: "value", name: score_title, nameGap: 46, scale: true, axisLabel: { formatter: (v) => score_text(v, 1) } },
                series,
            };
        },
        () => [["trial", "state", score_title, "images/s", "DSP", "LUT", "objective", "on the front"],
            ...groups.flatMap((g) => g.trials.map((t) => [(runs.length > 1 ? g.run.name + ": " : "") + t.title, t.state, score_text(t.top1, 2), number(t.images_per_s, 6), number(t.dsp, 6), number(t.lut, 6), number(t.objective, 5), on_front(g, t) ? "yes" : ""]))]);
    after_drawing("chart-pareto", (chart) => chart.on("click", (p) => {
        if (p.seriesIndex < groups.length) pin(groups[p.seriesIndex].run, groups[p.seriesIndex].trials[p.dataIndex]);
    }));
    return made;
}

/// The trial that is pinned, its thresholds as chart and table; a list to choose from by keyboard.
function pinned_trial(runs) {
    const all = runs.flatMap((run) => run.log.list.map((trial) => ({ run, trial })));
    const title = ({ run, trial }) => (runs.length > 1 ? run.name + ": " : "") + trial.title;
    const choice = element("select", { id: "pinned-choice", onchange: (e) => {
        const at = all[Number(e.target.value)];
        if (at) pin(at.run, at.trial); else unpin();
    } }, element("option", { value: "-1" }, "none"), all.map((one, i) => element("option", { value: String(i) }, title(one))));
    return element("div", null,
        element("label", null, "Pinned trial:", choice), element("button", { type: "button", onclick: unpin }, "Unpin"),
        element("div", { id: "pinned" }, missing("No trial is pinned.")));
}

function pin(run, trial) {
    pinned = { run, trial };
    const all = shown_runs().flatMap((r) => r.log.list);
    document.getElementById("pinned-choice").value = String(all.indexOf(trial));
    const tensors = run.log.tensors, names = tensors.filter((t) => t.endsWith(".weight")).map((t) => t.slice(0, -7));
    const values = trial.thresholds();
    const of = (name, kind) => values[tensors.indexOf(name + kind)];
    const place = document.getElementById("pinned");
    place.replaceChildren(
        element("h3", null, "Thresholds of " + trial.title), element("p", null, trial_lines(trial).filter((l) => l).join("; ")),
        figure("chart-thresholds", "Magnitudes below which weights and activations are taken as zero, layer by layer", 340, (width) => ({
            grid: stage_grid, legend: {}, tooltip: { formatter: (p) => tip(names[p.dataIndex], `${p.seriesName}: ${number(p.value, 5)}`) },
            xAxis: stage_axis(names, width - 72), yAxis: { type: "value", name: "|x|", nameLocation: "end", nameGap: 12, axisLabel: { formatter: (v) => number(v) } },
            series: [["weights", ".weight", colours().blue], ["activations", ".activation", colours().orange]].map(([name, kind, color]) => ({
                type: "bar", name, barMaxWidth: 12, itemStyle: { color }, data: names.map((n) => of(n, kind)) })),
        }), () => [["layer", "threshold of weights", "threshold of activations"], ...names.map((n) => [n, number(of(n, ".weight"), 6), number(of(n, ".activation"), 6)])]));
    draw_waiting();
    draw(charts.get("chart-pareto"));
    say("Pinned: " + trial.title);
}

function unpin() {
    pinned = null;
    document.getElementById("pinned-choice").value = "-1";
    document.getElementById("pinned").replaceChildren(missing("No trial is pinned."));
    draw_waiting();
    draw(charts.get("chart-pareto"));
}

// --- did the search converge?

/// [trial, best objective of all feasible trials so far], where it changes.
function best_so_far(group) {
    const said = group.run.solution && (group.run.solution.searches || []).find((s) => s.study === group.study);
    if (said) return said.best_so_far;
    const steps = [];
    for (const t of group.trials)
        if (t.state === "ok" && t.objective !== null && (steps.length === 0 || t.objective > steps[steps.length - 1][1])) steps.push([t.trial, t.objective]);
    return steps;
}

function history_chart(runs) {
    const groups = trial_groups(runs);
    const feasible = groups.map((g) => g.trials.filter((t) => t.state === "ok" && t.objective !== null));
    const lines = groups.map((g) => {
        const steps = best_so_far(g);
        const last = g.trials.length > 0 ? g.trials[g.trials.length - 1].trial : 0;
        return steps.length > 0 && steps[steps.length - 1][0] < last ? [...steps, [last, steps[steps.length - 1][1]]] : steps;
    });
    return figure("chart-history", "Objective of every feasible trial (points), and the best so far (lines)", 360, (width) => ({
        grid: { left: 56, right: 18, top: width < 500 ? 62 : 40, bottom: 50 }, legend: { data: groups.map((g) => g.name) },
        tooltip: { formatter: (p) => {
            const k = p.seriesIndex % groups.length;
            return p.seriesIndex < groups.length ? tip(feasible[k][p.dataIndex].title, ...trial_lines(feasible[k][p.dataIndex]))
                : tip(groups[k].name, `best so far ${number(p.value[1], 5)}`, `from trial ${p.value[0]}`);
        } },
        xAxis: { type: "value", name: "trial", minInterval: 1, splitLine: { show: false } },
        yAxis: { type: "value", name: "objective", nameGap: 42, scale: true },
        series: [
            ...groups.map((g, k) => ({ type: "scatter", name: g.name, symbol: symbols[k % 6], symbolSize: 5, itemStyle: { color: study_colours()[k % 6], opacity: 0.55 }, data: feasible[k].map((t) => [t.trial, t.objective]) })),
            ...groups.map((g, k) => ({ type: "line", name: g.name, step: "end", symbol: "none", lineStyle: { width: 2, type: ["solid", "dashed", "dotted"][k % 3] }, itemStyle: { color: study_colours()[k % 6] }, data: lines[k] })),
        ],
    }), () => [["search, from trial", "best objective"], ...groups.flatMap((g) => best_so_far(g).map(([trial, value]) => [`${g.name}, trial ${trial}`, number(value, 6)]))]);
}

const importance_of = (run) => ((run.solution && run.solution.searches) || []).filter((s) => s.importance && s.importance.shares.length > 0);

function importance_chart(search) {
    const shares = search.importance.shares.slice(0, 15);
    const near_the_best = new Map((search.importance.near_the_best || []).map((s) => [s.axis, s.share]));
    const beside = near_the_best.size > 0 ? "; in its table also how far the best tenth of the trials lies apart from the others (PED-ANOVA)" : "";
    return figure("chart-importance", `Which thresholds mattered in the ${search.study} search: shares of what an additive model explains of the objective's variance (${percent(search.importance.explained, 0)})${beside}`,
        60 + 24 * shares.length, (width) => ({
            grid: { left: 24, right: 56, top: 8, bottom: 44, containLabel: true },
            tooltip: { formatter: (p) => tip(shares[p.dataIndex].axis, percent(shares[p.dataIndex].share)) },
            xAxis: { type: "value", name: "share", min: 0, axisLabel: { formatter: (v) => percent(v, 0) }, splitNumber: width < 500 ? 3 : 6 },
            yAxis: { type: "category", inverse: true, data: shares.map((s) => s.axis), axisLabel: { formatter: (n) => short_name(n, width < 500 ? 16 : 40), interval: 0 } },
            series: [{ type: "bar", barMaxWidth: 16, itemStyle: { color: colours().blue }, data: shares.map((s) => s.share),
                label: { show: true, position: "right", color: colours().ink, formatter: (p) => percent(p.value, 0) } }],
        }), () => [["threshold", "share", ...(near_the_best.size > 0 ? ["near the best"] : [])],
            ...search.importance.shares.map((s) => [s.axis, percent(s.share, 2), ...(near_the_best.has(s.axis) ? [percent(near_the_best.get(s.axis), 2)] : [])])]);
}

/// The thresholds that mattered most beside what came of them; others stand in the table of a trial.
function parallel_chart(run, study) {
    const trials = run.log.list.filter((t) => t.study === study && t.objective !== null);
    const search = importance_of(run).find((s) => s.study === study);
    const names = search ? search.importance.shares.map((s) => s.axis) : run.log.tensors;
    const chosen = names.filter((n) => run.log.tensors.includes(n)).slice(0, 6);
    const columns = chosen.map((n) => run.log.tensors.indexOf(n));
    const axes = [...chosen.map((n) => short_name(n, 22)), "DSP", "images/s", score_title, "objective"];
    const rows = trials.map((t) => [...columns.map((j) => t.threshold(j)), t.dsp, t.images_per_s, t.top1, t.objective]);
    const objectives = trials.map((t) => t.objective).sort((a, b) => a - b);
    return figure("chart-parallel", `Trials of the ${study} search: the ${chosen.length} thresholds that mattered most, and what came of them; drag along an axis to keep a range`,
        (width) => (width < 500 ? 60 + 46 * axes.length : 380), (width) => {
            const c = colours();
            const upright = width < 500;
            return {
                tooltip: { formatter: (p) => tip(trials[p.dataIndex].title, ...trial_lines(trials[p.dataIndex])) },
                parallel: { left: upright ? 16 : 40, right: upright ? 30 : 70, top: upright ? 24 : 60, bottom: upright ? 60 : 56, layout: upright ? "vertical" : "horizontal",
                    parallelAxisDefault: { nameTextStyle: { color: c.ink, fontSize: 10, lineHeight: 13 }, nameGap: upright ? 4 : 12, nameLocation: upright ? "start" : "end", axisLine: { lineStyle: { color: c.quiet } },
                        axisLabel: { color: c.quiet, fontSize: 9, hideOverlap: true, formatter: (v) => number(v, 3) }, splitNumber: 3, scale: true } },
                parallelAxis: axes.map((name, dim) => ({ dim, name: upright ? name : name.replace(/(.{11})/, "$1\n"),
                    nameTextStyle: { color: c.ink, fontSize: 10, lineHeight: 13, ...(upright ? { align: "left", verticalAlign: "bottom", padding: [0, 0, 6, 0] } : {}) } })),
                visualMap: { show: true, type: "continuous", dimension: axes.length - 1, min: objectives[Math.floor(objectives.length / 20)] ?? 0, max: objectives[objectives.length - 1] ?? 1, orient: "horizontal",
                    left: 0, bottom: 0, itemWidth: 12, itemHeight: 100, calculable: false, hoverLink: false, text: ["objective: best", "worse"], textStyle: { color: c.ink },
                    inRange: { color: theme_name() === "dark" ? sequence.slice(2) : sequence.slice(0, 6).reverse() } },
                series: [{ type: "parallel", lineStyle: { width: 1.3, opacity: 0.55 }, data: rows }],
            };
        }, null);
}
