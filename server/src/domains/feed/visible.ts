import {
  dottedGroups,
  type FeedEvent,
  type FeedPage,
  type Policy,
  type Principal,
} from "#pipeline";

/** Who asks, at which state of the policies: the same answer for all its streams. */
const identity = ({ type, id, revision }: Principal): string => `${type}:${id} ${revision}`;

const known = new WeakMap<FeedPage, Map<string, Promise<readonly FeedEvent[]>>>();

/** The events of a page that this principal may get by the operation which shows the same thing. */
export function visibleTo(
  policy: Policy,
  principal: Principal,
  page: FeedPage,
): Promise<readonly FeedEvent[]> {
  let answers = known.get(page);
  if (answers === undefined) known.set(page, (answers = new Map()));
  const who = identity(principal);
  let events = answers.get(who);
  if (events === undefined) answers.set(who, (events = filter(policy, principal, page)));
  return events;
}

async function filter(policy: Policy, principal: Principal, page: FeedPage) {
  const seen: FeedEvent[] = [];
  for (const event of page.events) {
    const question = {
      principal,
      action: actionOf(event.operation),
      resource: event.resource,
      context: {},
    };
    if (await policy.allows(principal, question)) seen.push(event);
  }
  return seen;
}

/** As the pipeline asks for an operation that reads. */
const actionOf = (name: string) => ({ id: name, groups: ["read", ...dottedGroups(name)] });
