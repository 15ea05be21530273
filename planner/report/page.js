(() => {
  "use strict";
  const form = document.querySelector("form.filters");
  if (!form) return;
  const selects = [...form.querySelectorAll("select")];
  const search = form.querySelector("input");
  const says = form.querySelector("output");
  const first = selects[0].dataset.facet;
  const items = [...document.querySelectorAll(`[data-f${first}]`)].map((element) => ({ element, text: element.textContent.toLowerCase() }));
  const rows = items.filter((item) => item.element.matches("tr") && !item.element.closest("details"));
  const counted = rows.length > 0 ? rows : items.filter((item) => item.element.matches("g.point"));
  const unit = rows.length > 0 ? form.dataset.unit : "marks";
  const apply = () => {
    const wanted = selects.filter((s) => s.value !== "").map((s) => ["f" + s.dataset.facet, s.value]);
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const { element, text } of items) {
      const fits = wanted.every(([facet, value]) => element.dataset[facet] === value) && words.every((word) => text.includes(word));
      element.classList.toggle("out", !fits);
    }
    const shown = counted.filter((item) => !item.element.classList.contains("out")).length;
    says.textContent = `${shown} of ${counted.length} ${unit}`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply();
})();
