// What the API can be asked: a path, a method, and what comes of it.

import { type Effect, z } from "vedette";
import { type Answer, badRequest, json, notFound } from "./answer.ts";
import { DatabaseError } from "./database.ts";
import type { Question } from "./keeper.ts";
import { cursorOf, isNumber, isPlace, Parameters, timeOf } from "./parameters.ts";
import { SILENCE } from "./said.ts";
import type { KeptAnomalies } from "./store.ts";

export interface Asked {
  readonly query: URLSearchParams;
  /** What stands behind the route's path. */
  readonly id: string;
  /** Of a POST. */
  readonly body: string;
  /** Who asks. */
  readonly by: string;
}

type Answering = (asked: Asked, store: KeptAnomalies, now: number) => Promise<Answer>;

export interface Route {
  readonly path: RegExp;
  readonly methods: Readonly<Partial<Record<"GET" | "POST" | "DELETE", Answering>>>;
}

const FILTERS = ["state", "severity", "service", "type", "detector", "signal", "fingerprint"] as const;
const PAGED = ["limit", "cursor"];
/** Of kept episodes a preview looks at. */
const PREVIEWED = 7 * 86_400_000;

const LIST = (kind: Question["kind"]): Answering => {
  const filters = kind === "episodes" ? ([...FILTERS, "incident"] as const) : FILTERS;
  return async ({ query }, store) => {
    const asked = new Parameters(query, [...filters, "since", "until", ...PAGED]);
    const where = Object.fromEntries(
      filters.flatMap((name) => (asked.texts(name) ? [[name, asked.texts(name)!]] : [])),
    );
    const [since, until] = [asked.time("since"), asked.time("until")];
    const question = { kind, where, since, until, limit: asked.limit(), after: asked.cursor(isPlace) };
    const { items, next } = await store.book.ask("page", question);
    return { status: 200, body: `{"items":[${items.join()}],"next":${JSON.stringify(next && cursorOf(next))}}` };
  };
};

const ONE = (kind: Question["kind"]): Answering => {
  return async ({ query, id }, store) => {
    new Parameters(query, []);
    const body = await store.book.ask("one", kind, id);
    if (body !== undefined) return { status: 200, body };
    throw notFound(
      `/api/v1/${kind}/${id}`,
      "nothing is kept of that id",
      `look it up in /api/v1/${kind}; what is older than the retention is gone`,
    );
  };
};

const numbered = (page: { items: readonly object[]; next: number | null }) =>
  json({ items: page.items, next: page.next === null ? null : cursorOf(page.next) });

const said = z.strictObject({
  about: z.string().min(1).max(512),
  opinion: z.enum(["good", "bad", "expected"]),
  note: z.string().max(2048).default(""),
  until: z.union([z.number(), z.string().max(64)]).optional(),
  by: z
    .string()
    .max(64)
    .refine((by) => !by.startsWith(SILENCE), { error: "is kept for silences" })
    .optional(),
});

const TEACH: Answering = async ({ query, body, by: sender }, store, now) => {
  new Parameters(query, []);
  const { about, opinion, note, by = sender, until } = read(body);
  const end = endOf(opinion, until, now);
  try {
    const feedback = await store.teach({ about, opinion, note, by, until: end });
    const effects = store.effects.filter((effect) => effect.feedback.includes(feedback.id)).map(shown);
    return json({ feedback, effects }, 201);
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.kind !== "refused") throw error;
    throw notFound(
      "about",
      error.message,
      "take an id of /api/v1/incidents or /api/v1/episodes, or take feedback back first",
    );
  }
};

function read(body: string): z.output<typeof said> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (error) {
    throw badRequest(
      "the body",
      `it is no JSON: ${(error as Error).message.slice(0, 200)}`,
      'send {"about": "ID", "opinion": "bad"}',
    );
  }
  const { data, error } = said.safeParse(parsed);
  if (data) return data;
  const [{ path, message }] = error.issues;
  const place = path.length > 0 ? path.join(".") : "the body";
  throw badRequest(place, message, "send about, opinion (good, bad or expected), and if you like note, until and by");
}

/** Until when an opinion is to count; only what is expected must say. */
function endOf(opinion: string, until: string | number | undefined, now: number): number | undefined {
  if (until === undefined) {
    if (opinion === "expected") throw badRequest("until", "it is missing", "say until when it is expected");
    return undefined;
  }
  const end = timeOf(until, "until");
  if (end <= now) throw badRequest("until", "it is over", "give a time to come");
  return end;
}

const PREVIEW: Answering = async ({ query }, store, now) => {
  const asked = new Parameters(query, ["about", "opinion", "until"]);
  const about = asked.text("about");
  const opinion = asked.text("opinion") as "good" | "bad" | "expected" | undefined;
  if (about === undefined)
    throw badRequest("the parameter about", "it is missing", "give the id of an episode or incident");
  if (opinion === undefined)
    throw badRequest("the parameter opinion", "it is missing", "there are good, bad, expected");
  const end = endOf(opinion, asked.text("until"), now);
  const preview = await store.preview(about, opinion, end, now - PREVIEWED);
  if (!preview)
    throw notFound("about", "nothing is kept of that id", "take an id of /api/v1/incidents or /api/v1/episodes");
  return json({ ...preview, effects: preview.effects.map(shown) });
};

const shown = ({ feedback, scope, match, factor, upTo, reach, bands, until, says }: Effect) => ({
  feedback,
  scope,
  match,
  factor,
  up_to: Number.isFinite(upTo) ? upTo : null,
  reach: reach ?? null,
  bands: bands ?? null,
  until,
  says,
});

/** The first that fits counts. */
export const ROUTES: readonly Route[] = [
  { path: /^\/api\/v1\/incidents$/, methods: { GET: LIST("incidents") } },
  { path: /^\/api\/v1\/incidents\/([^/]+)$/, methods: { GET: ONE("incidents") } },
  { path: /^\/api\/v1\/episodes$/, methods: { GET: LIST("episodes") } },
  { path: /^\/api\/v1\/episodes\/([^/]+)$/, methods: { GET: ONE("episodes") } },
  { path: /^\/api\/v1\/feedback\/preview$/, methods: { GET: PREVIEW } },
  {
    path: /^\/api\/v1\/feedback$/,
    methods: {
      async GET({ query }, store) {
        const asked = new Parameters(query, PAGED);
        return numbered(await store.book.ask("feedback", asked.limit(), asked.cursor(isNumber)));
      },
      POST: TEACH,
    },
  },
  {
    path: /^\/api\/v1\/feedback\/([^/]+)$/,
    methods: {
      async DELETE({ query, id, by }, store) {
        new Parameters(query, []);
        if (await store.takeBack(id, by)) return { status: 204, body: "" };
        throw notFound(`/api/v1/feedback/${id}`, "no feedback of that id holds", "see /api/v1/feedback");
      },
    },
  },
  {
    path: /^\/api\/v1\/effects$/,
    methods: {
      async GET({ query }, store) {
        const asked = new Parameters(query, PAGED);
        const [limit, from] = [asked.limit(), asked.cursor(isNumber) ?? 0];
        const { effects } = store;
        const next = from + limit < effects.length ? from + limit : null;
        return numbered({ items: effects.slice(from, from + limit).map(shown), next });
      },
    },
  },
  {
    path: /^\/api\/v1\/audit$/,
    methods: {
      async GET({ query }, store) {
        const asked = new Parameters(query, ["about", ...PAGED]);
        return numbered(
          await store.book.ask("audits", asked.limit(), asked.cursor(isNumber), asked.text("about") ?? null),
        );
      },
    },
  },
];

/** The route of a path and what stands behind it; rejects what has none. */
export function routeOf(path: string): { route: Route; id: string } {
  for (const route of ROUTES) {
    const found = route.path.exec(path);
    if (!found) continue;
    try {
      return { route, id: decodeURIComponent(found[1] ?? "") };
    } catch {
      throw badRequest(path, "the id cannot be decoded", "write a % in it as %25");
    }
  }
  const remedy = "there are /api/v1/incidents, /episodes, /feedback, /feedback/preview, /effects and /audit";
  throw notFound(path, "there is no such path", remedy);
}
