// The page's own logic: examples, run, answers. Everything it loads comes from the gateway that serves it.

import { coloured, Editor } from "./editor.js";
import { INTROSPECTION, showTypes } from "./schema.js";
import { post, subscribe } from "./transport.js";

const byId = (id) => document.getElementById(id);
const url = new URL("graphql", document.baseURI).href;
const documentEditor = new Editor(byId("document"));
const variablesEditor = new Editor(byId("variables"));
let stop = null;
let schema = null;

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
    byId(other.dataset.panel).hidden = other !== button;
  }
  if (button.dataset.panel === "docs" && !schema) loadSchema();
}

async function showExamples() {
  const examples = await (await fetch("explorer/examples.json")).json();
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
  for (const other of buttons) other.classList.toggle("on", other === button);
  documentEditor.text = example.document;
  variablesEditor.text = example.variables;
}

async function loadSchema() {
  const { answer } = await post(url, { query: INTROSPECTION }, token());
  schema = answer.data?.__schema;
  if (schema) showTypes(schema, byId("types"), "");
  else byId("types").textContent = answer.errors?.[0]?.message ?? "This gateway does not show its schema.";
}

const token = () => byId("token").value.trim().replace(/^Bearer\s+/i, "");

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
    return say(`Variables are not JSON: ${problem.message}`);
  }
  byId("response").replaceChildren();
  byId("plan").textContent = "";
  if (/^\s*subscription\b/m.test(asked.query)) return listen(asked);
  say("running …");
  const started = performance.now();
  try {
    const { status, answer } = await post(url, asked, token());
    say(`HTTP ${status}, ${Math.round(performance.now() - started)} ms`);
    showAnswer(answer);
  } catch (problem) {
    say(`No answer: ${problem.message}`);
  }
}

function listen(asked) {
  let events = 0;
  byId("run").classList.add("live");
  byId("run").textContent = "\u25a0 Stop";
  say("listening …");
  const onEvent = (answer) => {
    events += 1;
    say(`${events} events`);
    showAnswer(answer, true);
  };
  stop = subscribe(url, asked, token(), onEvent, (reason) => {
    stop = null;
    byId("run").classList.remove("live");
    byId("run").textContent = "\u25b6 Run";
    say(`${events} events, ${reason}`);
  });
}

function showAnswer(answer, keep = false) {
  const { extensions, ...rest } = answer;
  if (extensions?.queryPlan) byId("plan").textContent = planText(extensions.queryPlan);
  const { queryPlan, ...others } = extensions ?? {};
  if (Object.keys(others).length) rest.extensions = others;
  const block = document.createElement("div");
  block.innerHTML = coloured(JSON.stringify(rest, null, 2), "json");
  byId("response").replaceChildren(...(keep ? [block, ...byId("response").children] : [block]));
  offerToken(answer.data);
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
    byId("token").value = found.token;
    button.remove();
  });
}

function say(text) {
  byId("status").textContent = text;
}

await showExamples();
if (new URLSearchParams(location.search).has("run")) run();
