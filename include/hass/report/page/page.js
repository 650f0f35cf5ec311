"use strict";
// The page's data, and how elements, numbers and tables are made of them. Text from files goes into
// text nodes only.

const data = JSON.parse(document.getElementById("data").textContent);

/// An element: attributes, then children (elements, texts; null is left out).
function element(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
        if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
        else if (value !== null && value !== undefined && value !== false)
            made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children.flat().filter((c) => c !== null && c !== undefined));
    return made;
}

/// A number with so many significant digits, thousands apart; what is not there is a dash.
function number(value, digits = 4) {
    if (value === null || value === undefined) return "–";
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size < 1e-3 || size >= 1e12) return value.toExponential(digits - 1);
    const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
    return value.toLocaleString("en", { maximumFractionDigits: Math.min(decimals, 10) });
}
const percent = (share, digits = 1) =>
    share === null || share === undefined ? "–" : (100 * share).toFixed(digits) + " %";
const signed = (value, digits, unit) =>
    (value < 0 ? "−" : "+") + Math.abs(value).toFixed(digits) + unit;

/// A table of texts (or elements), first row the head; `words`: columns that are sentences.
function table_of(caption, rows, words = []) {
    const kind = (j) => (words.includes(j) ? { class: "words" } : null);
    const body = rows.slice(1).map((row) =>
        element("tr", null, row.map((cell, j) =>
            j === 0 ? element("th", { scope: "row" }, cell) : element("td", kind(j), cell))));
    return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
        element("table", { "aria-label": caption },
            element("thead", null, element("tr", null,
                rows[0].map((cell) => element("th", { scope: "col" }, cell)))),
            element("tbody", null, body)));
}

/// A table that is made when it is first opened.
function folded_table(caption, rows, words) {
    const details = element("details", null, element("summary", { "aria-label": "Table: " + caption }, "Show as a table"));
    details.addEventListener("toggle", () => {
        if (details.open && details.children.length === 1)
            details.append(table_of(caption, rows(), words));
    });
    return details;
}

/// A ratio, "2.05 ×".
const times = (ratio) => (Math.abs(ratio) < 100 ? ratio.toFixed(2) : number(ratio, 4)) + " ×";

/// Says to a screen reader what has changed.
function say(text) {
    document.getElementById("said").textContent = text;
}

// The four designs, by their keys in solution.json.
const design_keys = [["dense", "dense"], ["activation_only", "activation only"],
                     ["software_only", "software-only"], ["hardware_aware", "hardware-aware"]];
const resource_keys = [["dsp", "DSP"], ["lut", "LUT"], ["ff", "FF"], ["bram18", "BRAM18"],
                       ["uram", "URAM"], ["bandwidth_gbps", "bandwidth, Gbit/s"]];
const resource_title = (key) => (resource_keys.find(([k]) => k === key) || [key, key])[1];

/// Trials as objects, and the thresholds of each as a row of floats.
function unpack_trials(logged) {
    if (!logged) return { list: [], tensors: [], incomplete: false };
    const text = atob(logged.thresholds);
    const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    const width = logged.tensors.length;
    const list = logged.rows.map((row, n) => {
        const trial = Object.fromEntries(logged.columns.map((name, j) => [name, row[j]]));
        trial.thresholds = () => logged.tensors.map((_, j) => view.getFloat32(4 * (n * width + j), true));
        trial.threshold = (j) => view.getFloat32(4 * (n * width + j), true);
        trial.title = `${trial.study}, trial ${trial.trial}`;
        return trial;
    });
    return { list, tensors: logged.tensors, incomplete: logged.incomplete_line };
}

// What may fall is called `top1` below, whichever metric it is; one page has one metric.
const judged_by = (data.runs.find((run) => run.solution) || { solution: {} }).solution;
const score_key = judged_by.metric || "top1", score_title = judged_by.metric_title || "top-1";
const score_unit = judged_by.metric_unit || "";
const score_text = (x, digits) => (score_unit === "" ? percent(x, digits) : `${number(x, 4)} ${score_unit}`);

for (const run of data.runs) {
    run.log = unpack_trials(run.trials);
    for (const trial of run.log.list) trial.top1 = trial[score_key];
    const s = run.solution;
    for (const [key] of s ? design_keys : []) {
        if (!s[key]) continue;
        s[key].top1 = s[key][score_key];
        s[key].in_integers = s[key][score_key + "_in_integers"];
        if (s[key].search) s[key].search.top1 = s[key].search[score_key];
    }
    run.designs = s ? design_keys.filter(([key]) => s[key]).map(([key, title]) => ({ key, title, ...s[key] })) : [];
    run.dense = run.designs.find((d) => d.key === "dense") || null;
    run.chosen = run.designs.length > 0 ? run.designs[run.designs.length - 1] : null;
    run.studies = [...new Set(run.log.list.map((t) => t.study))];
}

/// Short names of stages: what all begin with is left out, then the middle.
function short_name(name, most = 20) {
    const bare = name.replace(/^\//, "");
    return bare.length <= most ? bare
        : bare.slice(0, Math.ceil(most / 2) - 1) + "…" + bare.slice(bare.length - Math.floor(most / 2));
}
