"use strict";
// Inflates plotly.js, draws every plot, and follows the reader's light or dark setting.
// On the root element, data-plots is the number of plots drawn (set when all are done) and data-errors the
// list of everything that went wrong, so that a page can be checked by a program.
(() => {
  const root = document.documentElement;
  const errors = [];
  const record = (what) => {
    errors.push(String(what && what.message ? what.message : what));
    root.dataset.errors = JSON.stringify(errors);
  };
  root.dataset.errors = "[]";
  addEventListener("error", (event) => record(event.message || "a resource did not load"), true);
  addEventListener("unhandledrejection", (event) => record(event.reason));
  addEventListener("securitypolicyviolation", (event) =>
    record(`blocked by policy: ${event.violatedDirective} ${event.blockedURI}`));
  const complain = console.error.bind(console);
  console.error = (...parts) => { record(parts.join(" ")); complain(...parts); };

  const places = Array.from(document.querySelectorAll(".plot"));
  const dark = matchMedia("(prefers-color-scheme: dark)");

  const say = (place, text) => {
    const note = document.createElement("p");
    note.className = "note";
    note.textContent = text;
    place.replaceChildren(note);
  };

  // Colours of everything that is not data, as flat plotly attribute names.
  const theme = (layout) => {
    const [ink, soft, grid, line, panel] = dark.matches
      ? ["#e4e8ed", "#9aa6b2", "#262e37", "#4a5561", "#1a2027"]
      : ["#1b2129", "#5a6572", "#e9ecf0", "#aab3bd", "#ffffff"];
    const colours = {
      "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)", "font.color": ink,
      "hoverlabel.bgcolor": panel, "hoverlabel.bordercolor": line, "hoverlabel.font.color": ink,
      "modebar.bgcolor": "rgba(0,0,0,0)", "modebar.color": line, "modebar.activecolor": soft,
    };
    for (const name of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
      colours[`${name}.gridcolor`] = grid;
      colours[`${name}.zerolinecolor`] = grid;
      colours[`${name}.linecolor`] = line;
      colours[`${name}.tickcolor`] = line;
    }
    return colours;
  };

  const place_values = (target, flat) => {
    for (const [name, value] of Object.entries(flat)) {
      const keys = name.split(".");
      const last = keys.pop();
      keys.reduce((node, key) => (node[key] ??= {}), target)[last] = value;
    }
  };

  // A plot whose layout.meta.scale_choice names axes ("xy") gets buttons for linear and logarithmic scales.
  const offer_scales = (place, layout) => {
    const axes = layout.meta && layout.meta.scale_choice;
    if (!axes) return;
    const bar = place.parentElement.querySelector(".choice");
    const names = Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key) && axes.includes(key[0]));
    const current = layout[names[0]].type === "log" ? "log" : "linear";
    for (const scale of ["linear", "log"]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = scale;
      button.setAttribute("aria-pressed", String(scale === current));
      button.addEventListener("click", () => {
        for (const other of bar.children) other.setAttribute("aria-pressed", String(other === button));
        const change = {};
        for (const name of names) {
          change[`${name}.type`] = scale;
          change[`${name}.autorange`] = true;
          change[`${name}.dtick`] = scale === "log" ? 1 : null;
        }
        window.Plotly.relayout(place, change);
      });
      bar.append(button);
    }
    bar.hidden = false;
  };

  const load = async () => {
    if (typeof DecompressionStream === "undefined") {
      throw new Error("This browser cannot inflate the plotting library (it lacks DecompressionStream). " +
        "Chrome and Edge 80, Firefox 113, Safari 16.4 or newer show the plots; the numbers are complete here.");
    }
    const packed = atob(document.getElementById("plotly").textContent);
    const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
    if (!window.Plotly) throw new Error("The plotting library did not start.");
  };

  const draw = async (place) => {
    const { data, layout } = JSON.parse(document.getElementById(place.dataset.plot).textContent);
    layout.autosize = true;
    delete layout.width;
    place_values(layout, theme(layout));
    place.replaceChildren();
    if (layout.height) place.style.height = `${layout.height}px`;
    // plotly.js offers by default to upload a chart to its makers' service. A report may be confidential.
    await window.Plotly.newPlot(place, data, layout, {
      showSendToCloud: false, plotlyServerURL: "", responsive: true, displaylogo: false,
      modeBarButtonsToRemove: ["sendChartToCloud", "select2d", "lasso2d", "autoScale2d"],
      toImageButtonOptions: { format: "svg", filename: place.dataset.plot },
    });
    offer_scales(place, layout);
  };

  const main = async () => {
    let drawn = 0;
    try {
      if (places.length) await load();
    } catch (error) {
      record(error);
      for (const place of places) say(place, error.message);
      root.dataset.plots = "0";
      return;
    }
    for (const place of places) {
      try {
        await draw(place);
        drawn += 1;
      } catch (error) {
        record(error);
        say(place, `This plot could not be drawn: ${error.message}`);
      }
    }
    root.dataset.plots = String(drawn);
    dark.addEventListener("change", () => {
      for (const place of places) {
        if (place.layout) window.Plotly.relayout(place, theme(place.layout));
      }
    });
  };
  main();
})();
