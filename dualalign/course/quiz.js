(function (root, isTest) {
  "use strict";
  if (!root || root.dataset.ready) return;
  root.dataset.ready = "1";
  var list = function (selector, from) { return Array.prototype.slice.call((from || root).querySelectorAll(selector)); };
  var items = list("[data-part=item]"), total = root.querySelector("[data-part=total]");
  var reading = list("[data-part=reading] > li"), first = items.map(function () { return null; });

  function paragraphs(node, lines) {  // lines are our own escaped HTML
    node.innerHTML = lines.map(function (line) { return "<p>" + line + "</p>"; }).join("");
  }

  function row(item, place) { return list("details li", item)[place]; }
  function says(line) { return line.querySelector("span").innerHTML; }

  function verdict(item) {  // true, false, or null where nothing is chosen
    var chosen = item.querySelector("input:checked");
    return chosen ? row(item, +chosen.value).hasAttribute("data-right") : null;
  }

  function tell(item) {
    var said = item.querySelector("[data-part=said]"), chosen = item.querySelector("input:checked");
    var right = item.querySelector("details li[data-right]");
    var answer = "The answer is <b>" + right.querySelector("b").innerHTML + "</b>. " + says(right);
    if (!chosen) { paragraphs(said, [isTest ? "✗ No answer. " + answer : "Choose an option first."]); return; }
    var ok = verdict(item), lines = [(ok ? "✓ Right. " : isTest ? "✗ " : "✗ Not yet. ") + says(row(item, +chosen.value))];
    paragraphs(said, isTest && !ok ? lines.concat(answer) : lines);
  }

  function toRead() {  // every page once, with the items that lead to it
    var pages = [], found = {};
    first.forEach(function (ok, i) {
      var page = reading[i] && reading[i].innerHTML;
      if (ok || !page) return;
      if (!found[page]) { found[page] = []; pages.push(page); }
      found[page].push(i + 1);
    });
    return pages.map(function (page) {
      return "<li>" + page + " (item" + (found[page].length > 1 ? "s " : " ") + found[page].join(", ") + ")</li>";
    }).join("");
  }

  function score() {
    var right = first.filter(Boolean).length, pages = toRead();
    var line = "<strong>" + right + " of " + items.length + (isTest ? " right.</strong>" : " right at the first try.</strong>");
    total.innerHTML = "<p>" + line + (pages ? " To read:</p><ul>" + pages + "</ul>" : "</p>");
    root.dataset.score = right;
  }

  items.forEach(function (item, i) {
    item.querySelector("details").hidden = true;
    if (isTest) return;
    var button = item.querySelector("[data-part=check]");
    button.hidden = false;
    button.addEventListener("click", function () {
      var ok = verdict(item);
      tell(item);
      if (ok === null || first[i] !== null) return;
      first[i] = ok;
      if (first.indexOf(null) < 0) score();
    });
    list("input", item).forEach(function (input) {
      input.addEventListener("change", function () { item.querySelector("[data-part=said]").textContent = ""; });
    });
  });
  if (!isTest) return;
  var end = root.querySelector("[data-part=score]");
  end.hidden = false;
  end.addEventListener("click", function () {
    first = items.map(function (item) { return verdict(item) === true; });
    items.forEach(tell);
    score();
  });
})
