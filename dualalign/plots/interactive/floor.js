(function (ui, data) {
  "use strict";
  var box = data.box, slider = ui.get("n"), KEPT = 20;  // draws that stay visible

  function mulberry32(seed) {
    var a = seed | 0;
    return function () {
      a = a + 0x6D2B79F5 | 0;
      var t = Math.imul(a ^ a >>> 15, a | 1);
      t = t + Math.imul(t ^ t >>> 7, t | 61) ^ t;
      return ((t ^ t >>> 14) >>> 0) / 4294967296;
    };
  }

  function drawn(seed, n, bins) {  // the ECE of n questions answered as rightly as their confidences say
    var random = mulberry32(seed), gap = new Array(bins).fill(0);
    for (var i = 0; i < n; i++) {
      var c = data.confidence[Math.floor(random() * data.confidence.length)] / 1000, b = bins - 1;
      while (b > 0 && c < b / bins) b--;
      gap[b] += c - (random() < c ? 1 : 0);
    }
    return gap.reduce(function (sum, g) { return sum + Math.abs(g); }, 0) / n;
  }

  function state(input) {
    var table = data.tables[input.bins], s = {n: data.sizes[input.size], bins: input.bins, draw: input.draw, table: table};
    s.floor = table.mean[input.size];
    s.low = table.low[input.size];
    s.high = table.high[input.size];
    s.share = table.share[input.size];
    s.measured = table.measured;
    s.histogram = table.counts[input.size];
    s.draws = [];
    for (var d = Math.max(1, input.draw - KEPT + 1); d <= input.draw; d++) s.draws.push(drawn(d, s.n, s.bins));
    s.drawn = s.draws[s.draws.length - 1];
    return s;
  }

  function x(n) { return box.left + Math.log10(n / 10) / 3 * box.fan; }
  function y(e) {
    var part = Math.log10(Math.min(data.high, Math.max(data.low, e)) / data.low) / Math.log10(data.high / data.low);
    return box.top + (1 - part) * box.height;
  }
  function point(n, e) { return ui.fixed(x(n)) + " " + ui.fixed(y(e)); }
  function path(values) { return values.map(function (e, i) { return point(data.sizes[i], e); }).join("L"); }
  function across(e) { return {y1: ui.fixed(y(e)), y2: ui.fixed(y(e))}; }

  function show(s) {
    var back = s.table.low.map(function (e, i) { return point(data.sizes[i], e); }).reverse().join("L");
    ui.set(ui.get("band"), {d: "M" + path(s.table.high) + "L" + back + "z"});
    ui.set(ui.get("mean"), {d: "M" + path(s.table.mean)});
    ui.set(ui.get("cursor"), {x1: ui.fixed(x(s.n)), x2: ui.fixed(x(s.n))});
    ui.set(ui.get("floor"), across(s.floor));
    if (s.measured !== null) ui.set(ui.get("measured"), across(s.measured));
    ui.set(ui.get("draws"), {d: s.draws.map(function (e) { return "M" + point(s.n, e) + "h0"; }).join("")});
    ui.set(ui.get("last"), {transform: "translate(" + point(s.n, s.drawn) + ")"});
    ui.set(ui.get("side"), {transform: "translate(" + ui.fixed(box.side + 6) + " " + ui.fixed(y(s.drawn)) + ")"});
    var most = Math.max.apply(null, s.histogram), high = box.height / s.histogram.length;
    ui.set(ui.get("bars"), {d: s.histogram.map(function (count, i) {
      var wide = count / most * box.wide;
      return "M" + box.side + " " + ui.fixed(box.top + box.height - (i + 0.9) * high) + "h" + ui.fixed(wide) +
        "v" + ui.fixed(0.8 * high) + "h" + ui.fixed(-wide) + "z";
    }).join("")});
  }

  function draw(input) {
    var s = state(input);
    show(s);
    ui.set(slider, {"aria-valuetext": s.n.toLocaleString("en") + " questions"});
    ui.all("bins").forEach(function (b) { ui.set(b, {"aria-pressed": String(+b.dataset.value === s.bins)}); });
    var texts = {count: s.n.toLocaleString("en"), n: String(s.n), bins: String(s.bins), draw: String(s.draw)};
    ["floor", "low", "high", "drawn", "measured", "share"].forEach(function (name) {
      texts[name] = s[name] === null ? "" : s[name].toFixed(3);
    });
    delete s.table;
    return {texts: texts, state: s};
  }

  function change(name, value) {
    var next = {size: ui.now.size, bins: ui.now.bins, draw: ui.now.draw};
    next[name] = value;
    ui.show(next);
  }

  slider.addEventListener("input", function () { change("size", +slider.value); });
  ui.all("bins").forEach(function (button) {
    button.addEventListener("click", function () { change("bins", +button.dataset.value); });
  });
  ui.get("again").addEventListener("click", function () { change("draw", ui.now.draw + 1); });
  return {first: data.first, draw: draw};
})
