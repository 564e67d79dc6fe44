// Where a plugin under test may listen, send and write: nothing of it is left behind.
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Places {
  /** `host:port`. For an exporter a listener that never answers; for a receiver or extension a free port, then a taken one. */
  readonly address: string;
  /** An empty folder. */
  readonly folder: string;
}

/** The address is that of a TCP listener which takes connections and never says a word. */
export async function withPlaces<T>(use: (places: Places) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "vedette-plugin-"));
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await use({ address: `127.0.0.1:${port}`, folder });
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  }
}
