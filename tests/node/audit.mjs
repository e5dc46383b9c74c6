// Audits a GraphQL server with graphql-http's own suite. In: its URL. Out: one line of JSON an audit.
import { auditServer } from 'graphql-http';

for (const { id, name, status, reason } of await auditServer({ url: process.argv[2] })) {
  console.log(JSON.stringify({ id, name, status, reason }));
}
