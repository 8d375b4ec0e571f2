/**
 * Moves through maps by arrow keys. Puts a drawing with tooltips in the place of each still figure, when the reader
 * comes near it. Expressions are interpreted: the page forbids `eval`. Where anything fails the still figure stays.
 */
export const PAGE_SCRIPT = `
(() => {
  const specs = JSON.parse(document.getElementById("specs").textContent);
  const options = {
    mode: "vega-lite", ast: true, renderer: "svg", actions: false, defaultStyle: false,
    tooltip: { disableDefaultStyle: true },
  };
  const draw = async (plot) => {
    const drawing = document.createElement("div");
    try {
      await vegaEmbed(drawing, specs[plot.dataset.figure], options);
      plot.replaceChildren(drawing);
    } catch (error) {
      console.error(error);
    }
  };
  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      draw(target);
    }
  }, { rootMargin: "300px" });
  for (const plot of document.querySelectorAll("[data-figure]")) near.observe(plot);
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  for (const map of document.querySelectorAll(".map")) map.addEventListener("keydown", (event) => {
    const { row, column } = event.target.dataset;
    const step = steps[event.key];
    const next = step && map.querySelector(\`[data-row="\${+row + step[0]}"][data-column="\${+column + step[1]}"]\`);
    if (!step) return;
    event.preventDefault();
    if (!next) return;
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
})();
`;
