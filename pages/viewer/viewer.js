// From the page's address to the picture: sign in, wait for the inspection, load it, show it. `?scan=ID`, `?inspection=ID`.

import { ask, download, INSPECTIONS, isSignedIn, Refused, SCAN, SCAN_OF_INSPECTION, SCAN_STATE, signIn, signOut } from "./graph.js";
import { readScene } from "./glb.js";
import { byId, element } from "./panels.js";
import { NoWebGl } from "./renderer.js";
import { View } from "./view.js";

const ASK_AGAIN_MS = 1000;
const MOST_TILE_BYTES = 32 << 20;
const wanted = new URLSearchParams(location.search);

function show(state) {
  document.body.dataset.state = state;
  byId("sign-out").hidden = !isSignedIn();
}

function say(title, text = "", remedy = "", share = null) {
  byId("message-title").textContent = title;
  byId("message-text").textContent = text;
  byId("message-remedy").textContent = remedy;
  byId("message-progress").hidden = share === null;
  if (share === undefined) byId("message-progress").removeAttribute("value");
  else byId("message-progress").value = share ?? 0;
  byId("choices").replaceChildren();
  show("message");
}

function named(asset) {
  if (!asset) return;
  byId("title").textContent = `${asset.name} \u00b7 ${asset.serialNumber}`;
  document.title = `${asset.serialNumber} \u2013 Inspection viewer`;
}

async function start() {
  if (!isSignedIn()) return show("sign-in");
  try {
    say("Loading", "The inspection is looked up.");
    const scan = wanted.get("scan") ?? (await scanOfInspection());
    if (!scan) return await offerInspections();
    if (await finished(scan)) await open(scan);
  } catch (problem) {
    tell(problem);
  }
}

async function scanOfInspection() {
  const id = wanted.get("inspection");
  if (!id) return null;
  const { inspection } = await ask(SCAN_OF_INSPECTION, { id });
  if (!inspection?.scan) throw new Refused("NOT_FOUND", "");
  return inspection.scan.id;
}

async function offerInspections() {
  const { nodes } = (await ask(INSPECTIONS, {})).inspections;
  say("Inspections", nodes.length ? "The newest ones of this workspace:" : "There are none in this workspace yet.");
  byId("choices").replaceChildren(...nodes.filter((node) => node.scan).map(({ scan, asset, verdict, createdAt }) => {
    const name = element("span", {}, `${asset?.name ?? "?"} \u00b7 ${asset?.serialNumber ?? "?"}`);
    const link = element("a", { href: `?scan=${encodeURIComponent(scan.id)}` }, name, new Date(createdAt).toLocaleString(), element("strong", { class: verdict }, verdict));
    return element("li", {}, link);
  }));
}

// Whether there is a result to show; waits for as long as the scan is at work.
async function finished(id) {
  for (;; await new Promise((over) => setTimeout(over, ASK_AGAIN_MS))) {
    const { scan } = await ask(SCAN_STATE, { id }).catch(orLater);
    if (scan === undefined) continue;
    if (!scan) throw new Refused("NOT_FOUND", "");
    named(scan.asset);
    if (scan.status === "PROCESSED" && scan.inspection) return true;
    const fault = scan.problem ?? scan.job?.error;
    if (scan.status === "QUARANTINED" || scan.job?.status === "FAILED") {
      say("This scan was refused", fault?.message ?? "No reason was kept.", fault ? `${fault.remedy} [${fault.code}]` : "");
      return false;
    }
    if (scan.status === "AWAITING_PARTS") say("The scan is being uploaded", "Its file has not come whole. This page goes on by itself.", "", undefined);
    else sayProgress(scan.job);
  }
}

// What passes is waited out.
function orLater(problem) {
  if (!["NO_ANSWER", "RATE_LIMITED", "SUBGRAPH_UNAVAILABLE", "SUBGRAPH_TIMEOUT"].includes(problem.code)) throw problem;
  say("The platform does not answer now", "This page goes on by itself.", "", undefined);
  return {};
}

function sayProgress(job) {
  const { stage, done, total } = job?.progress ?? {};
  const share = Number(total) > 0 ? Number(done) / Number(total) : undefined;
  const at = stage ? `Now: ${stage}.` : "It waits for a worker.";
  say("The scan is being measured", `${at} This page goes on by itself.`, "", share);
}

async function open(id) {
  say("Loading", "The figures are fetched.");
  const { scan } = await ask(SCAN, { id });
  const map = scan?.inspection?.deviationMap;
  if (!map) throw new Refused("NO_FIGURES", "The figures of this inspection did not come.", "Reload the page in a while.");
  const product = (kind) => map.products.find((one) => one.kind === kind);
  const scene = product("SCENE");
  if (!scene) throw new Refused("NO_SCENE", "This inspection has no scene: it was made before scenes were kept, or its part has more than 400,000 triangles.", "Inspect the scan again, or look at its report and pictures.");
  const size = `${(Number(scene.sizeBytes) / 1e6).toFixed(1)} MB`;
  const body = await download(scene.url, Number(scene.sizeBytes), (share) => say("Loading", `The part is fetched (${size}).`, "", share));
  show("shown");
  named(scan.asset);
  const view = new View(readScene(body), scan);
  // The picture is there already, and goes without them.
  await refine(view, product("TILES"), product("TILE_INDEX")).catch(() => {});
}

async function refine(view, tiles, index) {
  if (!tiles || !index || Number(tiles.sizeBytes) > MOST_TILE_BYTES) return;
  const read = (product) => download(product.url, Number(product.sizeBytes), () => {});
  const [body, text] = await Promise.all([read(tiles), read(index)]);
  view.refine(body, JSON.parse(new TextDecoder().decode(text)).deviationStep);
}

function tell(problem) {
  if (problem.code === "UNAUTHENTICATED") {
    signOut();
    byId("sign-in-problem").textContent = "The sign-in does not hold any more.";
    return show("sign-in");
  }
  if (problem instanceof NoWebGl) {
    say("This browser cannot draw the part", "It offers no WebGL 2.", "Turn on hardware acceleration, or use a newer browser. The report and the pictures of the inspection need none.");
  } else if (["NOT_FOUND", "BAD_USER_INPUT"].includes(problem.code)) {
    say("There is no such inspection", "Nothing in your workspace has the id in this page's address.", "Check the link, or whether you are signed in to the right workspace.");
  } else say("This did not work", problem.message, problem.remedy ?? "");
}

byId("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const given = new FormData(byId("sign-in"));
  byId("sign-in-problem").textContent = "";
  try {
    await signIn(given.get("workspace"), given.get("email"), given.get("password"));
    byId("sign-in").reset();
    start();
  } catch (problem) {
    byId("sign-in-problem").textContent = problem.message;
  }
});
byId("sign-out").addEventListener("click", () => {
  signOut();
  location.reload();
});
start();
