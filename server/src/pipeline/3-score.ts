import type { Chain } from "./chain.ts";
import type { Parts } from "./parts.ts";
import { tooRisky } from "./refusals.ts";

/** Step 3: how risky is it? Above the project's threshold the call goes no further. */
export function score(parts: Parts, chain: Chain): void {
  const { operation, request } = chain;
  if (operation.score === "none") return;
  const found = parts.scorer.score(operation.score(request.input));
  const { scoreMax } = request.principal;
  const refused = found.value > scoreMax;
  chain.score = found;
  chain.rows.push(
    ...parts.scorer.rows(found, { id: chain.id, scoreMax, refused, time_ms: chain.time_ms }),
  );
  if (refused)
    throw tooRisky({
      decision_id: chain.id,
      score: found.value,
      score_max: scoreMax,
      level: found.level,
      reasons: found.reasons,
    });
}
