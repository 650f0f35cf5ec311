// The page: seven questions in order, for one run in full, with others beside it.

let shown = 0;  // which run is shown in full
const shown_runs = () => [data.runs[shown], ...data.runs.filter((_, i) => i !== shown)];
const run_title = (run) => (data.runs.length > 1 ? run.name + ": " : "");

function no_design(run) {
    if (!run.solution) return "There is no solution.json of this run; only what its trials say is shown.";
    return "The run has no design.";
}

function got(run) {
    const made = [];
    const s = run.solution;
    if (run.log.incomplete) made.push(element("p", { class: "note" }, "The last line of trials.csv is not complete; it is left out."));
    if (!s) return [...made, missing(no_design(run))];
    if (s.interrupted) made.push(element("p", { class: "note" }, `The run was interrupted: its searches are not complete (${run.log.list.length} trials of ${run.studies.length} of its searches).`));
    for (const warning of s.warnings || []) made.push(element("p", { class: "note" }, "Warning: " + warning));
    for (const [key, title] of design_keys.slice(2))
        if (s[key] === null && !s.interrupted && (run.studies.includes(title))) made.push(element("p", { class: "note" }, `The ${title} search found no design: no trial met its limits.`));
    made.push(verdict_of(run) || missing("There is no design beside the dense one."));
    if (run.designs.length > 0) {
        const with_budget = run.designs.map((d) => ({ ...d, budget: s.budget }));
        made.push(speed_chart(run));
        made.push(element("h3", null, `The designs on ${s.device}`), designs_table(`The designs on ${s.device}; second lines: against the first`, with_budget, with_budget[0]));
    }
    made.push(element("h3", null, "What stops each design from being faster"),
        element("ul", null, run.designs.map((d) => element("li", null, `${d.title}: ${d.limit}`))));
    return made;
}

/// The last design of every run, and the settings in which the runs differ.
function compared() {
    const runs = shown_runs().filter((run) => run.chosen);
    if (data.runs.length < 2) return [];
    const made = [];
    if (runs.length > 1) {
        const designs = runs.map((run) => ({ ...run.chosen, title: `${run.name}: ${run.chosen.title}`, budget: run.solution.budget }));
        made.push(element("h3", null, `Side by side; second lines: against ${runs[0].name}`), designs_table(`The runs side by side; second lines: against ${runs[0].name}`, designs, designs[0]));
    }
    const all = shown_runs().filter((run) => run.solution);
    const plain = (x) => x === null || typeof x !== "object" || (Array.isArray(x) && x.every((y) => typeof y !== "object"));
    const keys = [...new Set(all.flatMap((run) => Object.keys(run.solution)))];
    const text = (run, key) => (run.solution[key] === undefined ? "–" : Array.isArray(run.solution[key]) ? run.solution[key].join(", ") : String(run.solution[key]));
    const differ = keys.filter((key) => all.every((run) => plain(run.solution[key] ?? null)) && new Set(all.map((run) => text(run, key))).size > 1);
    if (all.length > 1) made.push(differ.length === 0 ? missing("The runs were asked for the same.")
        : element("div", null, element("h3", null, "Settings in which they differ"), table_of("Settings in which the runs differ", [["", ...all.map((run) => run.name)], ...differ.map((key) => [key, ...all.map((run) => text(run, key))])], all.map((_, i) => i + 1))));
    return made;
}

function trades(run) {
    const runs = shown_runs();
    if (runs.every((r) => r.log.list.length === 0)) return [missing("No trial was finished.")];
    return [pareto_chart(runs), pinned_trial(runs)];
}

function convergence(run) {
    const runs = shown_runs();
    if (runs.every((r) => r.log.list.length === 0)) return [missing("No trial was finished.")];
    const made = [history_chart(runs)];
    const searches = importance_of(run);
    if (searches.length > 0) {
        const place = element("div");
        const show = (search) => place.replaceChildren(...[importance_chart(search), run.log.list.some((t) => t.study === search.study) ? parallel_chart(run, search.study) : null].filter((x) => x));
        const last = searches[searches.length - 1];
        show(last);
        if (searches.length > 1)
            made.push(element("label", null, "Search:", element("select", { id: "search-choice", onchange: (e) => { show(searches[Number(e.target.value)]); draw_waiting(); } },
                searches.map((s, i) => element("option", { value: String(i), selected: s === last }, s.study)))));
        made.push(place);
    } else {
        made.push(missing("Too few trials, or none that vary, to say which thresholds mattered."));
        const study = run.studies[run.studies.length - 1];
        if (study) made.push(parallel_chart(run, study));
    }
    const said = (run.solution && run.solution.searches) || [];
    if (said.length > 0) made.push(element("ul", null, said.map((s) => element("li", null, `${s.study}: ${s.conclusion}`))));
    return made;
}

function where(run) {
    if (!run.chosen) return [missing(no_design(run))];
    const place = element("div");
    const show = (design) => place.replaceChildren(pipeline_chart(design), cycles_chart(design), resources_chart(design, run.solution.budget));
    show(run.chosen);
    return [element("label", null, "Design:", element("select", { id: "design-choice", onchange: (e) => { show(run.designs[Number(e.target.value)]); draw_waiting(); } },
        run.designs.map((d, i) => element("option", { value: String(i), selected: d === run.chosen }, d.title)))), place];
}

function help(run) {
    const s = run.solution;
    if (!run.chosen) return [missing(no_design(run))];
    const made = [];
    if (s.prices && s.prices.length > 0) made.push(prices_sentence(run), prices_chart(s.prices));
    else made.push(missing("What more resources would buy was not computed" + (s.interrupted ? ": the run was interrupted." : ".")));
    if (s.boards && s.boards.length > 0) made.push(boards_chart(run));
    else made.push(missing("Other boards were not tried" + (s.interrupted ? ": the run was interrupted." : ".")));
    return made;
}

function looks(run) {
    if (!run.chosen) return [missing(no_design(run))];
    const made = [sparsity_chart(run, run.chosen)];
    if (run.solution.magnitudes && run.solution.magnitudes.length > 0)
        made.push(magnitudes_chart(run, run.chosen, "weights", "tau_w", "weights"), magnitudes_chart(run, run.chosen, "activations", "tau_a", "activations"),
            element("h3", null, "One layer"), distribution(run, run.chosen));
    else made.push(missing("The file holds no distributions of magnitudes."));
    return made;
}

function sure(run) {
    const s = run.solution;
    if (!s) return [missing(no_design(run))];
    const made = [];
    const rows = [["", ...run.designs.map((d) => d.title)],
        [score_title, ...run.designs.map((d) => score_text(d.top1, 2))],
        ["95 % interval of it", ...run.designs.map((d) => (d.top1_interval ? `${percent(d.top1_interval[0], 2)} to ${percent(d.top1_interval[1], 2)}` : "–"))],
        ...(run.designs.some((d) => d.in_integers !== undefined)
            ? [[`${score_title} in integers, as the hardware computes`, ...run.designs.map((d) => (d.in_integers === undefined ? "–" : score_text(d.in_integers, 2)))]] : []),
        [`${score_title} in the search`, ...run.designs.map((d) => (d.search ? score_text(d.search.top1, 2) : "–"))],
        ["gap to the proved bound of images/s", ...run.designs.map((d) => (d.gap === undefined ? "–" : percent(d.gap, 2)))]];
    made.push(element("p", null, s.accuracy === "predicted"
        ? `Accuracy is predicted from what was measured on ${number(s.images, 7)} images. ` : `Accuracy was measured on ${number(s.images, 7)} images. `,
        `Seed ${s.seed}, ${s.trials} trials a search, optimizer ${s.optimizer}. Another seed gives another search: compare runs before a small difference is believed.`));
    made.push(element("h3", null, "Accuracy, and how near the hardware is to what is proved"), table_of("Accuracy of each design, and how near its hardware is to what is proved", rows));
    if (s.model_error) made.push(errors_chart(s.model_error));
    made.push(element("p", null, s.uncertainty));
    const model = s.other_resource_model || {};
    const others = design_keys.filter(([key]) => model[key]).map(([key, title]) => ({ title, ...model[key], budget: s.budget }));
    if (others.length > 0)
        made.push(element("h3", null, `The same thresholds, hardware allocated under resource model '${model.resources}'`),
            designs_table(`Designs under resource model ${model.resources}`, others, others[0]));
    if (s.simulations && s.simulations.length > 0)
        made.push(element("h3", null, "Pipelines simulated word by word"), element("ul", null, s.simulations.map((line) => element("li", null, line))));
    return made;
}

const questions = [["got", "What did I get?", got], ["trade", "What may I trade?", trades], ["converged", "Did the search converge?", convergence],
    ["where", "Where does it go?", where], ["help", "What would help?", help], ["data-looks", "What do the data look like?", looks], ["sure", "How sure is it?", sure]];

function head() {
    const run = data.runs[shown], s = run.solution;
    const other = () => (theme_name() === "dark" ? "Light" : "Dark");
    const theme = element("button", { type: "button", id: "theme", onclick: () => {
        document.documentElement.dataset.theme = theme_name() === "dark" ? "light" : "dark";
        theme.textContent = other();
        redraw();
    } }, other());
    const runs = data.runs.length > 1 ? element("label", null, "Run in full:", element("select", { id: "run-choice", onchange: (e) => { shown = Number(e.target.value); pinned = null; build(); } },
        data.runs.map((r, i) => element("option", { value: String(i), selected: i === shown }, r.name)))) : null;
    document.getElementById("head").replaceChildren(...[element("h1", null, s ? `${s.network.replace(/.*\/(?=.)/, "")} on ${s.device}` : run.name), runs, theme,
        s ? element("p", null, `${run.name}: engines ${s.engine}, resource model ${s.resources}, ${s.bits} bits, ${number(s.images, 7)} images, HASS ${s.hass_version}`) : null].filter((x) => x));
}

/// Makes the page. `window.hass_report.ready` is set once everything is drawn.
async function build() {
    window.hass_report = { ready: false, charts, data };
    head();
    const run = data.runs[shown];
    const sections = questions.map(([id, title, make]) => element("section", { id, "aria-labelledby": id + "-title" }, element("h2", { id: id + "-title" }, title), make(run)));
    if (data.runs.length > 1) sections.unshift(element("section", { id: "compared", "aria-labelledby": "compared-title" }, element("h2", { id: "compared-title" }, "How do the runs differ?"), compared()));
    document.getElementById("contents").replaceChildren(...sections.map((s) => element("a", { href: "#" + s.id }, s.querySelector("h2").textContent)));
    document.getElementById("sections").replaceChildren(...sections);
    document.getElementById("foot").replaceChildren(`Every number is from solution.json and trials.csv. Written by HASS ${data.hass_version}; charts by Apache ECharts ${echarts.version} (Apache License 2.0).`);
    await draw_waiting();
    window.hass_report.ready = true;
}

const dark = window.matchMedia("(prefers-color-scheme: dark)");
document.documentElement.dataset.theme = dark.matches ? "dark" : "light";
dark.addEventListener("change", () => { document.documentElement.dataset.theme = dark.matches ? "dark" : "light"; head(); redraw(); });

// On paper the page is light, and charts are as wide as the sheet.
const paper = window.matchMedia("print");
function to_paper(on) {
    if (printing === on) return;
    printing = on;
    const root = document.documentElement;
    if (on) root.dataset.screen = root.dataset.theme, root.dataset.theme = "light";
    else root.dataset.theme = root.dataset.screen;
    redraw();
}
paper.addEventListener("change", () => to_paper(paper.matches));
window.addEventListener("beforeprint", () => to_paper(true));
window.addEventListener("afterprint", () => to_paper(false));

let resizing = 0;
window.addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(() => redraw(true), 100); });
build();
