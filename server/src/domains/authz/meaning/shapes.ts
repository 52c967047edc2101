import { z } from "zod";
import { counts } from "../preview/shapes.ts";
import { CHANGES } from "../preview/tally.ts";
import type { MadeUp, Recorded } from "./compare.ts";
import type { Changes } from "./judge.ts";

const cell = z
  .object({ cohort: z.string(), action: z.string(), resource_type: z.string(), counts })
  .meta({ id: "MeaningCell" });

const part = {
  counts,
  cells: z.array(cell).describe("Where most changed first"),
  cells_left_out: z.int(),
};

const uid = z.object({ type: z.string(), id: z.string() });
const values = z.record(z.string(), z.json());

/** What a sample of recorded questions came to. */
export const recordedChanges = z
  .object({
    ...part,
    looked_at: z.int().describe("Decisions of the window from which the sample was taken"),
    complete: z.boolean().describe("False: the window has more than is looked at"),
    examples: z.array(z.object({ change: z.enum(CHANGES), decision_id: z.uuid() })),
  })
  .meta({ id: "RecordedChanges" });

/** What questions that nobody asked came to. */
export const generatedChanges = z
  .object({
    ...part,
    examples: z.array(
      z.object({
        change: z.enum(CHANGES),
        question: z
          .object({
            principal: z.object({ ...uid.shape, groups: z.array(z.string()) }),
            action: z.string(),
            action_type: z.string(),
            resource: uid,
            context: values,
            entities: z.array(z.object({ uid, attrs: values, parents: z.array(uid) })),
          })
          .describe("As POST /v1/policies/simulate takes it"),
      }),
    ),
  })
  .meta({ id: "GeneratedChanges" });

const partShown = ({ counts: all, cells }: Changes<unknown>) => ({
  counts: { ...all },
  cells: cells.told.map(({ cohort, action, resourceType, counts: of }) => ({
    cohort,
    action,
    resource_type: resourceType,
    counts: { ...of },
  })),
  cells_left_out: cells.leftOut,
});

export const recordedShown = ({
  changes,
  looked,
  isComplete,
}: Recorded): z.input<typeof recordedChanges> => ({
  ...partShown(changes),
  looked_at: looked,
  complete: isComplete,
  examples: changes.examples.map(({ change, of }) => ({ change, decision_id: of })),
});

export const generatedShown = (changes: Changes<MadeUp>): z.input<typeof generatedChanges> => ({
  ...partShown(changes),
  examples: changes.examples.map(({ change, of }) => ({
    change,
    question: of as z.input<typeof generatedChanges>["examples"][number]["question"],
  })),
});
