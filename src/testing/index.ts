// For tests of plugins (`vedette/testing`): the laws, a host, and labelled streams.
export { assertPlugin, type CheckOptions, checkPlugin, type Law, type Places, type Violation } from "./check_plugin.ts";
export { type FakeHost, fakeHost, type LogEntry } from "./fake_host.ts";
export { generate, type LabelledRequest, type StreamOptions } from "./generate.ts";
export { WordMiner } from "./word_miner.ts";
