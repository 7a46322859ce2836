// What a screen reader would have no name for.
() =>
  [...document.querySelectorAll("button, input, select, textarea, svg, [role=img]")]
    .filter(
      (each) =>
        each.checkVisibility() &&
        !each.getAttribute("aria-label") &&
        !each.textContent.trim() &&
        !document.querySelector(`label[for="${each.id}"]`) &&
        !each.closest("label"),
    )
    .map((each) => each.outerHTML.slice(0, 80));
