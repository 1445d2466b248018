(function (ui, data) {
  "use strict";
  var rows = data.gaps.split(";").map(function (row) { return row.split(",").map(function (g) { return +g / 1000; }); });
  var right = data.correct.split("").map(Number);
  var bins = data.edges.length - 1, box = data.box, Z2 = 1.959963984540054 * 1.959963984540054;
  var slider = ui.get("slider");

  function confidence(gaps, t) {  // softmax of the top option: its logit lies `gaps` above the others
    return 1 / gaps.reduce(function (sum, gap) { return sum + Math.exp(-gap / t); }, 1);
  }

  function bin(c) {
    var i = bins - 1;
    while (i > 0 && c < data.edges[i]) i--;
    return i;
  }

  function state(t) {
    var zero = function () { return new Array(bins).fill(0); };
    var s = {count: zero(), sum: zero(), hits: zero(), ece: 0, confidence: 0, accuracy: 0};
    rows.forEach(function (gaps, q) {
      var c = confidence(gaps, t), i = bin(c);
      s.count[i] += 1; s.sum[i] += c; s.hits[i] += right[q];
      s.confidence += c / rows.length; s.accuracy += right[q] / rows.length;
    });
    for (var i = 0; i < bins; i++) s.ece += Math.abs(s.sum[i] - s.hits[i]) / rows.length;
    return s;
  }

  function wilson(share, n, sign) {
    var z2 = Z2 / n, half = Math.sqrt(z2 * (share * (1 - share) + z2 / 4));
    return Math.min(1, Math.max(0, (share + z2 / 2 + sign * half) / (1 + z2)));
  }

  function px(v) { return ui.fixed(box.left + v * box.size); }
  function py(v) { return ui.fixed(box.top + (1 - v) * box.size); }

  function drawBins(s) {
    var most = Math.max.apply(null, s.count);
    ui.all("bin").forEach(function (group, i) {
      var n = s.count[i], dot = group.querySelector("circle"), bar = group.querySelector("rect");
      var lines = group.querySelectorAll("line"), high = n / most * box.strip;
      ui.set(bar, {y: ui.fixed(box.stripBase - high), height: ui.fixed(high)});
      dot.style.display = lines[0].style.display = lines[1].style.display = n ? "" : "none";
      if (!n) return;
      var c = px(s.sum[i] / n), a = s.hits[i] / n;
      ui.set(lines[0], {x1: c, x2: c, y1: py(a), y2: py(s.sum[i] / n)});
      ui.set(lines[1], {x1: c, x2: c, y1: py(wilson(a, n, -1)), y2: py(wilson(a, n, 1))});
      ui.set(dot, {cx: c, cy: py(a)});
    });
  }

  function draw(t) {
    var s = state(t), at = (Math.log2(t) - data.low) / (data.high - data.low);
    drawBins(s);
    ui.set(ui.get("cursor"), {cx: px(at), cy: ui.fixed(box.curveBase - s.ece / data.curveTop * box.curve)});
    ui.set(slider, {"aria-valuetext": "T = " + ui.temperature(t)});
    ui.all("mark").forEach(function (b) { ui.set(b, {"aria-pressed": String(+b.dataset.value === t)}); });
    var texts = {t: ui.temperature(t), n: rows.length.toLocaleString("en")};
    ["ece", "confidence", "accuracy"].forEach(function (name) { texts[name] = s[name].toFixed(3); });
    return {texts: texts, state: {t: t, ece: s.ece, confidence: s.confidence, accuracy: s.accuracy, count: s.count}};
  }

  slider.addEventListener("input", function () { ui.show(+ui.temperature(Math.pow(2, +slider.value))); });
  ui.all("mark").forEach(function (button) {
    button.addEventListener("click", function () {
      slider.value = Math.log2(+button.dataset.value);
      ui.show(+button.dataset.value);
    });
  });
  return {first: 1, draw: draw};
})
