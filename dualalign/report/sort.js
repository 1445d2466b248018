// A heading of a table of class "sort" becomes a button that sorts its column: first falling, then rising.
document.querySelectorAll("table.sort").forEach(function (table) {
  var body = table.tBodies[0];
  table.querySelectorAll("thead th").forEach(function (heading, column) {
    var button = document.createElement("button");
    button.type = "button";
    while (heading.firstChild) button.appendChild(heading.firstChild);
    heading.appendChild(button);
    button.addEventListener("click", function () {
      var rising = heading.getAttribute("aria-sort") === "descending";
      table.querySelectorAll("thead th").forEach(function (other) { other.removeAttribute("aria-sort"); });
      heading.setAttribute("aria-sort", rising ? "ascending" : "descending");
      var rows = Array.prototype.slice.call(body.rows);
      rows.sort(function (a, b) { return compare(key(a.cells[column]), key(b.cells[column]), rising); });
      rows.forEach(function (row) { body.appendChild(row); });
    });
  });
});
function key(cell) {
  return cell.hasAttribute("data-value") ? (cell.dataset.value === "" ? null : Number(cell.dataset.value)) : cell.textContent;
}
function compare(a, b, rising) {
  if (a === null || b === null) return (a === null) - (b === null); // what has no value comes last either way
  var order = typeof a === "number" ? a - b : a.localeCompare(b);
  return rising ? order : -order;
}
