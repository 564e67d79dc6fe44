// The options of OTLP over gRPC: names and defaults of the Collector's server.
import { z } from "vedette";
import { keepAliveOptions } from "./keepalive.ts";
import { bufferSize, delay, serverOptions } from "./listener.ts";

export const grpcOptions = z.object({
  ...serverOptions(4317),
  max_recv_msg_size_mib: z
    .number()
    .positive()
    .max(1024)
    .default(4)
    .describe("Largest message in MiB, both as sent and inflated."),
  max_concurrent_streams: z.int().positive().max(10_000).default(100).describe("Calls at once on one connection."),
  read_timeout: delay().prefault("1m").describe("Longest time for a whole request; 0: no limit."),
  read_buffer_size: bufferSize(),
  write_buffer_size: bufferSize(),
  keepalive: keepAliveOptions.prefault({}).describe("When connections are looked after, and when they are closed."),
});

export type GrpcOptions = z.output<typeof grpcOptions>;
