// Loaded before the tests: what Node makes of a module is kept for the hundreds of processes that load it again.
import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

const directory = fileURLToPath(new URL("../node_modules/.cache/vedette/", import.meta.url));
enableCompileCache(directory);
process.env["NODE_COMPILE_CACHE"] = directory;
