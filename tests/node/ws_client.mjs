// Asks over graphql-ws. In: URL, questions as JSON. Out: one line of JSON a question, with its results in order.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [url, questions] = process.argv.slice(2);
const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0, keepAlive: 50, lazyCloseTimeout: 200 });

const ask = (query, most = Infinity) =>
  new Promise((resolve) => {
    const results = [];
    let stop = () => {};
    stop = client.subscribe(
      { query },
      {
        next: (value) => {
          results.push(value);
          if (results.length === most) stop();
        },
        error: (errors) => resolve({ results, end: 'error', count: errors.length }),
        complete: () => resolve({ results, end: 'complete' }),
      },
    );
  });

for (const one of await Promise.all(JSON.parse(questions).map(([query, most]) => ask(query, most ?? undefined)))) {
  console.log(JSON.stringify(one));
}
await client.dispose();
