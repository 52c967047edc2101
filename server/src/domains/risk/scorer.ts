import type { Db } from "#kernel/db.ts";
import type { Scorer } from "#pipeline";
import { canonicalJson } from "#verifier";
import { featuresOf } from "./features.ts";
import { CURRENT_MODEL, rate } from "./model.ts";
import { ensureModel, scoreRow } from "./queries.ts";

/** Fills the pipeline's third step with the current model. */
export async function openScorer(db: Db): Promise<Scorer> {
  const modelVersionId = await db.transaction({ role: "writer", tenantId: null }, (tx) =>
    ensureModel(tx, CURRENT_MODEL),
  );
  return {
    score(subject) {
      const features = featuresOf(subject);
      return { ...rate(CURRENT_MODEL, features), features: { ...features }, modelVersionId };
    },
    rows: (score, of) => [scoreRow(score, canonicalJson(score.features), of)],
  };
}
