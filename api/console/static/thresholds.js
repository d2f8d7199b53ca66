// The line that is dragged over the precision curve, and the sentence about its threshold.

const LEFT = 60, WIDTH = 920, TOP = 20, HEIGHT = 130;
const form = document.querySelector("#choose");
const curve = JSON.parse(form.dataset.curve);
const lowest = Number(form.dataset.lowest);
const current = Number(form.dataset.current);
const slider = form.elements.threshold;
const chart = document.querySelector(".precision");
const line = chart.querySelector(".chosen-line");

const across = (threshold) => LEFT + WIDTH * threshold;
const bottom = Number(form.dataset.base);
const down = (share) => TOP + (HEIGHT * (1 - Math.max(bottom, share))) / (1 - bottom);
const percent = (share) => `${Math.round(share * 100)} %`;
const at = (threshold) => curve[Math.max(0, Math.min(curve.length - 1, Math.round(threshold * curve.length)))];

function draw() {
  const known = curve.filter(([threshold, judged]) => judged > 0 && threshold >= lowest);
  const path = (points) => points.map(([x, y], place) => `${place ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
  chart.querySelector(".middle").setAttribute("d", path(known.map(([t, , share]) => [across(t), down(share)])));
  const high = known.map(([t, , , , top]) => [across(t), down(top)]);
  const low = known.map(([t, , , least]) => [across(t), down(least)]).reverse();
  chart.querySelector(".interval").setAttribute("d", known.length ? `${path([...high, ...low])}Z` : "");
}

function say() {
  const threshold = Number(slider.value);
  const [, judged, share, low, high, waiting] = at(threshold);
  const more = waiting - at(current)[5];
  const flags = more === 0 ? `${waiting.toLocaleString("en")} undecided ${waiting === 1 ? "pair is" : "pairs are"} at or above it`
    : more > 0 ? `would flag ${more.toLocaleString("en")} more` : `would hide ${(-more).toLocaleString("en")}`;
  const expect = judged ? `; expect ${percent(low)} to ${percent(high)} duplicates (${percent(share)} of ${judged} judged)`
    : "; nothing judged there yet";
  for (const end of ["x1", "x2"]) line.setAttribute(end, across(threshold));
  document.querySelector("#chosen-value").textContent = threshold.toFixed(2);
  document.querySelector("#expect-words").textContent = flags + expect;
}

function choose(threshold) {
  slider.value = Math.max(0, Math.min(1, threshold));
  say();
}

function pointed(event) {
  const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(chart.getScreenCTM().inverse());
  choose((place.x - LEFT) / WIDTH);
}

slider.addEventListener("input", say);
chart.addEventListener("pointerdown", (event) => {
  chart.setPointerCapture(event.pointerId);
  pointed(event);
});
chart.addEventListener("pointermove", (event) => {
  if (chart.hasPointerCapture(event.pointerId)) pointed(event);
});
for (const button of document.querySelectorAll("[data-threshold]")) {
  button.addEventListener("click", () => choose(Number(button.dataset.threshold)));
}
draw();
