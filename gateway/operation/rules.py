"""The rules of validation: GraphQL's own, the costliest of them with less to spend.

Whether fields of one name can be merged is asked of each pair of them, and of all that is selected below. That grows
with the square of an operation, and graphql-core stops it late.
"""

from __future__ import annotations

from graphql import OverlappingFieldsCanBeMergedRule, ValidationContext, specified_rules
from graphql.validation import ASTValidationRule

Rules = tuple[type[ASTValidationRule], ...]


def rules_with(max_comparisons: int) -> Rules:
    """GraphQL's rules. Beyond so many comparisons of two fields validation is aborted."""

    class OverlappingFields(OverlappingFieldsCanBeMergedRule):
        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            # Two for each comparison, and one for each step on the way to it.
            self.rule_context.remaining_complexity_budget = 2 * max_comparisons

    return tuple(OverlappingFields if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules)
