"""@cost and @listSize across subgraphs: one name for each, and slicing arguments that the supergraph still has."""

from __future__ import annotations

from gateway.composition.federation_spec import FEDERATION
from gateway.composition.merged import Merged
from gateway.composition.problems import Place, Report, joined, named_subgraphs


def check(merged: Merged, report: Report) -> None:
    """Look at imports of both directives, and at every list size."""
    for name in ("@cost", "@listSize"):
        written: dict[str, list[str]] = {}
        places: list[Place] = []
        for subgraph in merged.subgraphs.values():
            link = next((link for link in subgraph.links if link.identity == FEDERATION), None)
            if link is not None and name in link.imports:
                written.setdefault(link.imports[name], []).append(subgraph.name)
                places.append(subgraph.place(link.node))
        if len(written) > 1:
            told = joined([f'"{each}" in {named_subgraphs(names)}' for each, names in written.items()])
            message = f'"{name}" must have one name everywhere: it is imported as {told}.'
            report.problem("LINK_IMPORT_NAME_MISMATCH", message, *places)
    for type_ in merged.types.values():
        for field in type_.fields.values():
            slicing = {
                argument
                for each in field.by.values()
                for applied in each.applied("listSize")
                for argument in applied.strings("slicingArguments")
            }
            kept = {name for name in slicing if name in field.arguments and field.arguments[name].is_kept}
            if slicing and not kept:
                message = (
                    f'@listSize on "{type_.name}.{field.name}" slices by {joined(sorted(slicing))}, which not every '
                    f"subgraph takes, so that the supergraph has none of them."
                )
                report.problem("LIST_SIZE_INVALID_SLICING_ARGUMENT", message, *merged.places(field.by))
