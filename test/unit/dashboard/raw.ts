// One request as it is written, and the bytes of its answer: fetch would tidy up both.
import { once } from "node:events";
import http from "node:http";
import type { Dashboard } from "./dashboard.ts";

export interface Raw {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export async function raw(
  { url }: Pick<Dashboard, "url">,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = "GET",
): Promise<Raw> {
  const { port } = new URL(url);
  const sent = http.request({ port, host: "127.0.0.1", path, method, headers, agent: false });
  sent.end();
  const [response] = (await once(sent, "response")) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) };
}
