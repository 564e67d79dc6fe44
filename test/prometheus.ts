// A real Prometheus for tests, and its answers to queries.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { eventually, folderWith, request } from "./agent.ts";

/** Why tests against it are skipped; false where there is one. */
export const withoutPrometheus: string | false =
  spawnSync("prometheus", ["--version"]).status === 0
    ? false
    : "no prometheus on PATH; apt-get install -y --no-install-recommends prometheus";

/** A Prometheus on a free port that takes remote write, and scrapes `target` ten times a second where there is one; resolves to its address. */
export async function startPrometheus(t: TestContext, target?: string): Promise<string> {
  const scrape = target === undefined ? "" : `{ job_name: agent, static_configs: [{ targets: ["${target}"] }] }`;
  const folder = folderWith(t, {
    "prom.yml": `global: { scrape_interval: 100ms, scrape_timeout: 100ms }\nscrape_configs: [${scrape}]\n`,
  });
  const child: ChildProcess = spawn(
    "prometheus",
    [
      `--config.file=${join(folder, "prom.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      "--web.listen-address=127.0.0.1:0",
      "--web.enable-remote-write-receiver",
      "--log.level=info",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const closed = once(child, "close");
  t.after(async () => {
    child.kill("SIGKILL");
    await closed;
  });
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const address = () => /Listening on" address=(\S+)/.exec(said)?.[1];
  await eventually("Prometheus to listen", () => address() !== undefined || child.exitCode !== null);
  const found = address();
  // it listens a moment before it is ready
  for (let left = 200; left > 0 && found !== undefined; left--) {
    if ((await request(found, "/-/ready")).status === 200) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  if (found === undefined) throw new Error(`Prometheus ended\n${said}`);
  return found;
}

/** The answer to an instant query, asked until there is one. */
export async function answer(
  prometheus: string,
  query: string,
): Promise<{ metric: Record<string, string>; value: [number, string] }[]> {
  for (let left = 200; left > 0; left--) {
    const { status, body } = await request(prometheus, `/api/v1/query?query=${encodeURIComponent(query)}`);
    // it listens a moment before it is ready
    const result = status === 200 ? JSON.parse(body.toString()).data.result : [];
    if (result.length > 0) return result;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no answer to ${query}`);
}
