// bearertokenauth: which tokens get in, which one goes out, and where they come from.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { type FakeHost, fakeHost } from "vedette/testing";
import plugin from "../../plugins/extensions/bearertokenauth/index.ts";
import { eventually, folderWith } from "../agent.ts";

async function extension(t: TestContext, options: object, host: FakeHost = fakeHost()) {
  const created = plugin.create(plugin.config.parse(options), host);
  t.after(() => created.stop?.());
  await created.start?.();
  const enters = async (headers: Record<string, string | string[]>) =>
    (await created.authenticate!(headers)) === undefined;
  return { created, enters };
}

test("the token gets in, and nothing that differs from it", async (t) => {
  const { created, enters } = await extension(t, { token: "sesame" });
  assert.ok(await enters({ authorization: "Bearer sesame" }));
  assert.ok(await enters({ authorization: ["bearer sesame"] }));
  for (const authorization of [
    "Bearer sesam",
    "Bearer sesame2",
    "Bearer Sesame",
    "Bearer ",
    "Basic sesame",
    "sesame",
    "",
  ]) {
    assert.ok(!(await enters({ authorization })), authorization);
  }
  assert.ok(!(await enters({})) && !(await enters({ authorization: [] })));
  const why = await created.authenticate!({ authorization: "Bearer hunter2" });
  assert.equal(why, "the token is not one of those that are accepted");
  assert.equal(await created.authenticate!({}), 'a token is missing: send the header "authorization: Bearer <token>"');
  assert.deepEqual(created.credentials!(), { authorization: "Bearer sesame" });
});

test("of several tokens each gets in, and the first goes out", async (t) => {
  const { created, enters } = await extension(t, { tokens: ["one", "two"], header: "X-Api-Key", scheme: "" });
  assert.ok((await enters({ "x-api-key": "one" })) && (await enters({ "x-api-key": "two" })));
  assert.ok(!(await enters({ "x-api-key": "three" })) && !(await enters({ authorization: "one" })));
  assert.deepEqual(created.credentials!(), { "x-api-key": "one" });
});

test("the file of tokens is read again; a bad new one changes nothing and is reported without what it holds", async (t) => {
  const filename = join(folderWith(t), "tokens");
  writeFileSync(filename, "one\r\n\ntwo\n");
  const host = fakeHost();
  const { created, enters } = await extension(t, { filename }, host);
  assert.ok((await enters({ authorization: "Bearer one" })) && (await enters({ authorization: "Bearer two" })));

  for (const text of ["", "hunter2\nhunter\u00072\n"]) {
    const before = host.reported.length;
    writeFileSync(filename, text);
    await eventually("the complaint", () => host.reported.length > before);
    assert.equal(host.reported.at(-1)!.status, "recoverable_error");
    assert.ok(await enters({ authorization: "Bearer one" }));
  }
  assert.match(host.reported.at(-1)!.reason!, /^filename \(.*tokens\): line 2 holds what cannot stand in a header/);

  writeFileSync(filename, "three\n");
  await eventually("the new token", () => created.credentials!().authorization === "Bearer three");
  assert.ok(!(await enters({ authorization: "Bearer one" })));
  assert.equal(host.reported.at(-1)!.status, "ok");
  assert.ok(!JSON.stringify([host.logged, host.reported]).includes("hunter"));
});

test("a file that is not there ends the start", async (t) => {
  const filename = join(folderWith(t), "none");
  await assert.rejects(extension(t, { filename }), /^Error: filename \(.*none\) cannot be read: there is no such file/);
});

test("options: one source of tokens, and what can stand in a header", () => {
  const wrong: [options: object, path: string][] = [
    [{}, "token"],
    [{ token: "hunter2", tokens: ["hunter2"] }, "tokens"],
    [{ token: "hunter2", filename: "f" }, "filename"],
    [{ token: "hunter2\n" }, "token"],
    [{ token: "" }, "token"],
    [{ tokens: [] }, "tokens"],
    [{ tokens: ["hunter2", "hunter2\u0000"] }, "tokens.1"],
    [{ token: "hunter2", header: "bad name" }, "header"],
    [{ token: "hunter2", header: "Content-Length" }, "header"],
    [{ token: "hunter2", scheme: "two words" }, "scheme"],
  ];
  for (const [options, path] of wrong) {
    const { error } = plugin.config.safeParse(options);
    assert.deepEqual(
      error?.issues.map((issue) => issue.path.join(".")),
      [path],
      JSON.stringify(options),
    );
    assert.ok(!error?.message.includes("hunter2"));
  }
});
