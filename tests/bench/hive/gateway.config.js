// Hive Gateway 2 asks for a batch-execute that not every mirror has, hence the override in package.json.
// One process, the subgraph over WebSocket as ours has it, and nothing between the request and the answer.
export const gatewayConfig = {
  fork: 1,
  logging: "warn",
  disableWebsockets: false,
  landingPage: false,
  graphiql: false,
  transportEntries: {
    "*": { options: { subscriptions: { kind: "ws", location: "/machines" } } },
  },
};
