/**
 * Puts a drawing with tooltips in the place of each still figure, when the reader comes near it. Expressions are
 * interpreted: the page forbids `eval`. Where anything fails the still figure stays.
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
})();
`;
