// Send one operation. Queries and mutations go over HTTP, subscriptions over graphql-transport-ws on the same address.

export async function post(url, request, token) {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/graphql-response+json, application/json;q=0.9",
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    body: JSON.stringify(request),
  });
  const text = await response.text();
  try {
    return { status: response.status, answer: JSON.parse(text) };
  } catch {
    throw new Error(`HTTP ${response.status}, and no JSON: ${text.slice(0, 200)}`);
  }
}

// Calls `onEvent` with each answer and `onEnd` with why it ended and whether that was wanted. Returns what stops it.
export function subscribe(url, request, token, onEvent, onEnd) {
  const socket = new WebSocket(url.replace(/^http/, "ws"), "graphql-transport-ws");
  const send = (frame) => socket.send(JSON.stringify(frame));
  socket.onopen = () => send({ type: "connection_init", payload: token ? { authorization: `Bearer ${token}` } : {} });
  socket.onmessage = (message) => {
    const frame = JSON.parse(message.data);
    if (frame.type === "connection_ack") send({ id: "1", type: "subscribe", payload: request });
    else if (frame.type === "ping") send({ type: "pong" });
    else if (frame.type === "next") onEvent(frame.payload);
    else if (frame.type === "error") onEvent({ errors: frame.payload });
    if (frame.type === "complete" || frame.type === "error") socket.close(1000);
  };
  socket.onclose = (event) => onEnd(endings(event), event.code === 1000);
  return () => socket.close(1000);
}

function endings({ code, reason }) {
  if (code === 1000) return "ended";
  if (code === 4403) return `${reason}: the token does not hold, sign in again (4403)`;
  return `the connection was lost (${code})${reason && `: ${reason}`}`;
}
