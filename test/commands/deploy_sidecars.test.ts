// deploy/: what Compose and Kubernetes are told fits the configuration that Vedette runs beside an application.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { parse, parseAllDocuments } from "yaml";
import { folderWith, vedette } from "../agent.ts";

const folder = fileURLToPath(new URL("../../deploy/", import.meta.url));
const read = (name: string) => readFileSync(posix.join(folder, name), "utf8");
const found = (command: string, ...args: string[]) => spawnSync(command, args, { timeout: 20_000 }).status === 0;

const CONFIG = read("vedette.yaml");
const config = parse(CONFIG);
const STATE = "/var/lib/vedette";
const seconds = (text: string) => (/^\d+s$/.test(text) ? Number.parseInt(text, 10) : assert.fail(text));
const STOPPING = seconds(config.service.shutdown_timeout);
/** Names of the variables that a configuration asks for. */
const variablesOf = (text: string) => [...text.matchAll(/\$\{env:(\w+)/g)].map(([, name]) => name);
/** Ports that answer others than the pod, container or machine once VEDETTE_ADDRESS says so. */
const OPEN = [Number(/VEDETTE_ADDRESS.*:(\d+)$/m.exec(CONFIG)![1]), metricsPort()];

function metricsPort(): number {
  const { host, port } = config.service.telemetry.metrics.readers[0].pull.exporter.prometheus;
  assert.match(host, /VEDETTE_ADDRESS/);
  return port;
}

const compose = parse(read("compose.yaml"));
const { services } = compose;
/** Laid over vedette.yaml; of Compose's own, a dollar is written twice. */
const BACKENDS: string = compose.configs.backends.content.replaceAll("$$", "$");

test("the application has Vedette's network, and comes after it and ends before it", () => {
  const { app, vedette } = services;
  assert.equal(app.network_mode, "service:vedette");
  assert.deepEqual(app.depends_on.vedette, { condition: "service_healthy", restart: true });
  assert.equal(app.ports, undefined, "a container without a network of its own publishes nothing");
  assert.deepEqual(app.command, ["demo", "--endpoint", `http://${config.receivers.otlp.protocols.http.endpoint}`]);
  assert.ok(seconds(vedette.stop_grace_period) > STOPPING);
});

test("Compose: what services mount is there, and nothing is published beyond this machine", () => {
  for (const [name, service] of Object.entries<any>(services)) {
    for (const { source } of service.configs ?? []) assert.ok(compose.configs[source], `${name}: ${source}`);
    for (const volume of service.volumes ?? [])
      assert.ok(volume.split(":")[0] in compose.volumes, `${name}: ${volume}`);
    for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/);
  }
  for (const { file } of Object.values<any>(compose.configs)) {
    if (file) assert.ok(existsSync(posix.join(folder, file)), file);
  }
  const { build, configs, command, environment, volumes, read_only } = services.vedette;
  assert.ok(existsSync(posix.join(folder, build.context, build.dockerfile)));
  const mounted = configs.map(({ target }: { target: string }) => target);
  assert.deepEqual(command, ["run", ...mounted.flatMap((target: string) => ["--config", target])]);
  const asked = variablesOf(CONFIG + BACKENDS);
  assert.deepEqual(
    Object.keys(environment).filter((name) => !asked.includes(name)),
    [],
  );
  assert.ok(read_only && volumes.includes(`state:${STATE}`));
});

test("Compose: what Vedette is told of its backends is valid and names services that are there", async (t) => {
  process.env["VEDETTE_TOKEN"] = "0123456789abcdef";
  t.after(() => delete process.env["VEDETTE_TOKEN"]);
  const args = ["validate", "--config", posix.join(folder, "vedette.yaml"), "--config", `yaml:${BACKENDS}`];
  const { code, stderr } = await vedette(t, args);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  const hosts = [...BACKENDS.matchAll(/http:\/\/([\w-]+):/g)].map(([, host]) => host);
  assert.ok(hosts.length > 0);
  assert.deepEqual(
    hosts.filter((host) => !(host in services)),
    [],
  );
});

test("Compose: who reaches the dashboard from outside of the container logs in, with a token that must be given", () => {
  const { endpoint, token } = parse(BACKENDS).extensions.dashboard;
  assert.deepEqual(services.vedette.ports, [`127.0.0.1:4320:${endpoint.split(":")[1]}`]);
  const name = /^\$\{env:(\w+)\}$/.exec(token)![1];
  assert.ok(services.vedette.environment[name].startsWith(`\${${name}:?`), "Compose does not start without it");
});

test("Compose: Prometheus scrapes ports that Vedette answers on", () => {
  const { scrape_configs, alerting } = parse(compose.configs.prometheus.content);
  const answered = [...OPEN, Number(parse(BACKENDS).exporters.prometheus.endpoint.split(":")[1])];
  const targets = [...scrape_configs, ...alerting.alertmanagers].flatMap((each) => each.static_configs[0].targets);
  for (const target of targets) {
    const [host, port] = target.split(":");
    assert.ok(host in services, target);
    if (host === "vedette") assert.ok(answered.includes(Number(port)), target);
  }
  assert.ok(services.prometheus.command.includes("--web.enable-otlp-receiver"));
});

for (const [name, command, ...args] of [
  ["prometheus", "promtool", "check", "config"],
  ["alertmanager", "amtool", "check-config"],
]) {
  const skip =
    !found(command, "--version") && `no ${command} on PATH; apt-get install prometheus prometheus-alertmanager`;
  test(`${command} finds nothing wrong with what ${name} is told`, { skip }, (t) => {
    const file = posix.join(folderWith(t, { "config.yml": compose.configs[name].content }), "config.yml");
    const { status, stdout, stderr } = spawnSync(command, [...args, file], { encoding: "utf8", timeout: 20_000 });
    assert.equal(status, 0, stdout + stderr);
  });
}

const noCompose = !found("docker", "compose", "version") && "no Docker Compose on this machine";
test("Compose finds nothing wrong with compose.yaml", { skip: noCompose }, () => {
  const args = ["compose", "--file", posix.join(folder, "compose.yaml"), "config", "--quiet"];
  const env = { ...process.env, VEDETTE_TOKEN: "0123456789abcdef" };
  const { status, stderr } = spawnSync("docker", args, { env, encoding: "utf8", timeout: 20_000 });
  assert.equal(status, 0, stderr);
});

const documents = parseAllDocuments(read("kubernetes.yaml"));
const objects = documents.map((document) => document.toJS({ maxAliasCount: 0 }));
const [map, deployment] = objects;
const pod = deployment.spec.template;
const [sidecar] = pod.spec.initContainers;
const [app] = pod.spec.containers;

test("Kubernetes: two objects of stable APIs, without a mistake in their YAML", () => {
  assert.deepEqual(
    documents.flatMap(({ errors, warnings }) => [...errors, ...warnings]),
    [],
  );
  assert.deepEqual(
    objects.map(({ apiVersion, kind }) => [apiVersion, kind]),
    [
      ["v1", "ConfigMap"],
      ["apps/v1", "Deployment"],
    ],
  );
  assert.deepEqual(deployment.spec.selector.matchLabels, pod.metadata.labels);
});

test("Kubernetes: the ConfigMap holds deploy/vedette.yaml, where the image looks for it", () => {
  assert.deepEqual(map.data, { "vedette.yaml": CONFIG });
  const [volume] = pod.spec.volumes.filter((each: any) => each.configMap?.name === map.metadata.name);
  const [mount] = sidecar.volumeMounts.filter((each: any) => each.name === volume.name);
  const [, path] = /"--config", "(.*)"\]/.exec(read("Dockerfile"))!;
  assert.equal(posix.join(mount.mountPath, "vedette.yaml"), path);
});

test("Kubernetes: Vedette is a native sidecar that is given time to deliver, and whose faults are its own", () => {
  assert.equal(sidecar.restartPolicy, "Always", "else the application waits for its end");
  assert.ok(pod.spec.terminationGracePeriodSeconds > STOPPING + 30, "the application ends first, in 30 s as a rule");
  assert.equal(sidecar.readinessProbe, undefined, "it would count for the whole pod");
  assert.ok(sidecar.startupProbe && sidecar.livenessProbe);
});

test("Kubernetes: ports, probes and variables are those of the configuration", () => {
  const ports = new Map<string, number>(sidecar.ports.map((port: any) => [port.name, port.containerPort]));
  assert.deepEqual([...ports.values()], OPEN);
  for (const name of ports.keys()) assert.match(name, /^(?=.{1,15}$)[a-z0-9]+(-[a-z0-9]+)*$/);
  for (const { httpGet } of [sidecar.startupProbe, sidecar.livenessProbe])
    assert.equal(ports.get(httpGet.port), OPEN[0]);
  const variables = Object.fromEntries(sidecar.env.map((each: any) => [each.name, each.value ?? each.valueFrom]));
  const asked = variablesOf(CONFIG);
  assert.deepEqual(
    Object.keys(variables).filter((name) => !asked.includes(name)),
    [],
  );
  assert.equal(variables["VEDETTE_ADDRESS"], "0.0.0.0", "the kubelet asks from outside the pod");
  assert.ok(variables["VEDETTE_BACKEND_AUTHORIZATION"].secretKeyRef, "no secret stands in the manifest");
  const [endpoint] = app.env.filter((each: any) => each.name === "OTEL_EXPORTER_OTLP_ENDPOINT");
  assert.equal(endpoint.value, `http://${config.receivers.otlp.protocols.http.endpoint}`);
});

test("Kubernetes: every mount has its volume, every volume a use, and only volumes are written to", () => {
  const volumes = pod.spec.volumes.map((each: any) => each.name).sort();
  assert.deepEqual(sidecar.volumeMounts.map((each: any) => each.name).sort(), volumes);
  assert.ok(sidecar.volumeMounts.some((each: any) => each.mountPath === STATE && !each.readOnly));
  const { runAsUser, ...confined } = sidecar.securityContext;
  assert.ok(read("Dockerfile").includes(`\nUSER ${runAsUser}:`));
  assert.deepEqual(confined, {
    runAsNonRoot: true,
    runAsGroup: runAsUser,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
    seccompProfile: { type: "RuntimeDefault" },
  });
  assert.ok(sidecar.resources.limits.memory && !sidecar.resources.limits.cpu);
});
