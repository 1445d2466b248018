(function (root, data) {
  "use strict";
  if (!root || root.dataset.ready) return;
  root.dataset.ready = "1";
  var get = function (name) { return root.querySelector("[data-part='" + name + "']"); };
  var all = function (name) { return Array.prototype.slice.call(root.querySelectorAll("[data-part='" + name + "']")); };
  var rows = data.gaps.split(";").map(function (row) { return row.split(",").map(function (g) { return +g / 1000; }); });
  var right = data.correct.split("").map(Number);
  var bins = data.edges.length - 1, box = data.box, Z2 = 1.959963984540054 * 1.959963984540054;
  var slider = get("slider"), now = 1;

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

  function set(node, values) { for (var k in values) node.setAttribute(k, values[k]); }
  function px(v) { return (box.left + v * box.size).toFixed(2); }
  function py(v) { return (box.top + (1 - v) * box.size).toFixed(2); }

  function draw(s) {
    var most = Math.max.apply(null, s.count);
    all("bin").forEach(function (group, i) {
      var n = s.count[i], dot = group.querySelector("circle"), bar = group.querySelector("rect");
      var lines = group.querySelectorAll("line"), high = n / most * box.strip;
      set(bar, {y: (box.stripBase - high).toFixed(2), height: high.toFixed(2)});
      dot.style.display = lines[0].style.display = lines[1].style.display = n ? "" : "none";
      if (!n) return;
      var c = px(s.sum[i] / n), a = s.hits[i] / n;
      set(lines[0], {x1: c, x2: c, y1: py(a), y2: py(s.sum[i] / n)});
      set(lines[1], {x1: c, x2: c, y1: py(wilson(a, n, -1)), y2: py(wilson(a, n, 1))});
      set(dot, {cx: c, cy: py(a)});
    });
  }

  function shown(t) { return t < 10 ? t.toFixed(3) : t.toFixed(2); }

  function update(t) {
    var s = state(t);
    now = t;
    draw(s);
    var at = (Math.log2(t) - data.low) / (data.high - data.low);
    set(get("cursor"), {cx: px(at), cy: (box.curveBase - s.ece / data.curveTop * box.curve).toFixed(2)});
    get("t").textContent = shown(t);
    get("ece").textContent = s.ece.toFixed(3);
    get("confidence").textContent = s.confidence.toFixed(3);
    get("accuracy").textContent = s.accuracy.toFixed(3);
    set(slider, {"aria-valuetext": "T = " + shown(t)});
    get("code").textContent = data.code.replace("{T}", shown(t));
    root.dataset.state = JSON.stringify({t: t, ece: s.ece, confidence: s.confidence, accuracy: s.accuracy, count: s.count});
    all("mark").forEach(function (b) { set(b, {"aria-pressed": String(+b.dataset.t === t)}); });
  }

  function copied(done) {
    get("copied").textContent = done ? "Copied." : "Select the two lines above and copy them.";
  }

  function copyByHand(text) {  // pages opened from a file have no clipboard in some browsers
    var area = document.createElement("textarea"), done = false;
    area.value = text;
    root.appendChild(area);
    area.select();
    try { done = document.execCommand("copy"); } catch (error) { done = false; }
    root.removeChild(area);
    copied(done);
  }

  slider.addEventListener("input", function () { update(Math.pow(2, +slider.value)); });
  all("mark").forEach(function (button) {
    button.addEventListener("click", function () {
      slider.value = Math.log2(+button.dataset.t);
      update(+button.dataset.t);
    });
  });
  get("copy").addEventListener("click", function () {
    var text = get("code").textContent;
    if (!navigator.clipboard) { copyByHand(text); return; }
    navigator.clipboard.writeText(text).then(function () { copied(true); }, function () { copyByHand(text); });
  });
  get("controls").hidden = false;
  update(now);
})
