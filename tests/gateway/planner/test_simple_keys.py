"""Plans of the plainest graph: two subgraphs that share an entity by its key."""

from __future__ import annotations

from inline_snapshot import snapshot

from gateway.operation.prepare import prepare
from gateway.plan.render import render
from gateway.planner.plan_operation import plan_operation
from gateway.query_graph.build import build_query_graph
from gateway.supergraph.read import read_supergraph

MACHINERY = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
{ query: Query }
scalar join__FieldSet
"""

USERS = (
    MACHINERY
    + """
enum join__Graph {
  ACCOUNTS @join__graph(name: "accounts", url: "http://accounts")
  REVIEWS @join__graph(name: "reviews", url: "http://reviews")
}
type Query @join__type(graph: ACCOUNTS) @join__type(graph: REVIEWS) {
  me: User @join__field(graph: ACCOUNTS)
}
type User @join__type(graph: ACCOUNTS, key: "id") @join__type(graph: REVIEWS, key: "id") {
  id: ID!
  name: String @join__field(graph: ACCOUNTS)
  reviews(first: Int): [Review!]! @join__field(graph: REVIEWS)
}
type Review @join__type(graph: REVIEWS) {
  body: String
  author: User
}
"""
)


def plan_of(supergraph: str, document: str) -> str:
    graph = build_query_graph(read_supergraph(supergraph))
    return render(plan_operation(graph, prepare(graph.supergraph, document)))


def test_a_field_of_another_subgraph_is_fetched_by_the_key() -> None:
    document = "query ($n: Int = 3) { me { name reviews(first: $n) { body } } }"
    assert plan_of(USERS, document) == snapshot("""\
QueryPlan {
  Sequence {
    Fetch 0 (subgraph: accounts) {
      {
        me {
          name
          id
        }
      }
    }
    Fetch 1 (subgraph: reviews) {
      $representations: me as User { id }
      query ($representations: [_Any!]!, $n: Int = 3) {
        _entities(representations: $representations) {
          ... on User {
            reviews(first: $n) {
              body
            }
          }
        }
      }
    }
  }
}\
""")


def test_fetches_to_one_subgraph_at_one_stage_are_one_request() -> None:
    document = "{ me { reviews { body } } you: me { reviews { body } } }"
    assert plan_of(USERS, document) == snapshot("""\
QueryPlan {
  Sequence {
    Fetch 0 (subgraph: accounts) {
      {
        me {
          id
        }
        you: me {
          id
        }
      }
    }
    Fetch 1 (subgraph: reviews) {
      $representations0: me as User { id }
      $representations1: you as User { id }
      query ($representations0: [_Any!]!, $representations1: [_Any!]!) {
        _entities0: _entities(representations: $representations0) {
          ... on User {
            reviews {
              body
            }
          }
        }
        _entities1: _entities(representations: $representations1) {
          ... on User {
            reviews {
              body
            }
          }
        }
      }
    }
  }
}\
""")
