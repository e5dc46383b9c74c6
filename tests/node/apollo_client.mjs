// Apollo Client asks a query with @defer or @stream. In: URL, "older" or "newer" spelling, the query. Out: what it
// gives to its user, one line of JSON each time.
import { ApolloClient, HttpLink, InMemoryCache, NetworkStatus, gql } from '@apollo/client';
import { Defer20220824Handler, GraphQL17Alpha9Handler } from '@apollo/client/incremental';

const [url, spelling, query] = process.argv.slice(2);
const client = new ApolloClient({
  link: new HttpLink({ uri: url }),
  cache: new InMemoryCache(),
  incrementalHandler: spelling === 'older' ? new Defer20220824Handler() : new GraphQL17Alpha9Handler(),
});
const asked = client.watchQuery({ query: gql(query), errorPolicy: 'all' });
asked.subscribe(({ data, dataState, error, networkStatus }) => {
  if (data === undefined && !error) return;
  console.log(JSON.stringify({ data, state: dataState, error: error?.message ?? null }));
  if (networkStatus === NetworkStatus.ready || networkStatus === NetworkStatus.error) process.exit(0);
});
