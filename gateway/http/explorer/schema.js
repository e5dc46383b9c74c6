// The schema as a list to read and search. In: an introspection result. Out: elements. Types that start with __ are left out.

export const INTROSPECTION = `query Schema {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types {
      kind name description
      fields(includeDeprecated: true) { name description args { name type { ...T } } type { ...T } }
      inputFields { name description type { ...T } }
      enumValues(includeDeprecated: true) { name description }
      possibleTypes { name }
    }
  }
}
fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }`;

export function typeText(type) {
  if (type.kind === "NON_NULL") return `${typeText(type.ofType)}!`;
  if (type.kind === "LIST") return `[${typeText(type.ofType)}]`;
  return type.name;
}

function fieldText(field) {
  const args = field.args?.length ? `(${field.args.map((arg) => `${arg.name}: ${typeText(arg.type)}`).join(", ")})` : "";
  return `${field.name}${args}${field.type ? `: ${typeText(field.type)}` : ""}`;
}

function line(text, description) {
  const item = document.createElement("li");
  item.textContent = text;
  if (description) item.title = description;
  return item;
}

function drawer(type, wanted) {
  const members = type.fields ?? type.inputFields ?? type.enumValues ?? [];
  const shown = type.name.toLowerCase().includes(wanted)
    ? members
    : members.filter((member) => member.name.toLowerCase().includes(wanted));
  if (wanted && !shown.length && !type.name.toLowerCase().includes(wanted)) return null;
  const box = document.createElement("details");
  box.open = Boolean(wanted);
  const head = box.appendChild(document.createElement("summary"));
  head.append(`${type.name} `);
  const kind = head.appendChild(document.createElement("span"));
  kind.className = "kind";
  kind.textContent = type.kind.toLowerCase().replace("_", " ");
  if (type.description) box.appendChild(document.createElement("p")).textContent = type.description;
  const list = box.appendChild(document.createElement("ul"));
  const lines = type.kind === "UNION" ? type.possibleTypes.map((one) => line(one.name)) : shown.map((one) => line(fieldText(one), one.description));
  list.append(...lines);
  return box;
}

export function showTypes(schema, host, wanted) {
  const roots = [schema.queryType, schema.mutationType, schema.subscriptionType].filter(Boolean).map((type) => type.name);
  const place = (type) => (roots.includes(type.name) ? roots.indexOf(type.name) : roots.length);
  const types = schema.types.filter((type) => !type.name.startsWith("__") && type.kind !== "SCALAR");
  types.sort((a, b) => place(a) - place(b) || a.name.localeCompare(b.name));
  host.replaceChildren(...types.map((type) => drawer(type, wanted.trim().toLowerCase())).filter(Boolean));
}
