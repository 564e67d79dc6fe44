// Makes room among HTTP/2 connections, which may stay without a call for as long as they like: the longest idle one goes first.
import type { ServerHttp2Session } from "node:http2";

export class Crowd {
  readonly #most: number;
  /** Those without a call, the one that is so longest first. */
  readonly #idle = new Set<ServerHttp2Session>();
  #size = 0;

  /** Beyond `most` connections one without a call is closed for each that comes. */
  constructor(most: number) {
    this.#most = most;
  }

  add(session: ServerHttp2Session): void {
    let calls = 0;
    session.on("stream", (stream) => {
      calls++;
      this.#idle.delete(session);
      stream.once("close", () => {
        if (--calls === 0 && !session.closed) this.#idle.add(session);
      });
    });
    session.once("close", () => {
      this.#size--;
      this.#idle.delete(session);
    });
    if (++this.#size > this.#most) this.#makeRoom();
    this.#idle.add(session);
  }

  #makeRoom(): void {
    const [longest] = this.#idle;
    if (longest) this.#idle.delete(longest);
    longest?.close();
  }
}
