// Charts: one theme for light, dark and print, one frame for each chart with its table.

// Okabe and Ito's palette, for which no two differ in hue alone; paper and screen versions of it.
const palettes = {
    light: { ink: "#1b1f24", quiet: "#586069", line: "#d5d9de", ground: "#ffffff", raised: "#f5f6f8",
             blue: "#0072b2", orange: "#d55e00", green: "#007a5a", sky: "#3c9ad0", yellow: "#a07800",
             pink: "#b05a8c", grey: "#8a929b", bad: "#c43c00" },
    dark: { ink: "#e6e9ed", quiet: "#a3acb7", line: "#3a424c", ground: "#14171b", raised: "#1e2329",
            blue: "#56b4e9", orange: "#ff9d5c", green: "#3fc79a", sky: "#9cd3f5", yellow: "#f0e442",
            pink: "#e29ac4", grey: "#7d8792", bad: "#ff7a45" },
};
// Cividis: even in lightness, alike for all eyes.
const sequence = ["#00224e", "#2b446e", "#575d6d", "#7d7c78", "#a59c74", "#d2c060", "#fee838"];
const symbols = ["circle", "rect", "triangle", "diamond", "pin", "arrow"];

let printing = false;
const theme_name = () => (printing ? "light" : document.documentElement.dataset.theme);
const colours = () => palettes[theme_name()];
const study_colours = () => { const c = colours(); return [c.blue, c.orange, c.green, c.pink, c.yellow, c.sky]; };

const charts = new Map();  // by id: {chart, option, place}

/// What all charts have in common.
function dressed(option) {
    const c = colours();
    const axis = (a) => ({
        nameGap: 28, nameLocation: "middle", nameTextStyle: { color: c.quiet },
        axisLine: { lineStyle: { color: c.quiet } }, ...a,
        axisLabel: { color: c.ink, hideOverlap: true, ...(a.axisLabel || {}) },
        splitLine: { lineStyle: { color: c.line }, ...(a.splitLine || {}) },
    });
    const axes = (a) => (a === undefined ? undefined : Array.isArray(a) ? a.map(axis) : axis(a));
    return {
        animation: false, backgroundColor: "transparent",
        textStyle: { color: c.ink, fontFamily: 'system-ui, "DejaVu Sans", sans-serif' },
        ...option,
        xAxis: axes(option.xAxis), yAxis: axes(option.yAxis),
        legend: option.legend && { top: 0, left: 0, textStyle: { color: c.ink }, inactiveColor: c.grey, ...option.legend },
        tooltip: option.tooltip === null ? undefined : {
            confine: true, backgroundColor: c.raised, borderColor: c.line, textStyle: { color: c.ink },
            transitionDuration: 0, ...(option.tooltip || {}),
        },
    };
}

/// A tooltip of lines, the first one in bold. Built of nodes, so that names stay text.
const tip = (title, ...lines) => element("div", { class: "tip" },
    element("b", null, title), lines.filter((l) => l).map((l) => element("div", null, l)));

/// A chart with its caption and its table.
/// \param id       of the chart
/// \param text     what it shows, in a sentence: the caption, and what a screen reader says
/// \param height   in pixels, or a function of the width
/// \param option   function: ECharts' option, for the theme and the width of the moment
/// \param rows     function: the table behind it
function figure(id, text, height, option, rows, words) {
    const place = element("div", { class: "chart", id, role: "img", "aria-label": text });
    waiting.push({ id, place, height, option });
    return element("figure", null, place, element("figcaption", null, text),
        rows ? folded_table(text, rows, words) : null);
}

let waiting = [];

function draw(entry) {
    const width = entry.place.clientWidth || 300;
    entry.width = width;
    const height = typeof entry.height === "function" ? entry.height(width) : entry.height;
    entry.place.style.height = height + "px";
    if (!entry.chart) entry.chart = echarts.init(entry.place, null, { renderer: "svg" });
    else entry.chart.resize({ width: "auto", height });
    entry.chart.setOption(dressed(entry.option(width)), true);
}

/// Draws what `figure` has promised, a chart at a time so that the page stays responsive.
async function draw_waiting() {
    const todo = waiting;
    waiting = [];
    for (const [id, entry] of [...charts])
        if (!entry.place.isConnected) entry.chart.dispose(), charts.delete(id);
    for (const entry of todo) {
        if (!entry.place.isConnected) continue;
        draw(entry);
        charts.set(entry.id, entry);
        if (entry.after) entry.after(entry.chart);
        await new Promise((done) => setTimeout(done));
    }
}

function redraw(only_if_width = false) {
    for (const entry of charts.values())
        if (!only_if_width || entry.place.clientWidth !== entry.width) draw(entry);
}

/// What to do with a chart once it is drawn.
function after_drawing(id, work) {
    waiting.find((entry) => entry.id === id).after = work;
}

/// Room for rotated names below a chart of stages.
const stage_axis = (names, width) => ({
    type: "category", data: names, axisTick: { show: false },
    axisLabel: { rotate: 60, formatter: (name) => short_name(name, 18), fontSize: 10,
                 interval: Math.max(0, Math.ceil(names.length / (width / 14)) - 1) },
});
const stage_grid = { left: 58, right: 14, top: 34, bottom: 100 };

/// A note where a chart would say nothing.
const missing = (why) => element("p", { class: "quiet" }, why);
