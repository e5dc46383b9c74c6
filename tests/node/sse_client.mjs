// Asks over graphql-sse. In: URL, "single" or "distinct". Out: one line of JSON a question, with its results in order.
import { createClient } from 'graphql-sse';

const [url, mode] = process.argv.slice(2);
const client = createClient({ url, singleConnection: mode === 'single', retryAttempts: 0 });

const ask = (query, most = Infinity) =>
  new Promise((resolve) => {
    const results = [];
    const stop = client.subscribe(
      { query },
      {
        next: (value) => {
          results.push(value);
          if (results.length === most) {
            stop();
            resolve({ results, end: 'stopped' });
          }
        },
        error: (error) => resolve({ results, end: 'error', status: error.response?.status }),
        complete: () => resolve({ results, end: 'complete' }),
      },
    );
  });

const questions = JSON.parse(process.argv[4]);
for (const one of await Promise.all(questions.map(([query, most]) => ask(query, most ?? undefined)))) {
  console.log(JSON.stringify(one));
}
client.dispose();
