import {
  dottedGroups,
  type FeedEvent,
  type FeedPage,
  factsOf,
  type Policy,
  type Principal,
} from "#pipeline";

/** Who reads, from where and when. */
export interface Reader {
  readonly principal: Principal;
  readonly address: string | undefined;
  readonly time_ms: number;
}

/** Who asks with which key from where, at which state of the policies: the same answer for all its streams. */
const identity = ({ principal: { type, id, apiKeyId, revision }, address }: Reader): string =>
  `${type}:${id} ${apiKeyId} ${address} ${revision}`;

const known = new WeakMap<FeedPage, Map<string, Promise<readonly FeedEvent[]>>>();

/** The events of a page that this principal may get by the operation which shows the same thing. */
export function visibleTo(
  policy: Policy,
  reader: Reader,
  page: FeedPage,
): Promise<readonly FeedEvent[]> {
  let answers = known.get(page);
  if (answers === undefined) known.set(page, (answers = new Map()));
  const who = identity(reader);
  let events = answers.get(who);
  if (events === undefined) answers.set(who, (events = filter(policy, reader, page)));
  return events;
}

async function filter(policy: Policy, reader: Reader, page: FeedPage) {
  const { principal } = reader;
  const context = factsOf(principal, reader);
  const seen: FeedEvent[] = [];
  for (const event of page.events) {
    const question = {
      principal,
      action: actionOf(event.operation),
      resource: event.resource,
      context,
    };
    if (await policy.allows(principal, question)) seen.push(event);
  }
  return seen;
}

/** As the pipeline asks for an operation that reads. */
const actionOf = (name: string) => ({ id: name, groups: ["read", ...dottedGroups(name)] });
