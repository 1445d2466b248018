(function (ui, data) {
  "use strict";
  var box = data.box, layers = data.layers, most = data.options;
  var select = ui.get("question"), slider = ui.get("temperature");

  function gaps(rows) {  // thousandths below the best logit, "0,812,..;.." a layer
    return rows.split(";").map(function (row) { return row.split(",").map(function (gap) { return +gap / 1000; }); });
  }

  function softmax(gap, t) {
    var e = gap.map(function (g) { return Math.exp(-g / t); });
    var total = e.reduce(function (sum, x) { return sum + x; }, 0);
    return e.map(function (x) { return x / total; });
  }

  function entropy(p) { return p.reduce(function (h, x) { return x > 0 ? h - x * Math.log(x) : h; }, 0); }

  function divergence(p, q) {  // Jensen-Shannon: the entropy of the mean minus the mean of the entropies
    var m = p.map(function (x, k) { return (x + q[k]) / 2; });
    return Math.max(0, entropy(m) - (entropy(p) + entropy(q)) / 2);
  }

  function mean(values) { return values.reduce(function (sum, x) { return sum + x; }, 0) / values.length; }

  function state(number, t) {
    var q = data.questions[number], plm = gaps(q.plm), polm = gaps(q.polm);
    var s = {id: q.id, t: t, pdl: q.pdl};
    s.plm = plm.map(function (gap) { return softmax(gap, 1); });
    s.polm = polm.map(function (gap, l) { return softmax(gap, l + 1 < q.pdl ? 1 : t); });
    s.divergence = plm.map(function (gap, l) { return divergence(s.plm[l], softmax(polm[l], 1)); });
    s.jump = Math.abs(s.divergence[q.pdl - 1] - s.divergence[q.pdl - 2]);
    s.entropy = {plm: s.plm.map(entropy), polm: s.polm.map(entropy)};
    ["plm", "polm"].forEach(function (model) {
      s["ise_" + model] = mean(s.entropy[model].slice(q.pdl - 1));
      s[model + "_answer"] = gaps(q[model])[layers - 1].indexOf(0);
      s[model + "_confidence"] = s[model][layers - 1][s[model + "_answer"]];
    });
    return s;
  }

  function x(layer) { return box.left + (layer - 0.5) / layers * box.width; }
  function points(values, base, height) { return values.map(function (v, l) { return [x(l + 1), base - v * height]; }); }
  function joined(p) { return "M" + p.map(function (xy) { return xy.map(ui.fixed).join(" "); }).join("L"); }
  function dots(p) { return p.map(function (xy) { return "M" + xy.map(ui.fixed).join(" ") + "h0"; }).join(""); }

  function drawOptions(s, right) {
    var count = s.plm[0].length, strip = box.beliefs[1] / count;
    ui.all("option").forEach(function (group, k) {
      group.style.display = k < count ? "" : "none";
      if (k >= count) return;
      var base = box.beliefs[0] + strip * (k + 1), node = group.children, high = strip - 8;
      ["plm", "polm"].forEach(function (model, i) {
        var p = points(s[model].map(function (belief) { return belief[k]; }), base, high);
        ui.set(node[1 + 2 * i], {d: joined(p)});
        ui.set(node[2 + 2 * i], {d: dots(p)});
      });
      ui.set(node[0], {d: "M" + box.left + " " + ui.fixed(base) + "h" + box.width});
      node[5].textContent = ui.letter(k) + (k === right ? " ✓" : "");
      node[6].textContent = (k === s.plm_answer ? "●" : "") + (k === s.polm_answer ? "■" : "");
      ui.set(node[5], {y: ui.fixed(base - strip / 2 + 4)});
      ui.set(node[6], {y: ui.fixed(base - strip / 2 + 4)});
    });
  }

  function drawDivergence(s) {
    var base = box.divergence[0] + box.divergence[1], wide = box.width / layers * 0.7;
    var bars = s.divergence.map(function (d, l) {
      var high = d / Math.LN2 * box.divergence[1];
      return "M" + ui.fixed(x(l + 1) - wide / 2) + " " + ui.fixed(base) + "v" + ui.fixed(-high) +
        "h" + ui.fixed(wide) + "v" + ui.fixed(high) + "z";
    });
    ui.set(ui.get("bars"), {d: bars.join("")});
    ui.set(ui.get("peak"), {d: bars[s.pdl - 1]});
    ui.set(ui.get("pdl"), {x: ui.fixed(x(s.pdl))});
    ui.set(ui.get("region"), {x: ui.fixed(x(s.pdl - 0.5)), width: ui.fixed(box.left + box.width - x(s.pdl - 0.5))});
  }

  function drawEntropy(s) {
    var base = box.entropy[0] + box.entropy[1], high = box.entropy[1] / Math.log(most);
    ["plm", "polm"].forEach(function (model) {
      var node = ui.get("entropy-" + model).children, level = base - s["ise_" + model] * high;
      var p = points(s.entropy[model], base, high);
      ui.set(node[0], {d: joined(p)});
      ui.set(node[1], {d: dots(p)});
      ui.set(node[2], {d: "M" + ui.fixed(x(s.pdl - 0.5)) + " " + ui.fixed(level) + "H" + (box.left + box.width)});
      ui.set(node[3], {y: ui.fixed(level + 4)});
    });
  }

  function texts(number, s, right) {
    var found = {number: String(number + 1), id: JSON.stringify(s.id), pdl: String(s.pdl), t: ui.temperature(s.t)};
    ["jump", "ise_plm", "ise_polm", "plm_confidence", "polm_confidence"].forEach(function (name) {
      found[name] = s[name].toFixed(3);
    });
    found.final = s.divergence[layers - 1].toFixed(3);
    found.plm_answer = ui.letter(s.plm_answer);
    found.polm_answer = ui.letter(s.polm_answer);
    found.right = right < 0 ? "?" : ui.letter(right);
    return found;
  }

  function draw(input) {
    var s = state(input.number, input.t), right = data.questions[input.number].right;
    drawOptions(s, right);
    drawDivergence(s);
    drawEntropy(s);
    ui.all("text").forEach(function (node, i) { node.className = i === input.number ? "on" : ""; });
    ui.all("pick").forEach(function (b) { ui.set(b, {"aria-pressed": String(+b.dataset.value === input.number)}); });
    ui.set(slider, {"aria-valuetext": "T = " + ui.temperature(input.t)});
    return {texts: texts(input.number, s, right), state: s};
  }

  function read() { ui.show({number: +select.value, t: +ui.temperature(Math.pow(2, +slider.value))}); }

  select.addEventListener("input", read);
  slider.addEventListener("input", read);
  ui.all("pick").forEach(function (button) {
    button.addEventListener("click", function () { select.value = button.dataset.value; read(); });
  });
  return {first: {number: data.first, t: 1}, draw: draw};
})
