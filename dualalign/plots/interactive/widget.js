(function (root, data, figure) {  // what every interactive figure shares; `figure(ui, data)` returns {first, draw}
  "use strict";
  if (!root || root.dataset.ready) return;
  root.dataset.ready = "1";
  var ui = {
    all: function (part) { return Array.prototype.slice.call(root.querySelectorAll("[data-part='" + part + "']")); },
    get: function (part) { return root.querySelector("[data-part='" + part + "']"); },
    set: function (node, attributes) { for (var name in attributes) node.setAttribute(name, attributes[name]); },
    letter: function (option) { return String.fromCharCode(65 + option); },
    fixed: function (value) { return value.toFixed(2); },
    temperature: function (t) { return t < 10 ? t.toFixed(3) : t.toFixed(2); }
  };

  function fill(template, texts) {
    return template.replace(/\{(\w+)\}/g, function (_, name) { return texts[name]; });
  }

  ui.show = function (input) {
    var found = figure.draw(input);
    ui.now = input;
    for (var name in found.texts) {
      Array.prototype.forEach.call(root.querySelectorAll("[data-text='" + name + "']"), function (node) {
        node.textContent = found.texts[name];
      });
    }
    ui.get("title").textContent = fill(data.title, found.texts);
    ui.get("code").textContent = fill(data.code, found.texts);
    root.dataset.state = JSON.stringify(found.state);
  };

  function copied(done) {
    ui.get("copied").textContent = done ? "Copied." : "Select the two lines above and copy them.";
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

  ui.get("copy").addEventListener("click", function () {
    var text = ui.get("code").textContent;
    if (!navigator.clipboard) { copyByHand(text); return; }
    navigator.clipboard.writeText(text).then(function () { copied(true); }, function () { copyByHand(text); });
  });

  figure = figure(ui, data);
  window.addEventListener("beforeprint", function () { ui.kept = ui.now; ui.show(figure.first); });
  window.addEventListener("afterprint", function () { ui.show(ui.kept); });
  ui.get("controls").hidden = false;
  ui.show(figure.first);
})
