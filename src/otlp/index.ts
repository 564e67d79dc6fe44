// The wire format (`vedette/otlp`): for receivers, exporters and whoever reads a request byte by byte.
export * from "./columns.ts";
export {
  anomalyAttributes,
  encodeAnomalyGauges,
  encodeAnomalyLogs,
  encodeAttributes,
  encodeExemplar,
} from "./encode.ts";
export { jsonToProtobuf } from "./from_json.ts";
export { decodeAttributes, labelsOf, resourceOf, resourcesOf } from "./labels.ts";
export { scanLogs } from "./logs.ts";
export { identifyPoint, scanMetrics } from "./metrics.ts";
export { requestBuffers } from "./pool.ts";
export * from "./prometheus.ts";
export { Edits } from "./splice.ts";
export * from "./status.ts";
export { protobufToJson } from "./to_json.ts";
export { scanTraces } from "./traces.ts";
export { DecodeError, enter, position, readTag, readVarint, skip } from "./wire.ts";
export { Wire, Writer } from "./writer.ts";
