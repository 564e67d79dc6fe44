// As little of HTTP/1.1 as a load generator and a sink need, on bare sockets: they are not to be the bottleneck.
import { connect, createServer, type Server, type Socket } from "node:net";

/** Reads messages off a connection one by one, of which it keeps the head and counts the body. */
export class Messages {
  #head = "";
  /** Bytes of the body that are still to come; undefined while the head is read. */
  #left: number | undefined;
  #chunked = false;
  /** The end of a chunked body, which may come in pieces. */
  #tail = "";
  readonly #done: (head: string) => void;

  constructor(done: (head: string) => void) {
    this.#done = done;
  }

  take(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) at = this.#chunked ? this.#chunks(chunk, at) : this.#step(chunk, at);
  }

  #step(chunk: Buffer, at: number): number {
    if (this.#left === undefined) {
      const end = chunk.indexOf("\r\n\r\n", at);
      const to = end < 0 ? chunk.length : end + 4;
      this.#head += chunk.toString("latin1", at, to);
      // the blank line itself may be cut in two
      if (!this.#head.endsWith("\r\n\r\n")) return to;
      this.#chunked = /^transfer-encoding: *chunked/im.test(this.#head);
      this.#left = this.#chunked ? 0 : Number(/^content-length: *(\d+)/im.exec(this.#head)?.[1] ?? 0);
      if (!this.#chunked && this.#left === 0) this.#end();
      return to;
    }
    const taken = Math.min(this.#left, chunk.length - at);
    this.#left -= taken;
    if (this.#left === 0) this.#end();
    return at + taken;
  }

  /** Of a chunked body only where it ends matters: a chunk of no bytes. */
  #chunks(chunk: Buffer, at: number): number {
    this.#tail = (this.#tail + chunk.toString("latin1", Math.max(at, chunk.length - 5))).slice(-5);
    if (this.#tail === "0\r\n\r\n") this.#end();
    return chunk.length;
  }

  #end(): void {
    const head = this.#head;
    this.#head = "";
    this.#tail = "";
    this.#left = undefined;
    this.#chunked = false;
    this.#done(head);
  }
}

/** Calls `came` for each request, and answers it with 200. */
export function httpSink(came: () => void): Server {
  const answer = Buffer.from("HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n");
  return createServer({ noDelay: true }, (socket) => {
    const messages = new Messages(() => {
      came();
      socket.write(answer);
    });
    socket.on("data", (chunk: Buffer) => messages.take(chunk));
    socket.on("error", () => {});
  });
}

/** One connection, one request at a time. */
export class HttpSender {
  readonly #socket: Socket;
  readonly #head: string;
  #settle: { resolve: () => void; reject: (error: Error) => void } | undefined;

  constructor(port: number, path: string, encoding: string) {
    const coded = encoding === "identity" ? "" : `content-encoding: ${encoding}\r\n`;
    this.#head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/x-protobuf\r\n${coded}`;
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const messages = new Messages((head) => {
      const settle = this.#settle;
      this.#settle = undefined;
      if (head.startsWith("HTTP/1.1 200")) settle?.resolve();
      else settle?.reject(new Error(head.split("\r\n", 1)[0]));
    });
    this.#socket.on("data", (chunk: Buffer) => messages.take(chunk));
    const broken = (error?: Error) => this.#settle?.reject(error ?? new Error("the connection was closed"));
    this.#socket.on("error", broken);
    this.#socket.on("close", () => broken());
  }

  send(body: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#socket.cork();
      this.#socket.write(`${this.#head}content-length: ${body.length}\r\n\r\n`, "latin1");
      this.#socket.write(body);
      this.#socket.uncork();
    });
  }

  close(): void {
    this.#settle = undefined;
    this.#socket.destroy();
  }
}
