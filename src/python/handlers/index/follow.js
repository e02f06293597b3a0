// Brings what the page says now into the part of it that is live, every few seconds.
const seconds = 3;

async function refresh() {
  const live = document.querySelector("[data-live]");
  const isRead = live.querySelector("details[open]") || live.contains(document.activeElement)
    || !document.getSelection().isCollapsed || document.hidden;
  if (!isRead) {
    const response = await fetch(location.href, { cache: "no-cache" });
    if (response.redirected) location.reload(); // the session has ended
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.querySelector("[data-live]");
    for (const item of fresh.querySelectorAll("li[id]")) {
      if (!document.getElementById(item.id)) item.classList.add("new");
    }
    live.replaceWith(fresh);
  }
}

async function follow() {
  // A request that fails is made again the next time.
  await refresh().catch(() => {});
  setTimeout(follow, seconds * 1000);
}

setTimeout(follow, seconds * 1000);
