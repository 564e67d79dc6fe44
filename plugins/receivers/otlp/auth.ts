// Asks an extension whether a request may come in, before its body is read.
import { extensionId, type Host, z } from "vedette";
import { Refusal, unanswered, unauthenticated } from "./refusal.ts";

export const authOptions = z.object({
  authenticator: extensionId("server_auth").describe("Extension that is asked about each request."),
});

/** Milliseconds that an authenticator may take. */
const PATIENCE = 10_000;

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Returns what settles once a request with `headers` may come in, and rejects with a Refusal when it may not; also when the authenticator
 * fails, so that nobody comes in by its faults, and whoever may is told to try again.
 */
export function authentication({ authenticator }: z.output<typeof authOptions>, host: Host) {
  const challenge = /^basic/.test(authenticator) ? 'Basic realm="otlp"' : 'Bearer realm="otlp"';
  return async (headers: Headers): Promise<void> => {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`the extension ${authenticator} did not answer`)), PATIENCE);
    try {
      const extension = host.extension(authenticator);
      if (!extension.authenticate) throw new Error(`the extension ${authenticator} does not authenticate requests`);
      const why = await Promise.race([extension.authenticate(headers), late.promise]);
      if (why !== undefined) throw unauthenticated(String(why), challenge);
    } catch (error) {
      throw error instanceof Refusal ? error : unanswered(error);
    } finally {
      clearTimeout(timer);
    }
  };
}
