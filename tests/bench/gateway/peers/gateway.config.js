// Hive Gateway as fast as it goes: one process, no pages, nothing between the request and the answer.
// SHARED=1: identical requests to subgraphs, and identical requests of clients, are made once while under way.
// The overrides in package.json name versions of two of its parts that every mirror of the registry has.
const shares = process.env.SHARED === "1";

export const gatewayConfig = {
  fork: 1,
  logging: "warn",
  landingPage: false,
  graphiql: false,
  healthCheckEndpoint: "/health",
  inboundInflightRequestDeduplication: shares,
  transportEntries: { "*": { options: { deduplicateInflightRequests: shares } } },
};
