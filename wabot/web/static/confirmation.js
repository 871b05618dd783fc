// Asks again every five seconds, for two minutes, whether the message was sent. Without this the page shows the
// state in which it was loaded.

const EVERY_MS = 5000;
const FOR_MS = 120000;

const card = document.getElementById("card");
const text = document.getElementById("text");
const began = performance.now();

function show(sent) {
  if (card.classList.contains("sent") === sent) return;
  card.classList.toggle("sent", sent);
  card.classList.toggle("not_sent", !sent);
  card.classList.toggle("arrived", sent);
  text.textContent = sent ? card.dataset.sent : card.dataset.notSent;
}

async function ask() {
  try {
    const answer = await fetch(card.dataset.ask, { cache: "no-store", signal: AbortSignal.timeout(EVERY_MS) });
    if (answer.ok) show((await answer.json()).sent === true);
  } catch {
    // no network for a moment: the next question is soon
  }
  if (performance.now() - began + EVERY_MS / 2 > FOR_MS) return card.classList.remove("asking");
  setTimeout(ask, EVERY_MS);
}

card.classList.add("asking");
setTimeout(ask, EVERY_MS);
