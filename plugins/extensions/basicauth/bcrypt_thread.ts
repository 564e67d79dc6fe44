// A thread that checks passwords with bcrypt, which takes longer than a pipeline can wait.
import { parentPort } from "node:worker_threads";
import { compareSync } from "bcryptjs";
import type { Check } from "./bcrypt.ts";

parentPort!.on("message", ({ password, hash }: Check) => parentPort!.postMessage(compareSync(password, hash)));
