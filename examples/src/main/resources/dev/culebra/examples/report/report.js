"use strict";
// Draws the curves with uPlot, shows samples one step at a time, and on a live page applies the
// server's updates.
(() => {
  const STEP = 0, SECONDS = 1, LOSS = 2, VALIDATION = 3, RATE = 4, NORM = 5, SPEED = 6; // a row's columns
  const COLOURS = 8;
  const FEW = 60; // up to this many evaluations each get a dot
  const byId = id => document.getElementById(id);
  let state = JSON.parse(byId("data").textContent);
  let charts = [];

  // --- Figures as text -------------------------------------------------------------------------------

  const format = v => {
    if (v == null) return "–";
    const size = Math.abs(v);
    if (size !== 0 && size < 1e-3) return v.toExponential(2);
    if (size >= 1000) return v.toLocaleString("en", {maximumFractionDigits: 0});
    return String(+v.toPrecision(4));
  };
  const tick = (v, most) => {
    if (v === 0) return "0";
    if (most >= 1e6) return +(v / 1e6).toPrecision(6) + "M";
    if (most >= 1e4) return +(v / 1e3).toPrecision(6) + "k";
    if (most < 0.01) return v.toExponential().replace(/(\.\d{3})\d+/, "$1");
    return String(+v.toPrecision(6));
  };
  const ticks = (u, splits) => {
    const most = splits.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    return splits.map(v => tick(v, most));
  };
  const duration = s => s >= 3600 ? +(s / 3600).toFixed(2) + " h" : s >= 60 ? +(s / 60).toFixed(2) + " min" : +s.toFixed(1) + " s";

  // --- Scales ----------------------------------------------------------------------------------------

  const chosen = name => document.querySelector(`input[name=${name}]:checked`).value;

  // Even steps of 1, 2 or 5.
  const evenSplits = (min, max, count) => {
    const raw = (max - min) / count, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map(m => m * power).find(s => s >= raw * 0.999);
    const splits = [];
    for (let i = Math.ceil(min / step); i * step <= max; i++) splits.push(+(i * step).toPrecision(12));
    return splits;
  };
  // 1, 2, 5 of each decade; only the 1s if there are many, even steps if there are few.
  const logSplits = (u, axis, min, max) => {
    const every = digits => {
      const splits = [];
      for (let e = Math.floor(Math.log10(min)); e <= Math.ceil(Math.log10(max)); e++)
        for (const d of digits) if (d * 10 ** e >= min && d * 10 ** e <= max) splits.push(+(d * 10 ** e).toPrecision(3));
      return splits;
    };
    const fine = every([1, 2, 5]);
    return fine.length > 9 ? every([1]) : fine.length >= 3 ? fine : evenSplits(min, max, 5);
  };
  const around = (log, fromZero) => (u, min, max) => {
    if (min == null || max == null) return [log ? 1 : 0, 10];
    if (log) return [min / 1.04, max * 1.04];
    if (fromZero) return [0, max > 0 ? max * 1.06 : 1];
    const room = (max - min) * 0.05 || Math.abs(max) * 0.05 || 1;
    return [min - room, max + room];
  };
  const along = log => (u, min, max) => {
    if (min == null || max == null) return [log ? 1 : 0, 10];
    return min < max ? [min, max] : log ? [min / 1.5, max * 1.5] : [min - 1, max + 1];
  };

  // --- Charts ----------------------------------------------------------------------------------------

  const KINDS = [
    {id: "loss", height: 300, canLog: true, curves: [
      {column: LOSS, name: "training", pale: true}, {column: VALIDATION, name: "validation"}]},
    {id: "rate", height: 160, fromZero: true, curves: [{column: RATE, name: "learning rate"}]},
    {id: "norm", height: 160, canLog: true, curves: [{column: NORM, name: "gradient norm"}]},
    {id: "speed", height: 160, fromZero: true, curves: [{column: SPEED, name: "tokens/s"}]},
  ];

  const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colourOf = run => css("--run-" + (run % COLOURS + 1));
  const nameOf = (run, curve, kind) =>
    state.runs.length === 1 ? curve.name : kind.curves.length === 1 ? run.name : run.name + " " + curve.name;

  // One table of x and all curves; runs whose steps differ leave gaps, which the lines pass over.
  const tableOf = kind => {
    const over = chosen("x") === "time" ? SECONDS : STEP;
    const positive = kind.canLog && chosen("y") === "log";
    const tables = state.runs.map(run => {
      const rows = run.rows.filter(row => row[over] != null);
      const values = column => rows.map(row => positive && !(row[column] > 0) ? null : row[column]);
      return [rows.map(row => row[over]), ...kind.curves.map(curve => values(curve.column))];
    });
    return tables.length === 1 ? tables[0] : uPlot.join(tables);
  };

  // The index nearest to the cursor at which a curve has a value.
  const nearest = (u, curve, index) => {
    const values = u.data[curve];
    for (let d = 0; d < values.length; d++) {
      if (values[index - d] != null) return index - d;
      if (values[index + d] != null) return index + d;
    }
    return index;
  };
  const last = values => {
    for (let i = values.length - 1; i >= 0; i--) if (values[i] != null) return values[i];
    return null;
  };

  const seriesOf = kind => {
    const time = chosen("x") === "time";
    const showX = (u, v) => v == null ? "–" : time ? duration(v) : v.toLocaleString("en");
    const series = [{label: time ? "time" : "step", value: (u, v, i, at) => showX(u, at == null ? last(u.data[0]) : v)}];
    state.runs.forEach((run, r) => kind.curves.forEach(curve => {
      const colour = colourOf(r);
      const few = curve.column === VALIDATION ? FEW : 2;
      series.push({
        label: nameOf(run, curve, kind), spanGaps: true,
        stroke: curve.pale ? colour + css("--pale") : colour, width: curve.pale ? 1.25 : 2,
        dash: r >= COLOURS ? [6, 4] : undefined,
        points: {show: (u, i) => u.data[i].reduce((n, v) => n + (v != null), 0) <= few, size: 5, fill: colour},
        value: (u, v, i, at) => format(at == null ? last(u.data[i]) : v),
      });
    }));
    return series;
  };

  const optionsOf = (kind, box) => {
    const log = kind.canLog && chosen("y") === "log", over = chosen("x");
    const look = {stroke: css("--muted"), font: "12px system-ui, sans-serif",
      grid: {stroke: css("--grid"), width: 1}, ticks: {stroke: css("--line"), width: 1, size: 4}};
    const logAxis = {splits: logSplits, filter: (u, splits) => splits};
    return {
      width: box.clientWidth, height: heightOf(kind),
      series: seriesOf(kind),
      scales: {
        x: {time: false, distr: over === "log" ? 3 : 1, range: along(over === "log")},
        y: {distr: log ? 3 : 1, range: around(log, kind.fromZero)},
      },
      axes: [
        {...look, size: 32, space: 60, values: (u, splits) => over === "time" ? splits.map(duration) : ticks(u, splits), ...(over === "log" ? logAxis : {})},
        {...look, size: 56, space: 30, values: ticks, ...(log ? logAxis : {})},
      ],
      cursor: {sync: {key: "culebra"}, dataIdx: (u, curve, index) => curve === 0 ? index : nearest(u, curve, index), y: false},
      legend: {markers: {width: 0, fill: (u, i) => u.series[i].stroke(u, i)}},
      hooks: {setScale: [zoomTogether]},
    };
  };
  const heightOf = kind => kind.height > 200 && innerWidth < 480 ? kind.height - 60 : kind.height;

  let zooming = false;
  const zoomTogether = (u, scale) => {
    if (scale !== "x" || zooming || !charts.some(chart => chart.plot === u)) return;
    zooming = true;
    const {min, max} = u.scales.x;
    charts.forEach(chart => chart.plot && chart.plot !== u && chart.plot.setScale("x", {min, max}));
    zooming = false;
  };

  // The text for screen readers.
  const describe = (kind, box) => {
    const parts = [];
    state.runs.forEach(run => kind.curves.forEach(curve => {
      const values = run.rows.map(row => row[curve.column]).filter(v => v != null);
      if (values.length) parts.push(`${nameOf(run, curve, kind)}: from ${format(values[0])} to ${format(values[values.length - 1])}, lowest ${format(values.reduce((a, b) => Math.min(a, b)))}`);
    }));
    const canvas = box.querySelector("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Chart. ${parts.join("; ")}.`);
  };

  const draw = kind => {
    const box = byId(kind.id);
    const table = tableOf(kind);
    box.textContent = "";
    if (!table[0] || table[0].length === 0) {
      box.append(Object.assign(document.createElement("p"), {textContent: "Nothing logged yet."}));
      return {kind, box, plot: null};
    }
    const plot = new uPlot(optionsOf(kind, box), table, box);
    describe(kind, box);
    return {kind, box, plot};
  };

  const drawAll = () => {
    charts.forEach(chart => chart.plot && chart.plot.destroy());
    charts = [];
    charts = KINDS.map(draw);
  };

  // Keeps the zoom while rows arrive.
  const refresh = () => {
    if (charts.some(chart => !chart.plot)) return drawAll();
    const first = charts[0].plot, xs = first.data[0];
    const zoomed = xs.length > 1 && (first.scales.x.min > xs[0] || first.scales.x.max < xs[xs.length - 1]);
    const {min, max} = first.scales.x;
    zooming = true;
    charts.forEach(chart => {
      chart.plot.setData(tableOf(chart.kind));
      if (zoomed) chart.plot.setScale("x", {min, max});
      describe(chart.kind, chart.box);
    });
    zooming = false;
  };

  // --- Samples ---------------------------------------------------------------------------------------

  const moment = byId("moment");
  let steps = [];

  const showSamples = () => {
    const step = steps[+moment.value];
    byId("at").textContent = step == null ? "" : "after step " + step.toLocaleString("en");
    byId("earlier").disabled = +moment.value === 0;
    byId("later").disabled = +moment.value >= steps.length - 1;
    document.querySelectorAll("#samples .run").forEach(run => {
      const articles = [...run.querySelectorAll("article")]; // the newest first
      const shown = articles.find(article => +article.dataset.step <= step);
      articles.forEach(article => article.hidden = article !== shown);
    });
  };
  const collectSamples = () => {
    const newest = +moment.value >= steps.length - 1, step = steps[+moment.value];
    steps = [...new Set([...document.querySelectorAll("#samples article")].map(a => +a.dataset.step))].sort((a, b) => a - b);
    byId("stepper").hidden = steps.length < 2;
    moment.max = Math.max(0, steps.length - 1);
    // The sample being viewed, or if it was removed, the one before it.
    moment.value = newest ? steps.length - 1 : Math.max(0, steps.filter(s => s <= step).length - 1);
    showSamples();
  };
  const move = by => { moment.value = +moment.value + by; showSamples(); };
  moment.addEventListener("input", showSamples);
  byId("earlier").addEventListener("click", () => move(-1));
  byId("later").addEventListener("click", () => move(1));

  // --- Live ------------------------------------------------------------------------------------------

  const say = text => byId("connection").textContent = text;
  const takeAll = event => {
    const all = JSON.parse(event.data);
    state = all.page;
    byId("facts").innerHTML = all.facts; // built by the server, which escapes untrusted text
    byId("thinned").innerHTML = all.thinned;
    byId("samples").innerHTML = all.samples;
    collectSamples();
    refresh();
  };
  const listen = () => {
    const events = new EventSource("events");
    events.addEventListener("open", () => say("live"));
    events.addEventListener("error", () => say("connection lost, trying again …"));
    events.addEventListener("all", takeAll);
    events.addEventListener("row", event => {
      const {row, facts} = JSON.parse(event.data), rows = state.runs[0].rows;
      if (rows.length && row[STEP] <= rows[rows.length - 1][STEP]) return; // already part of the whole state
      rows.push(row);
      if (facts) byId("facts").innerHTML = facts; // of several rows at once, the last has them
      schedule();
    });
    events.addEventListener("end", event => { takeAll(event); events.close(); say("ended"); });
  };
  let scheduled = false;
  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => { scheduled = false; refresh(); });
  };

  // --- Start
  // -----------------------------------------------------------------------------------------

  byId("controls").hidden = false;
  byId("controls").addEventListener("change", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  new ResizeObserver(() => charts.forEach(({kind, box, plot}) => {
    const width = box.clientWidth;
    if (plot && width && (plot.width !== width || plot.height !== heightOf(kind))) plot.setSize({width, height: heightOf(kind)});
  })).observe(document.querySelector(".charts"));
  collectSamples();
  drawAll();
  if (state.live) listen();
})();
