// The meaning of a word of the glossary beside the word: on hover, on keyboard focus, on a first tap. Escape puts it away.
(() => {
  const words = {/* words */};
  const links = [...document.querySelectorAll("a.reference:has(> .std-term)")];
  const home = document.querySelector("main") || document.body;
  if (!links.length) return;

  const tip = document.createElement("div");
  tip.id = "word-tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  const notes = document.createElement("div");
  notes.hidden = true;
  home.append(notes, tip);

  let open = null, timer = 0, touched = false;

  const meaning = (link) => words[decodeURIComponent(link.hash).replace("#term-", "").replaceAll("-", " ")]
    ?? words[decodeURIComponent(link.hash).replace("#term-", "")];

  function describe(link, number) {
    const note = document.createElement("span");
    note.id = `word-note-${number}`;
    note.textContent = meaning(link);
    notes.append(note);
    link.setAttribute("aria-describedby", note.id);
    link.removeAttribute("title");
  }

  function place(link) {
    const box = link.getClientRects()[0], gap = 6, edge = 8;
    tip.style.left = "0px";
    tip.style.top = "0px";
    const origin = tip.getBoundingClientRect();
    const left = Math.max(edge, Math.min(box.left, document.documentElement.clientWidth - origin.width - edge));
    const below = box.bottom + gap;
    const top = below + origin.height > innerHeight && box.top - gap - origin.height > 0 ? box.top - gap - origin.height : below;
    tip.style.left = `${left - origin.left}px`;
    tip.style.top = `${top - origin.top}px`;
  }

  function show(link) {
    clearTimeout(timer);
    open = link;
    tip.textContent = meaning(link);
    if (touched) tip.append(Object.assign(document.createElement("em"), { textContent: " Tap the word again for the glossary." }));
    tip.hidden = false;
    place(link);
  }

  function hide() {
    clearTimeout(timer);
    tip.hidden = true;
    open = null;
  }

  const later = (what, wait) => { clearTimeout(timer); timer = setTimeout(what, wait); };

  links.filter(meaning).forEach((link, number) => {
    describe(link, number);
    link.addEventListener("pointerdown", (event) => { touched = event.pointerType !== "mouse"; });
    link.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") { touched = false; later(() => show(link), 150); } });
    link.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") later(hide, 250); });
    link.addEventListener("focus", () => { if (link.matches(":focus-visible")) { touched = false; show(link); } });
    link.addEventListener("blur", hide);
    link.addEventListener("click", (event) => { if (touched && open !== link) { event.preventDefault(); show(link); } });
  });
  tip.addEventListener("pointerenter", () => clearTimeout(timer));
  tip.addEventListener("pointerleave", () => later(hide, 250));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  document.addEventListener("pointerdown", (event) => { if (open && !open.contains(event.target) && !tip.contains(event.target)) hide(); });
})();
