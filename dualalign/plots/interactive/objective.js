(function (ui, data) {
  "use strict";
  var box = data.box, slider = ui.get("tau"), fixed = ui.get("fixed"), choice = ui.get("weight");
  var PARTS = ["total", "confidence", "process"];

  function parts(weight) {  // a fixed weight needs only the plain means of both losses
    var named = data.curves[weight], mean = data.curves.mean;
    if (named) return named;
    return {
      confidence: mean.confidence.map(function (c) { return weight * c; }),
      process: mean.process.map(function (s) { return (1 - weight) * s; })
    };
  }

  function lowest(y) {  // the vertex of the parabola through the lowest point and its neighbours; null at an edge
    var i = y.indexOf(Math.min.apply(null, y));
    if (i === 0 || i === y.length - 1) return {t: null, value: null};
    var bend = y[i - 1] - 2 * y[i] + y[i + 1], shift = bend > 0 ? (y[i - 1] - y[i + 1]) / (2 * bend) : 0;
    return {t: Math.pow(2, data.low + data.step * (i + shift)), value: y[i] - (y[i - 1] - y[i + 1]) * shift / 4};
  }

  function histogram(weight) {
    if (data.histograms[weight]) return data.histograms[weight];
    var count = data.histograms.jsd[0].length, place = Math.min(count - 1, Math.floor(weight * count + 1e-9));
    return data.histograms.jsd.map(function (row) {
      var total = row.reduce(function (sum, n) { return sum + n; }, 0);
      return row.map(function (_, i) { return i === place ? total : 0; });
    });
  }

  function state(at, weight) {
    var s = {at: at, t: Math.pow(2, data.low + data.step * at), weight: weight, curves: parts(weight), optima: {}};
    s.curves = {confidence: s.curves.confidence, process: s.curves.process};
    s.curves.total = s.curves.confidence.map(function (c, i) { return c + s.curves.process[i]; });
    PARTS.forEach(function (part) {
      s[part] = s.curves[part][at];
      s.optima[part] = lowest(s.curves[part]);
    });
    s.histogram = histogram(weight);
    s.mean_weight = weight in data.means ? data.means[weight] : weight;
    return s;
  }

  function x(place) { return box.left + place / (data.points - 1) * box.width; }
  function y(value) { return box.plot[0] + (1 - value / data.top) * box.plot[1]; }

  function moved(left, top) { return {transform: "translate(" + ui.fixed(left) + " " + ui.fixed(top) + ")"}; }

  function drawCurves(s) {
    PARTS.forEach(function (part) {
      var points = s.curves[part].map(function (v, i) { return ui.fixed(x(i)) + " " + ui.fixed(y(v)); });
      ui.set(ui.get(part), {d: "M" + points.join("L")});
      ui.set(ui.get("at-" + part), moved(x(s.at), y(s[part])));
    });
    ui.set(ui.get("cursor"), {x1: ui.fixed(x(s.at)), x2: ui.fixed(x(s.at))});
    var found = s.optima.total, place = found.t === null ? 0 : (Math.log2(found.t) - data.low) / data.step;
    ui.get("optimum").style.display = found.t === null ? "none" : "";
    ui.set(ui.get("optimum"), moved(x(place), y(found.value || 0)));
  }

  function drawHistogram(s) {
    var count = s.histogram[0].length, wide = box.width / count, base = box.weights[0] + box.weights[1];
    var most = Math.max.apply(null, s.histogram[0].map(function (n, i) { return n + s.histogram[1][i]; }));
    ["agree", "disagree"].forEach(function (kind, row) {
      ui.set(ui.get(kind), {d: s.histogram[row].map(function (n, i) {
        var below = row ? s.histogram[0][i] / most * box.weights[1] : 0, high = n / most * box.weights[1];
        return "M" + ui.fixed(box.left + (i + 0.1) * wide) + " " + ui.fixed(base - below) + "v" + ui.fixed(-high) +
          "h" + ui.fixed(0.8 * wide) + "v" + ui.fixed(high) + "z";
      }).join("")});
    });
  }

  function draw(input) {
    var s = state(input.at, input.weight), named = typeof input.weight === "string";
    drawCurves(s);
    drawHistogram(s);
    ui.set(slider, {"aria-valuetext": "T = " + ui.temperature(s.t)});
    ui.set(fixed, {"aria-valuetext": named ? "not in use" : "w = " + input.weight.toFixed(2)});
    var texts = {t: ui.temperature(s.t), mean_weight: s.mean_weight.toFixed(3), weight: data.names[input.weight]};
    texts.weight = texts.weight || input.weight.toFixed(2) + " for all";
    texts.code = named ? JSON.stringify(input.weight) : input.weight.toFixed(2);
    PARTS.forEach(function (part) {
      texts[part] = s[part].toFixed(4);
      texts["lowest_" + part] = s.optima[part].t === null ? "none" : s.optima[part].t.toFixed(2);
    });
    return {texts: texts, state: s};
  }

  function read() { ui.show({at: +slider.value, weight: choice.value === "fixed" ? +fixed.value : choice.value}); }

  slider.addEventListener("input", read);
  choice.addEventListener("input", read);
  fixed.addEventListener("input", function () { choice.value = "fixed"; read(); });
  ui.get("go").addEventListener("click", function () {
    var found = state(+slider.value, ui.now.weight).optima.total;
    if (found.t !== null) slider.value = Math.round((Math.log2(found.t) - data.low) / data.step);
    read();
  });
  return {first: data.first, draw: draw};
})
