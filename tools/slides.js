(function () {
  "use strict";
  var SIZE = [1280, 720], LEAST = 0.6, PHONE = 600;
  var sections = Array.prototype.slice.call(document.querySelectorAll(".slides > section"));
  var slides = document.querySelector(".slides");

  function tooLarge(section) {
    var shown = Array.prototype.slice.call(section.querySelectorAll(".shown"));
    return section.offsetHeight > SIZE[1] || shown.some(function (box) { return box.scrollWidth > box.clientWidth + 1; });
  }

  function fit(section) {  // a slide that is too large is set smaller, down to a size that a back row still reads
    var scale = 1;
    while (tooLarge(section) && scale > LEAST) {
      scale = Math.round((scale - 0.05) * 100) / 100;
      section.style.fontSize = scale + "em";
    }
    section.dataset.scale = scale;
    section.dataset.height = section.offsetHeight;
  }

  function loaded(image) {
    return image.complete ? null : new Promise(function (done) { image.onload = image.onerror = done; });
  }

  function measure() {
    document.documentElement.classList.add("measured");
    slides.style.width = SIZE[0] + "px";
    slides.style.height = SIZE[1] + "px";
    sections.forEach(fit);
    slides.style.width = slides.style.height = "";
    document.documentElement.classList.remove("measured");
  }

  function reach() {  // what scrolls inside itself can be scrolled by keyboard
    document.querySelectorAll("table, mjx-container").forEach(function (node) {
      if (node.scrollWidth > node.clientWidth) node.tabIndex = 0;
    });
  }

  function start() {
    if (window.innerWidth < PHONE) { reach(); return null; }
    document.documentElement.classList.remove("stacked");
    measure();
    return Reveal.initialize({
      width: SIZE[0], height: SIZE[1], margin: 0.02, center: false, hash: true, slideNumber: "c/t", transition: "none",
      backgroundTransition: "none", controlsTutorial: false, pdfSeparateFragments: false, pdfMaxPagesPerSlide: 1,
      navigationMode: "linear"
    });
  }

  function show() { document.documentElement.classList.remove("waiting"); }

  window.startSlides = function () {  // MathJax calls it when the formulas are set
    return Promise.all(Array.prototype.map.call(document.images, loaded)).then(start).finally(show);
  };
  window.slidesReady = MathJax.startup.promise;
  if (!window.slidesReady) show();  // no MathJax: the slides stand below each other, formulas as they are written
})();
