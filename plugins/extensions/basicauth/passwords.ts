// Whether a user's password is right: in the same time for users that exist and those that do not, remembered for a while.
import { keyedHash } from "vedette";
import { Bcrypt } from "./bcrypt.ts";
import { type Htpasswd, isBcrypt, matches } from "./htpasswd.ts";

/** Outcomes remembered of each kind; those of the least recently seen are forgotten first. */
const MOST_REMEMBERED = 1000;

export class Passwords {
  readonly #bcrypt = new Bcrypt();
  readonly #right = new Recent();
  readonly #wrong = new Recent();
  /** Checks under way, so that a client which sends ten requests at once is checked once. */
  readonly #checks = new Map<string, Promise<boolean>>();
  #users: Htpasswd = new Map();
  #hashes: readonly string[] = [];

  /** Replaces all users. */
  use(users: Htpasswd): void {
    this.#users = users;
    this.#hashes = [...users.values()];
  }

  /** Rejects when it cannot tell now, because too many are asking. */
  async isRight(user: string, password: string): Promise<boolean> {
    const own = this.#users.get(user);
    const hash = own ?? this.#anothers(user);
    const right = isBcrypt(hash) ? await this.#slow(hash, user, password) : matches(hash, password);
    return right && own !== undefined;
  }

  close(): Promise<void> {
    return this.#bcrypt.close();
  }

  /** What an unknown user is checked with, always the same for a name: that it takes long or not says nothing. */
  #anothers(user: string): string {
    return this.#hashes[keyedHash(user).readUInt32LE() % this.#hashes.length];
  }

  async #slow(hash: string, user: string, password: string): Promise<boolean> {
    const key = keyedHash(JSON.stringify([hash, user, password])).toString("base64");
    if (this.#right.has(key)) return true;
    if (this.#wrong.has(key)) return false;
    const running = this.#checks.get(key);
    if (running) return running;
    const check = this.#bcrypt.compare({ password, hash });
    this.#checks.set(key, check);
    try {
      const right = await check;
      (right ? this.#right : this.#wrong).add(key);
      return right;
    } finally {
      this.#checks.delete(key);
    }
  }
}

/** A bounded set that forgets what was not asked for longest. */
class Recent {
  readonly #keys = new Set<string>();

  has(key: string): boolean {
    if (!this.#keys.delete(key)) return false;
    this.#keys.add(key);
    return true;
  }

  add(key: string): void {
    this.#keys.add(key);
    if (this.#keys.size <= MOST_REMEMBERED) return;
    for (const oldest of this.#keys) return void this.#keys.delete(oldest);
  }
}
