"""Live streams: from one subgraph's events to every reader, behind all faces (WebSocket, SSE, multipart).

What flows through:

    subgraph --SubgraphAnswer--> Upstream --Event--> an outbox for each reader --Response--> its face
             one for identical    rest of the        Latest or Ordered
             subscriptions        plan, encoded once

- `selection`: a subscription's operation in; out: the same with the key and cursor of its `@delivery` selected, and
  where they stand in each event. The client's answer is shaped without them.
- `identity`: what makes two subscriptions identical: document, operation name, coerced variables, labels, tenant,
  headers that pass on, and the caller. The caller is left out where the field declares `share: TENANT`, the caller has
  a tenant, and every selected field comes from the field's own subgraph: no other has declared anything.
- `upstream`: one task reads the subgraph, runs the rest of the plan once an event, encodes once, and offers the event
  to every member. Who leaves, runs out or is too slow is taken out alone; the last one to go closes the stream.
- `outbox`: what waits for one reader, bounded in events and bytes. `Latest`: the newest of each key, each key so many
  times a second at most. `Ordered`: everything, or the end: SLOW_CONSUMER with the cursor of the last event delivered.
- `streams`: finds or opens the upstream, counts.

A late joiner gets the events from its joining on. Where the field is LATEST it first gets the newest event of each key
that the upstream has seen, since there an event is a state. Who resumes (`after` is given) joins a stream only while
that has given nothing yet.

Refuses: a rate for a field that is not LATEST, or that is no positive number. Time comes from a `Clock`.
"""
