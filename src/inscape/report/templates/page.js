"use strict";
(() => {
  const root = document.documentElement;
  const plots = Array.from(document.querySelectorAll(".plot"));
  const drawing = new Map();
  const config = { responsive: true, displaylogo: false, displayModeBar: "hover", showLink: false, plotlyServerURL: "",
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "sendDataToCloud"] };

  const style = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  // What a figure takes over from the page's theme, as keys for Plotly.relayout.
  const themed = (layout) => {
    const ink = style("--ink"), soft = style("--soft"), grid = style("--grid"), card = style("--card");
    const change = { "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)", "font.color": ink,
      "font.family": style("--sans"), "hoverlabel.bgcolor": card, "hoverlabel.font.color": ink,
      "hoverlabel.bordercolor": soft, "legend.bgcolor": "rgba(0,0,0,0)", "modebar.bgcolor": "rgba(0,0,0,0)",
      "modebar.color": soft, "modebar.activecolor": ink };
    for (const key of Object.keys(layout)) {
      if (/^[xy]axis\d*$/.test(key)) {
        Object.assign(change, { [`${key}.gridcolor`]: grid, [`${key}.zerolinecolor`]: soft, [`${key}.linecolor`]: soft,
          [`${key}.tickcolor`]: soft });
      }
    }
    return change;
  };

  const merged = (layout, change) => {
    for (const [path, value] of Object.entries(change)) {
      const keys = path.split(".");
      let place = layout;
      for (const key of keys.slice(0, -1)) place = place[key] = place[key] || {};
      place[keys[keys.length - 1]] = value;
    }
    return layout;
  };

  // Maps keep the shape of their window: the height follows from the width and from where the key stands.
  // Plotly gives all entries of a legend the width of the longest one.
  const LEFT = 62, TOP = 12, BOTTOM = 52, BAR = 92, WIDE = 640;
  const content = (div) => JSON.parse(document.getElementById(`${div.id}-data`).textContent);
  // Names of rows stand left of the frame: the margin is as wide as the longest of them.
  const left = (div) => {
    if (!div.dataset.rows) return LEFT;
    const brush = document.createElement("canvas").getContext("2d");
    const axis = content(div).layout.yaxis;
    brush.font = `bold ${axis.tickfont.size}px ${style("--sans")}`;
    const lines = axis.ticktext.flatMap((text) => text.split("<br>"));
    return 14 + Math.max(...lines.map((line) => brush.measureText(line.replace(/<[^>]*>/g, "")).width));
  };
  const entry = (div) => 44 + 7.2 * Number(div.dataset.longest);
  const keyed = (div) => div.dataset.key === "legend" && Number(div.dataset.entries) > 0;
  const beside = (div) => keyed(div) && div.dataset.ratio && div.clientWidth >= WIDE;
  const right = (div) => div.dataset.key === "bar" ? BAR 
    : beside(div) ? Math.min(entry(div) + 24, 0.35 * div.clientWidth) : 12;
  const below = (div) => {
    if (!keyed(div) || beside(div)) return 0;
    const columns = Math.max(1, Math.floor((div.clientWidth - left(div) - right(div)) / entry(div)));
    return (div.dataset.ratio ? 30 : 4) + 21 * Math.ceil(Number(div.dataset.entries) / columns);
  };
  const size = (div) => {
    const ratio = Number(div.dataset.ratio), rows = Number(div.dataset.rows);
    if (rows) div.style.height = `${rows + TOP + BOTTOM + below(div)}px`;
    if (!ratio) return;
    const height = (div.clientWidth - LEFT - right(div)) * ratio + TOP + BOTTOM;
    div.style.height = `${Math.round(Math.min(Math.max(height, 260), 680) + below(div))}px`;
  };

  const fitted = (figure, div) => {
    const layout = figure.layout;
    if (div.clientWidth < 420) layout.font = { ...layout.font, size: 11 };
    layout.margin = { l: left(div), r: right(div), t: TOP, b: BOTTOM + below(div), autoexpand: false };
    for (const axis of [layout.xaxis, layout.yaxis]) {
      delete axis.constraintoward;
      axis.automargin = false;
    }
    layout.legend = { ...layout.legend, xanchor: "left", ...(beside(div)
      ? { orientation: "v", xref: "paper", x: 1.02, yref: "paper", y: 1, yanchor: "top" }
      : { orientation: "h", xref: "container", x: 0.02, yref: "container", y: 0, yanchor: "bottom" }) };
    return figure;
  };

  const draw = (div) => {
    if (!drawing.has(div)) {
      const figure = fitted(content(div), div);
      figure.layout.xaxis = figure.layout.xaxis || {};
      figure.layout.yaxis = figure.layout.yaxis || {};
      drawing.set(div, Plotly.newPlot(div, figure.data, merged(figure.layout, themed(figure.layout)), config));
    }
    return drawing.get(div);
  };
  const drawAll = () => Promise.all(plots.map(draw));
  const recolour = () => Promise.all(
    Array.from(drawing, ([div, done]) => done.then(() => Plotly.relayout(div, themed(div.layout)))));

  const dark = () => root.dataset.theme ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  const button = document.querySelector(".theme");
  const name = () => { button.textContent = dark() ? "Light theme" : "Dark theme"; };
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("inscape-theme", root.dataset.theme); } catch { /* private windows keep nothing */ }
    name();
    recolour();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { name(); recolour(); });
  name();

  // Figures are drawn when they come near the window, and the rest whenever the browser has nothing else to do.
  const near = new IntersectionObserver((entries) => entries.forEach((entry) => {
    if (entry.isIntersecting) { near.unobserve(entry.target); draw(entry.target); }
  }), { rootMargin: "500px" });
  plots.forEach(size);
  plots.forEach((div) => near.observe(div));
  let resized;
  window.addEventListener("resize", () => {
    clearTimeout(resized);
    resized = setTimeout(() => {
      plots.forEach(size);
      drawing.forEach((done, div) => done.then(() => Plotly.Plots.resize(div)).then(() => div.dataset.rows
        && Plotly.relayout(div, { "margin.l": left(div), "margin.b": BOTTOM + below(div) })));
    }, 150);
  });
  const idle = window.requestIdleCallback || ((work) => setTimeout(work, 200));
  const next = () => {
    const waiting = plots.find((div) => !drawing.has(div));
    if (waiting) draw(waiting).finally(() => idle(next));
  };
  window.addEventListener("load", () => idle(next));
  window.addEventListener("beforeprint", () => {
    for (const still of document.querySelectorAll(".still")) {
      still.closest("figure").classList.toggle("bare", still.complete && !still.naturalWidth);
    }
    drawAll();
  });

  const contents = document.querySelector(".toc details");
  const narrow = matchMedia("(max-width: 60rem)");
  const fold = () => { contents.open = !narrow.matches; };
  narrow.addEventListener("change", fold);
  fold();
  contents.addEventListener("click", (event) => { if (event.target.closest("a") && narrow.matches) fold(); });

  const links = new Map(Array.from(document.querySelectorAll(".toc a"), (a) => [a.getAttribute("href").slice(1), a]));
  const here = new IntersectionObserver((entries) => entries.forEach((entry) => {
    if (!entry.isIntersecting) return;
    links.forEach((a) => a.removeAttribute("aria-current"));
    links.get(entry.target.id)?.setAttribute("aria-current", "true");
  }), { rootMargin: "-10% 0px -75% 0px" });
  document.querySelectorAll("section[id]").forEach((section) => here.observe(section));

  window.inscape = { draw, drawAll };
})();
