/** Entry of an account's page: one click sets a usual latency. */

document.addEventListener("click", ({ target }) => {
  const { latency } = target.dataset;
  if (latency !== undefined) target.form.elements.latency_ms.value = latency;
});
