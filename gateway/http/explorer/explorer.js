// The page's own logic: examples, run, answers. Everything it loads comes from the gateway that serves it.

import { coloured, Editor } from "./editor.js";
import { INTROSPECTION, showTypes } from "./schema.js";
import { TokenField } from "./token.js";
import { post, subscribe } from "./transport.js";

const byId = (id) => document.getElementById(id);
const url = new URL("graphql", document.baseURI).href;
const documentEditor = new Editor(byId("document"));
const variablesEditor = new Editor(byId("variables"));
const token = new TokenField(byId("token"), byId("token-note"), byId("sign-out"), () => {
  stop?.();
  clear();
  say("signed out");
});
let stop = null;
let schema = null;
let latest = 0;

byId("endpoint").textContent = url;
byId("run").addEventListener("click", run);
byId("search").addEventListener("input", () => schema && showTypes(schema, byId("types"), byId("search").value));
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
});
for (const button of document.querySelectorAll("[data-panel]")) button.addEventListener("click", () => open(button));

function open(button) {
  for (const other of button.parentElement.querySelectorAll("[data-panel]")) {
    other.classList.toggle("on", other === button);
    other.setAttribute("aria-selected", String(other === button));
    byId(other.dataset.panel).hidden = other !== button;
  }
  if (button.dataset.panel === "docs" && !schema) loadSchema();
}

async function showExamples() {
  const examples = await fetch("explorer/examples.json").then((answer) => answer.json(), () => []);
  const buttons = examples.map((example) => {
    const button = document.createElement("button");
    button.textContent = example.name;
    button.appendChild(document.createElement("small")).textContent = example.summary;
    button.addEventListener("click", () => show(example, button, buttons));
    return button;
  });
  byId("examples").replaceChildren(...buttons);
  const wanted = new URLSearchParams(location.search).get("example");
  const first = Math.max(0, examples.findIndex((example) => example.name === wanted));
  if (examples.length) show(examples[first], buttons[first], buttons);
  else documentEditor.text = "{ __typename }\n";
}

function show(example, button, buttons) {
  stop?.();
  for (const other of buttons) other.classList.toggle("on", other === button);
  documentEditor.text = example.document;
  variablesEditor.text = example.variables;
}

async function loadSchema() {
  try {
    const { answer } = await post(url, { query: INTROSPECTION }, token.text);
    schema = answer.data?.__schema;
    if (schema) showTypes(schema, byId("types"), byId("search").value);
    else byId("types").textContent = answer.errors?.[0]?.message ?? "This gateway does not show its schema.";
  } catch (problem) {
    byId("types").textContent = `No answer: ${problem.message}`;
  }
}

function request() {
  const text = variablesEditor.text.trim();
  return { query: documentEditor.text, variables: text ? JSON.parse(text) : {}, extensions: { queryPlan: true } };
}

async function run() {
  if (stop) return stop();
  let asked;
  try {
    asked = request();
  } catch (problem) {
    return say(`Variables are not JSON: ${problem.message}`, true);
  }
  clear();
  if (/^\s*subscription\b/m.test(asked.query)) return listen(asked);
  say("running …");
  const started = performance.now();
  const mine = ++latest;
  try {
    const { status, answer } = await post(url, asked, token.text);
    if (mine !== latest) return;
    const errors = answer.errors?.length ?? 0;
    const time = `${Math.round(performance.now() - started)} ms`;
    say([`HTTP ${status}`, ...(errors ? [counted(errors, "error")] : []), time].join(", "), errors > 0);
    showAnswer(answer);
  } catch (problem) {
    if (mine === latest) say(`No answer: ${problem.message}`, true);
  }
}

function listen(asked) {
  const mine = ++latest;
  let [events, errors] = [0, 0];
  const told = () => [counted(events, "event"), ...(errors ? [counted(errors, "error")] : [])].join(", ");
  byId("run").classList.add("live");
  byId("run").textContent = "\u25a0 Stop";
  say("listening …");
  const onEvent = (answer) => {
    if (mine !== latest) return;
    if (answer.data) events += 1;
    errors += answer.errors?.length ?? 0;
    say(told(), errors > 0);
    showAnswer(answer, true);
  };
  const close = subscribe(url, asked, token.text, onEvent, (reason, wanted) => over(`${told()}, ${reason}`, errors > 0 || !wanted));
  function over(text, isProblem) {
    if (mine !== latest) return;
    latest += 1;
    stop = null;
    byId("run").classList.remove("live");
    byId("run").textContent = "\u25b6 Run";
    say(text, isProblem);
  }
  // At once: a connection that hangs would answer the close much later.
  stop = () => {
    close();
    over(`${told()}, stopped`, errors > 0);
  };
}

const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

function clear() {
  latest += 1;
  byId("response").replaceChildren();
  byId("response").dataset.empty = "";
  byId("plan").textContent = "";
}

function showAnswer(answer, keep = false) {
  const { extensions, ...rest } = answer;
  if (extensions?.queryPlan) byId("plan").textContent = planText(extensions.queryPlan);
  const { queryPlan, ...others } = extensions ?? {};
  if (Object.keys(others).length) rest.extensions = others;
  const block = document.createElement("div");
  block.innerHTML = coloured(JSON.stringify(rest, null, 2), "json");
  for (const text of block.querySelectorAll(".t-string")) fold(text);
  byId("response").replaceChildren(...(keep ? [block, ...byId("response").children] : [block]));
  offerToken(answer.data);
}

// Tokens and signed addresses fill one line, not ten; copied, they are whole. An address is one click away.
function fold(element) {
  const text = JSON.parse(element.textContent);
  if (text.length > 60 && !text.includes(" ")) element.classList.add("long");
  if (!/^https?:\/\/\S+$/.test(text)) return;
  const link = document.createElement("a");
  Object.assign(link, { href: text, textContent: element.textContent, target: "_blank", rel: "noreferrer" });
  element.replaceChildren(link);
}

const planText = (plan) => (typeof plan === "string" ? plan : plan.text ?? JSON.stringify(plan, null, 2));

// A sign-in's answer holds a token: one click puts it into the Authorization field.
function offerToken(data) {
  const found = Object.values(data ?? {}).find((value) => typeof value?.token === "string");
  if (!found) return;
  const button = byId("status").appendChild(document.createElement("button"));
  button.id = "use-token";
  button.textContent = "Use this token";
  button.addEventListener("click", () => {
    token.text = found.token;
    say("signed in");
  });
}

function say(text, isProblem = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("t-problem", isProblem);
}

await showExamples();
if (new URLSearchParams(location.search).has("run")) run();
