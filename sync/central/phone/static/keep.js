// What is typed into a form marked data-keep and not sent yet survives a reload; it goes with the tab.
// A page that says `saved` in its address forgets it. The page works without this too.
(() => {
  const form = document.querySelector("form[data-keep]");
  if (!form) return;
  const query = new URLSearchParams(location.search);
  const key = "keep:" + location.pathname + "#" + (query.get("part") || "1");
  const kept = () => [...form.elements].filter((one) => one.name && !["hidden", "file", "submit"].includes(one.type));
  if (query.has("saved")) {
    sessionStorage.removeItem(key);
    query.delete("saved"); // else a later reload would forget what is typed from now on
    history.replaceState(null, "", location.pathname + "?" + query);
  } else if (form.dataset.keep !== "refused") {
    const typed = JSON.parse(sessionStorage.getItem(key) || "{}");
    for (const one of kept()) {
      if (one.value !== one.defaultValue && "defaultValue" in one) continue; // typed before this was loaded
      const name = one.name + (one.type === "radio" ? "=" + one.value : "");
      if (!(name in typed)) continue;
      if (one.type === "radio" || one.type === "checkbox") one.checked = typed[name];
      else one.value = typed[name];
    }
  }
  const keep = () => {
    const typed = {};
    for (const one of kept()) {
      const is_choice = one.type === "radio" || one.type === "checkbox";
      typed[one.name + (one.type === "radio" ? "=" + one.value : "")] = is_choice ? one.checked : one.value;
    }
    sessionStorage.setItem(key, JSON.stringify(typed));
  };
  form.addEventListener("input", keep);
  form.dataset.kept = "yes"; // from now on
})();
