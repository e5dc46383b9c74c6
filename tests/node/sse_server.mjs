// A subgraph over graphql-sse's own server. Out: its port, then a line for each subscription that ended.
import http from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { GraphQLInt, GraphQLNonNull, GraphQLObjectType, GraphQLSchema } from 'graphql';
import { createHandler } from 'graphql-sse/lib/use/http';

const count = {
  type: GraphQLInt,
  args: { to: { type: new GraphQLNonNull(GraphQLInt) } },
  async *subscribe(_, { to }) {
    try {
      for (let n = 1; n <= to; n++) {
        yield { count: n };
        await setTimeout(5);
      }
    } finally {
      console.log('ended');
    }
  },
};
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({ name: 'Query', fields: { n: { type: GraphQLInt } } }),
  subscription: new GraphQLObjectType({ name: 'Subscription', fields: { count } }),
});
const server = http.createServer(createHandler({ schema }));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
