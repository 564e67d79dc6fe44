// basicauth: the formats of htpasswd, who gets in, and what guessing costs.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { hashSync } from "bcryptjs";
import { type FakeHost, fakeHost } from "vedette/testing";
import { Bcrypt } from "../../plugins/extensions/basicauth/bcrypt.ts";
import { isBcrypt, matches, parseHtpasswd } from "../../plugins/extensions/basicauth/htpasswd.ts";
import plugin from "../../plugins/extensions/basicauth/index.ts";
import { Passwords } from "../../plugins/extensions/basicauth/passwords.ts";
import { eventually, folderWith } from "../agent.ts";

/** "myPassword", as Apache's manual has it. */
const APACHE = {
  bcrypt: "$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC",
  sha: "{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=",
  plain: "myPassword",
};
const salt = Buffer.from("saltsalt");
const ssha = `{SSHA}${Buffer.concat([createHash("sha1").update("myPassword").update(salt).digest(), salt]).toString("base64")}`;

const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
});

async function extension(t: TestContext, options: object, host: FakeHost = fakeHost()) {
  const created = plugin.create(plugin.config.parse(options), host);
  t.after(() => created.stop?.());
  await created.start?.();
  return created;
}

test("passwords in every kind of hash are right, and wrong ones are not", async (t) => {
  const inline = `${Object.entries({ ...APACHE, ssha })
    .map(([user, hash]) => `${user}:${hash}`)
    .join("\n")}\n# end\n`;
  const server = await extension(t, { htpasswd: { inline } });
  for (const user of ["bcrypt", "sha", "ssha", "plain"]) {
    assert.equal(await server.authenticate!(basic(user, "myPassword")), undefined, user);
    assert.equal(await server.authenticate!(basic(user, "mypassword")), "the user name or the password is wrong", user);
    assert.equal(await server.authenticate!(basic(user, "")), "the user name or the password is wrong", user);
  }
  assert.equal(await server.authenticate!(basic("nobody", "myPassword")), "the user name or the password is wrong");
});

test("a password may hold colons and letters of any alphabet", async (t) => {
  const server = await extension(t, { htpasswd: { inline: "анна:ключ:42" } });
  assert.equal(await server.authenticate!(basic("анна", "ключ:42")), undefined);
});

test("headers without a name and a password are told what is missing", async (t) => {
  const server = await extension(t, { htpasswd: { inline: "anna:secret" } });
  const headers = ["", "Bearer x", "Basic", "Basic !!", `Basic ${Buffer.from("anna").toString("base64")}`];
  for (const authorization of headers) {
    assert.match((await server.authenticate!({ authorization }))!, /^a password is missing: /, authorization);
  }
  assert.match((await server.authenticate!({}))!, /^a password is missing: /);
  const { authorization } = basic("anna", "secret");
  assert.equal(await server.authenticate!({ authorization: [authorization.replace("Basic", "bASIC")] }), undefined);
});

test("lines that cannot be used are named, and nothing of them is said", () => {
  const wrong: [line: string, message: RegExp][] = [
    ["x:$apr1$hunter2$HqJZimcKQFAMYayBlzkrA/", /^line 2 is hashed with \$apr1\$ .*htpasswd -B$/],
    ["x:$5$hunter2$abc", /^line 2 is hashed with \$5\$ .*htpasswd -B$/],
    ["x:$6$hunter2$abc", /^line 2 is hashed with \$6\$ .*htpasswd -B$/],
    ["x:$argon2id$hunter2", /^line 2 is hashed with this kind of hash.*htpasswd -B$/],
    ["x:{SSHA512}hunter2", /^line 2 is hashed with this kind of hash.*htpasswd -B$/],
    ["x:{SHA}hunter2", /^line 2 has a damaged \{SHA\} hash/],
    ["x:{SSHA}hunter2", /^line 2 has a damaged \{SSHA\} hash/],
    ["x:$2y$10$hunter2", /^line 2 has a damaged bcrypt hash/],
    [`x:${APACHE.bcrypt.replace("$05$", "$31$")}`, /^line 2 has a bcrypt cost of 31/],
    ["hunter2", /^line 2 is not user:password/],
    [":hunter2", /^line 2 is not user:password/],
    ["x:", /^line 2 is not user:password/],
  ];
  for (const [line, message] of wrong) {
    assert.throws(
      () => parseHtpasswd(`# users\n${line}\n`),
      (error: Error) => {
        assert.match(error.message, message);
        return !error.message.includes("hunter2");
      },
    );
  }
  assert.deepEqual(
    [...parseHtpasswd("a:1\r\nb:2\r\na:3")],
    [
      ["a", "3"],
      ["b", "2"],
    ],
  );
});

test("fast hashes are told from bcrypt, which they are never compared as", () => {
  assert.ok(isBcrypt(APACHE.bcrypt) && !isBcrypt(APACHE.sha) && !isBcrypt("$2y$05$short"));
  assert.ok(!matches(ssha, "myPassworD") && !matches(APACHE.sha, "") && !matches("abc", "abcd"));
});

test("options: either users or credentials, each from one place", () => {
  const wrong: [options: object, path: string][] = [
    [{}, "htpasswd"],
    [{ htpasswd: {} }, "htpasswd.file"],
    [{ htpasswd: { inline: "\n" } }, "htpasswd.inline"],
    [{ htpasswd: { inline: "x:$apr1$hunter2$x" } }, "htpasswd.inline"],
    [{ htpasswd: { inline: "a:b" }, client_auth: { username: "a", password: "b" } }, "client_auth"],
    [{ client_auth: { username: "a" } }, "client_auth.password"],
    [{ client_auth: { password: "hunter2" } }, "client_auth.username"],
    [{ client_auth: { username: "a:b", password: "hunter2" } }, "client_auth.username"],
    [{ client_auth: { username: "a", password: "hunter2\n" } }, "client_auth.password"],
    [{ client_auth: { username: "a", username_file: "f", password: "hunter2" } }, "client_auth.username_file"],
    [{ client_auth: { username: "a", password: "hunter2", password_file: "f" } }, "client_auth.password_file"],
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
  const offers = plugin.offers as (options: object) => string[];
  assert.deepEqual(offers(plugin.config.parse({ htpasswd: { inline: "a:b" } })), ["server_auth"]);
  assert.deepEqual(offers(plugin.config.parse({ client_auth: { username: "a", password: "b" } })), ["client_auth"]);
});

test("the file of users is read again, inline ones stand above it, and a bad new one changes nothing", async (t) => {
  const file = join(folderWith(t), "users");
  writeFileSync(file, "anna:one\nbert:file\n");
  const host = fakeHost();
  const server = await extension(t, { htpasswd: { file, inline: "bert:inline" } }, host);
  const enters = async (user: string, password: string) =>
    (await server.authenticate!(basic(user, password))) === undefined;
  assert.deepEqual(
    [await enters("anna", "one"), await enters("bert", "file"), await enters("bert", "inline")],
    [true, false, true],
  );

  writeFileSync(file, "anna:$apr1$hunter2$x\n");
  await eventually("the complaint", () => host.reported.length === 1);
  const message = `htpasswd.file (${file}): line 1 is hashed with $apr1$ (Apache's MD5), which is not supported; make it anew with htpasswd -B`;
  assert.deepEqual(host.reported, [{ status: "recoverable_error", reason: message }]);
  assert.equal(await enters("anna", "one"), true);

  writeFileSync(file, "anna:two\n");
  await eventually("the new file", () => host.reported.length === 2);
  assert.deepEqual([await enters("anna", "one"), await enters("anna", "two")], [false, true]);
  assert.equal(host.reported[1].status, "ok");

  rmSync(file);
  await eventually("the complaint", () => host.reported.length === 3);
  assert.match(host.reported[2].reason!, /cannot be read: there is no such file/);
  assert.equal(await enters("anna", "two"), true);
  assert.ok(!JSON.stringify(host.logged).includes("hunter2"));
});

test("a file that is not there, or holds nobody, ends the start", async (t) => {
  const folder = folderWith(t, { empty: "# nobody\n", damaged: "hunter2\n" });
  const starting = (name: string) => extension(t, { htpasswd: { file: join(folder, name) } });
  await assert.rejects(starting("none"), /^Error: htpasswd\.file \(.*none\) cannot be read: there is no such file/);
  await assert.rejects(starting("empty"), /it holds no user/);
  await assert.rejects(starting("damaged"), /: line 1 is not user:password/);
});

test("a client's name and password go out, from files too, which are read again", async (t) => {
  const plain = await extension(t, { client_auth: { username: "anna", password: "päss:word" } });
  assert.deepEqual(plain.credentials!(), basic("anna", "päss:word"));

  const folder = folderWith(t, { name: "anna\n", password: "one\n" });
  const [username_file, password_file] = [join(folder, "name"), join(folder, "password")];
  const host = fakeHost();
  const read = await extension(t, { client_auth: { username_file, password_file } }, host);
  assert.deepEqual(read.credentials!(), basic("anna", "one"));
  writeFileSync(password_file, "two\n");
  await eventually("the new password", () => read.credentials!().authorization === basic("anna", "two").authorization);
  writeFileSync(password_file, "");
  await eventually("the complaint", () => host.reported.length === 1);
  assert.match(
    host.reported[0].reason!,
    /^client_auth\.password_file \(.*\): it does not hold one password on one line/,
  );
  assert.deepEqual(read.credentials!(), basic("anna", "two"));
});

/** Passwords whose bcrypt takes "myPassword" at once, and what it was asked. */
function counted(t: TestContext, users: Record<string, string>) {
  const asked: { password: string; hash: string }[] = [];
  t.mock.method(Bcrypt.prototype, "compare", async (check: { password: string; hash: string }) => {
    asked.push(check);
    return check.password === "myPassword";
  });
  const passwords = new Passwords();
  passwords.use(new Map(Object.entries(users)));
  return { passwords, asked };
}

test("an unknown user costs what a known one costs, and never gets in", async (t) => {
  const { passwords, asked } = counted(t, { anna: APACHE.bcrypt });
  assert.equal(await passwords.isRight("nobody", "myPassword"), false);
  assert.deepEqual(asked, [{ password: "myPassword", hash: APACHE.bcrypt }]);
});

test("a password is checked once, however often and at once it comes; new users are checked anew", async (t) => {
  const { passwords, asked } = counted(t, { anna: APACHE.bcrypt });
  const all = await Promise.all(Array.from({ length: 10 }, () => passwords.isRight("anna", "myPassword")));
  assert.deepEqual([new Set(all), asked.length], [new Set([true]), 1]);
  passwords.use(new Map([["anna", hashSync("another", 4)]]));
  await passwords.isRight("anna", "myPassword");
  assert.equal(asked.length, 2);
});

test("what is remembered is bounded, and guessing does not push out who was right", async (t) => {
  const { passwords, asked } = counted(t, { anna: APACHE.bcrypt });
  await passwords.isRight("anna", "myPassword");
  for (let i = 0; i < 1001; i++) await passwords.isRight("anna", `guess ${i}`);
  assert.equal(asked.length, 1002);
  await passwords.isRight("anna", "guess 1000");
  assert.equal(asked.length, 1002, "the newest is remembered");
  await passwords.isRight("anna", "guess 0");
  assert.equal(asked.length, 1003, "the oldest is forgotten");
  assert.equal(await passwords.isRight("anna", "myPassword"), true);
  assert.equal(asked.length, 1003, "who was right is remembered");
});

test("guesses wait in a bounded line; beyond it they are refused at once", async (t) => {
  const passwords = new Passwords();
  t.after(() => passwords.close());
  passwords.use(new Map([["anna", hashSync("right", 10)]]));
  const outcomes = Array.from({ length: 40 }, (_, i) =>
    passwords.isRight("anna", `guess ${i}`).catch((error: Error) => error.message),
  );
  assert.equal(await Promise.race(outcomes), "too many passwords are being checked");
  await passwords.close();
  const ended = await Promise.all(outcomes);
  assert.equal(ended.filter((outcome) => outcome === "too many passwords are being checked").length, 7);
  assert.ok(!ended.includes(true));
});

test("bcrypt runs beside the event loop, which goes on meanwhile", async (t) => {
  const bcrypt = new Bcrypt();
  t.after(() => bcrypt.close());
  const hash = hashSync("right", 11);
  let turns = 0;
  const ticking = setInterval(() => turns++, 1);
  assert.equal(await bcrypt.compare({ password: "right", hash }), true);
  turns = 0;
  assert.equal(await bcrypt.compare({ password: "right", hash }), true);
  clearInterval(ticking);
  assert.ok(turns > 2, `${turns} turns`);
});
