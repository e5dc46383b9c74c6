"""Spans as OTLP says them, in its JSON encoding (opentelemetry-proto, trace/v1). In: spans. Out: a request's body."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from gateway.telemetry.spans import Attribute, Kind, Span

_encoder = msgspec.json.Encoder()
_SAMPLED, _ERROR = 1, 2


def body_of(spans: Iterable[Span], resource: Mapping[str, Attribute]) -> bytes:
    scope = {"scope": {"name": "gateway"}, "spans": [_span(each) for each in spans]}
    return _encoder.encode(
        {"resourceSpans": [{"resource": {"attributes": _attributes(resource)}, "scopeSpans": [scope]}]}
    )


def _span(span: Span) -> dict[str, object]:
    trace = span.trace
    said: dict[str, object] = {
        "traceId": trace.trace_id,
        "spanId": span.span_id,
        "flags": _SAMPLED,
        "name": span.name,
        "kind": int(span.kind),
        # Numbers of 64 bits are texts in the JSON of protocol buffers.
        "startTimeUnixNano": str(span.started_ns),
        "endTimeUnixNano": str(span.ended_ns),
        "attributes": _attributes(span.attributes),
    }
    if span.parent_id is not None:
        said["parentSpanId"] = span.parent_id
    if trace.state is not None and span.kind is Kind.SERVER:
        said["traceState"] = trace.state
    if span.linked is not None:
        said["links"] = [{"traceId": span.linked[0], "spanId": span.linked[1]}]
    if span.error is not None:
        said["status"] = {"code": _ERROR}
        said["attributes"] = [*_attributes(span.attributes), {"key": "error.type", "value": _value(span.error)}]
    return said


def _attributes(attributes: Mapping[str, Attribute]) -> list[dict[str, object]]:
    return [{"key": name, "value": _value(value)} for name, value in attributes.items()]


def _value(value: Attribute) -> dict[str, object]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"arrayValue": {"values": [_value(each) for each in value]}}
