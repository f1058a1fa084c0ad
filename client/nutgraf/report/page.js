"use strict";
(() => {
  const PAUSE = 200; // ms that the pointer rests on a sentence before the article moves
  let chosen = null; // by focus, click or tap; stays until another one or Escape
  let hovered = null;
  let lit = null;
  let waiting = 0;

  const sentenceOf = (node) => (node instanceof Element ? node.closest("[data-evidence]") : null);
  const bestOf = (sentence) => document.getElementById(sentence.hash.slice(1));

  function light() {
    const sentence = hovered ?? chosen;
    if (sentence === lit) return;
    clearTimeout(waiting);
    for (const segment of document.querySelectorAll("[data-lit]")) delete segment.dataset.lit;
    lit?.classList.remove("on");
    lit = sentence;
    if (!lit) return;
    lit.classList.add("on");
    for (const item of lit.dataset.evidence.split(" ")) {
      const [id, rank] = item.split(":");
      document.getElementById(id).dataset.lit = rank;
    }
  }

  // Smoothly or not, and how far from the edges, the style says.
  const scroll = (sentence) => bestOf(sentence).scrollIntoView({ block: "nearest" });

  function choose(sentence) {
    chosen = sentence;
    hovered = null;
    light();
    if (sentence) scroll(sentence);
  }

  // Not pointerover: that also comes when the page moves under a resting pointer.
  document.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") return;
    const sentence = sentenceOf(event.target);
    if (sentence === hovered) return;
    hovered = sentence;
    light();
    clearTimeout(waiting);
    if (sentence) waiting = setTimeout(scroll, PAUSE, sentence);
  });
  document.documentElement.addEventListener("pointerleave", () => {
    hovered = null;
    light();
  });

  document.addEventListener("focusin", (event) => {
    const sentence = sentenceOf(event.target);
    if (sentence) choose(sentence);
  });

  document.addEventListener("click", (event) => {
    const sentence = sentenceOf(event.target);
    if (!sentence) {
      if (!event.target.closest("[data-lit]")) choose(null);
      return;
    }
    event.preventDefault(); // the link would fill the history
    choose(sentence);
    if (event.detail > 0) return;
    // From a keyboard or a screen reader: go there, to read on from there.
    const passage = bestOf(sentence);
    passage.tabIndex = -1;
    passage.focus({ preventScroll: true });
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !chosen) return;
    if (document.activeElement === chosen) choose(null);
    else chosen.focus();
  });
})();
